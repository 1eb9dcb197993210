// Where agents act, as the caller gave it.
import { ConfigError, type VectorEnv } from '@gimbal/tensor-core';

/**
 * @throws ConfigError for what is neither a function nor a vector environment: most likely an environment itself; and for
 * a vector environment that lacks what saves it without saying so
 */
export function checkEnvSource(env: unknown): void {
  if (typeof env === 'function') return;
  const given = env as Partial<VectorEnv & PromiseLike<unknown>> | null | undefined;
  if (typeof given?.numEnvs === 'number' && given.autoresetMode !== undefined) {
    checkSaved(given);
    return;
  }
  const got =
    typeof given?.then === 'function' ? 'a promise' : typeof given?.spec?.id === 'string' ? given.spec.id : String(env);
  throw new ConfigError({ where: 'env', what: 'it is no function that makes an environment', got, fix: asFunction });
}

function checkSaved(given: Partial<VectorEnv>): void {
  const lacking = (['getState', 'setState'] as const).find((name) => typeof given[name] !== 'function');
  if (lacking === undefined || given.hasState === false) return;
  throw new ConfigError({
    where: `env, ${given.spec?.id}`,
    what: `it has no ${lacking}(), which checkpoints ask for`,
    wanted: 'getState() and setState(state), or hasState: false',
    fix: 'With hasState: false a resumed run begins new episodes',
  });
}

/** @throws ConfigError for an `evalEnv` that is no function */
export function checkEvalEnv(evalEnv: unknown): void {
  if (evalEnv === undefined || typeof evalEnv === 'function') return;
  const what = 'it is no function that makes an environment';
  throw new ConfigError({ where: 'evalEnv', what, got: typeof evalEnv, fix: 'Give one, as evalEnv: () => makeEnv(…)' });
}

const asFunction = 'Give one, as env: () => makeEnv(…), or a VectorEnv';
