import { ConfigError, type Env } from '@gimbal/tensor-core';

/** @throws ConfigError for what a maker gave that is no environment */
export function checkedEnv(env: Env, where: string): Env {
  if (typeof env?.step === 'function' && env.observationSpace !== undefined) return env;
  const fix = 'checkEnv says what an environment lacks';
  throw new ConfigError({ where, what: 'what was made is no environment', got: env, wanted: 'an Env', fix });
}
