// What is wrong with what an environment gave, in words that name the environment, the step and the copy.
import { ConfigError, type Env, type GimbalError, type VectorEnv } from '@gimbal/tensor-core';

/**
 * What an environment threw. Typed errors say where they come from and are handed on.
 * @param where the environment and its step
 */
export function threw(cause: unknown, where: string): Error {
  if (isTyped(cause)) return cause;
  const said = (cause as Error | undefined)?.message;
  const what = `the environment threw: ${said === undefined || said === '' ? String(cause) : said}`;
  return new ConfigError({ where, what, cause });
}

// by what it has: the environment may stand on another copy of the library
const isTyped = (error: unknown): error is GimbalError =>
  ['code', 'where', 'what'].every((key) => typeof (error as Record<string, unknown> | null)?.[key] === 'string');

/** @throws ConfigError for what is no result of a step or reset: not there, a promise, or without `obs` or `info` */
export function checkResult(result: unknown, where: () => string, wanted: string): void {
  const given = result as { obs?: unknown; info?: unknown } | null | undefined;
  if (typeof given === 'object' && given !== null && isObject(given.obs) && isObject(given.info)) return;
  throw notResult(given, where(), wanted);
}

const isObject = (x: unknown): boolean => typeof x === 'object' && x !== null;

function notResult(
  given: { obs?: unknown; info?: unknown } | null | undefined,
  where: string,
  wanted: string,
): ConfigError {
  if (typeof given !== 'object' || given === null)
    return new ConfigError({ where, what: 'it gave no result', got: String(given), wanted });
  if (typeof (given as { then?: unknown }).then === 'function') {
    const fix = 'Environments step at once; one that has to wait is a VectorEnv';
    return new ConfigError({ where, what: 'it gave a promise', wanted, fix });
  }
  const name = isObject(given.obs) ? 'info' : 'obs';
  const fix = name === 'info' ? 'Return info: {} where there is nothing to say' : undefined;
  const got = String(given[name]);
  return new ConfigError({ where, what: `there is no ${name}`, got, wanted, ...(fix && { fix }) });
}

/** @throws ConfigError for what a function gave that is no single environment */
export function checkEnv(env: unknown, where: string): asserts env is Env {
  const made = env as Partial<Env & VectorEnv> | null | undefined;
  const isEnv = typeof made?.step === 'function' && typeof made.reset === 'function';
  if (isEnv && made.numEnvs === undefined) return;
  throw new ConfigError({
    where,
    what: isEnv ? 'the function made many environments at once' : 'the function made no environment',
    ...(!isEnv && { got: String(env) }),
    wanted: 'an Env, or a promise of one',
    fix: isEnv ? 'Give the VectorEnv itself: env: await makeVectorEnv(…)' : 'As env: () => makeEnv(…)',
  });
}
