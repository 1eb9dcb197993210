// What is wrong with what an environment gave, in words that name the environment, the step and the copy.
import { ConfigError, type Env, type GimbalError, type VectorEnv, type VectorStep } from '@gimbal/tensor-core';

/**
 * What an environment threw. Typed errors say where they come from and are handed on.
 * @param where the environment and its step
 * @param who threw it
 */
export function threw(cause: unknown, where: string, who = 'the environment'): Error {
  if (isTyped(cause)) return cause;
  const said = (cause as Error | undefined)?.message;
  const what = `${who} threw: ${said === undefined || said === '' ? String(cause) : said}`;
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

/** Whether it has to be waited for. */
export const isPromise = (x: unknown): x is PromiseLike<unknown> =>
  typeof (x as { then?: unknown } | null | undefined)?.then === 'function';

/** A promise that nobody awaits: where it fails later, the process must not end by it. */
export function dropped(promise: PromiseLike<unknown>): void {
  promise.then(undefined, () => {});
}

const isObject = (x: unknown): boolean => typeof x === 'object' && x !== null;

function notResult(
  given: { obs?: unknown; info?: unknown } | null | undefined,
  where: string,
  wanted: string,
): ConfigError {
  if (typeof given !== 'object' || given === null)
    return new ConfigError({ where, what: 'it gave no result', got: String(given), wanted });
  if (isPromise(given)) {
    dropped(given);
    const fix = 'Environments step at once; one that has to wait is a VectorEnv';
    return new ConfigError({ where, what: 'it gave a promise', wanted, fix });
  }
  const name = isObject(given.obs) ? 'info' : 'obs';
  const fix = name === 'info' ? 'Return info: {} where there is nothing to say' : undefined;
  const got = String(given[name]);
  return new ConfigError({ where, what: `there is no ${name}`, got, wanted, ...(fix && { fix }) });
}

const partsOfStep = ['reward', 'terminated', 'truncated'] as const;

/**
 * What a vector environment gave for a step, arrays of `[N]`.
 * @throws ConfigError where there is none, or something is missing or of another length
 */
export function checkVectorStep(result: unknown, numEnvs: number, where: () => string): asserts result is VectorStep {
  const given = result as Partial<Record<'obs' | 'reward' | 'terminated' | 'truncated', unknown>> | null | undefined;
  const wanted = '{ obs, reward, terminated, truncated, infos }';
  checkVectorObs(given, where, wanted);
  for (const name of partsOfStep) {
    const length = (given?.[name] as ArrayLike<number> | undefined)?.length;
    if (length === numEnvs) continue;
    const what = length === undefined ? `there is no ${name}` : `${name} has another length`;
    const got = length ?? String(given?.[name]);
    throw new ConfigError({ where: where(), what, got, wanted: length === undefined ? wanted : numEnvs });
  }
}

/** @throws ConfigError for what is no result of a vector environment */
export function checkVectorObs(given: unknown, where: () => string, wanted = '{ obs, infos }'): void {
  if (!isObject(given))
    throw new ConfigError({ where: where(), what: 'it gave no result', got: String(given), wanted });
  const { obs } = given as { obs?: unknown };
  if (!isObject(obs)) throw new ConfigError({ where: where(), what: 'there is no obs', got: String(obs), wanted });
}

/**
 * A flag of a vector environment.
 * @throws ConfigError for anything but 0, 1, true and false
 */
export function vectorFlag(value: unknown, name: string, env: number, where: () => string): 0 | 1 {
  if (value === 1 || value === true) return 1;
  if (value === 0 || value === false) return 0;
  throw new ConfigError({
    where: `${where()}, env ${env}`,
    what: `${name} is no flag`,
    got: String(value),
    wanted: '0 or 1',
  });
}

/**
 * An environment that a function makes.
 * @param where which one, as `env 0`
 * @throws ConfigError where the function throws, or makes something else
 */
export async function madeBy(make: () => unknown, where: string): Promise<Env> {
  let env: unknown;
  try {
    env = await make();
  } catch (error) {
    throw threw(error, where, 'the function that makes it');
  }
  checkEnv(env, where);
  return env;
}

/** @throws ConfigError for what a function gave that is no single environment */
function checkEnv(env: unknown, where: string): asserts env is Env {
  const made = env as Partial<Env & VectorEnv> | null | undefined;
  const isEnv = typeof made?.step === 'function' && typeof made.reset === 'function';
  if (isEnv && made.numEnvs === undefined) {
    if (typeof made.spec?.id !== 'string') throw lacks('spec', where, 'spec: { id, dtSeconds, maxSteps }');
    if (typeof made.close !== 'function') throw lacks('close', where, 'close() {}');
    return;
  }
  throw new ConfigError({
    where,
    what: isEnv ? 'the function made many environments at once' : 'the function made no environment',
    ...(!isEnv && { got: String(env) }),
    wanted: 'an Env, or a promise of one',
    fix: isEnv ? 'Give the VectorEnv itself: env: await makeVectorEnv(…)' : 'As env: () => makeEnv(…)',
  });
}

const lacks = (what: string, where: string, example: string): ConfigError =>
  new ConfigError({ where, what: `the environment has no ${what}`, wanted: 'an Env', fix: `Add ${example}` });
