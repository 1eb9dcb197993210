// Agents of the command line: made from an algorithm's name and flags, or found in a run's folder.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OffPolicyAgent, type OffPolicyOptions, OnPolicyAgent, type OnPolicyOptions, surrogates } from '@gimbal/fma-pg';
import { ConfigError, loadCheckpoint } from '@gimbal/tensor-core';
import type { RunConfig } from '../run/run-folder.ts';
import { type EnvOptionTexts, envOf } from './env-options.ts';
import { type Settings, settingsOf } from './settings.ts';
import { isTable } from './tabular-flags.ts';

export type Agent = OnPolicyAgent | OffPolicyAgent;

/** Which environment, and how it is made. */
export interface EnvFlags {
  env: string;
  envOptions?: EnvOptionTexts | undefined;
}

/** Flags that are options of an agent under the same name. */
export interface AgentFlags extends EnvFlags {
  algo: string;
  seed: number;
  numEnvs?: number | undefined;
  rollout?: number | undefined;
  epochs?: number | undefined;
  minibatches?: number | undefined;
  gamma?: number | undefined;
  gaeLambda?: number | undefined;
  learningRate?: number | undefined;
  entropyCoef?: number | undefined;
  batchSize?: number | undefined;
  hidden?: number[] | undefined;
  recurrent?: 'gru' | 'lstm' | undefined;
  eta?: number | undefined;
  clipEpsilon?: number | undefined;
  innerGuard?: 'off' | 'warn' | 'restore' | undefined;
  evalEvery?: number | undefined;
  evalEpisodes?: number | undefined;
  checkpointEvery?: number | undefined;
}

const onPolicyFlags = [
  'numEnvs',
  'rollout',
  'epochs',
  'minibatches',
  'gamma',
  'gaeLambda',
  'learningRate',
  'entropyCoef',
  'hidden',
  'innerGuard',
  'evalEvery',
  'evalEpisodes',
  'checkpointEvery',
] as const;
const offPolicyFlags = [
  'numEnvs',
  'gamma',
  'learningRate',
  'batchSize',
  'hidden',
  'evalEvery',
  'evalEpisodes',
  'checkpointEvery',
] as const;

const given = (flags: AgentFlags, names: readonly (keyof AgentFlags)[]): Record<string, unknown> =>
  Object.fromEntries(names.flatMap((name) => (flags[name] === undefined ? [] : [[name, flags[name]]])));

/** Flags that change a surrogate, and the algorithms that have them. */
const surrogateFlags = { eta: ['mdpo', 'smdpo', 'spma'], clipEpsilon: ['ppo', 'sppo'] } as const;

/** @throws ConfigError for a flag that the algorithm does not have: it would change nothing */
function refuseOthers(flags: AgentFlags, kind: Settings['kind']): void {
  const own: readonly string[] = kind === 'off-policy' ? offPolicyFlags : [...onPolicyFlags, 'recurrent'];
  const all = new Set<string>([...onPolicyFlags, ...offPolicyFlags, 'recurrent']);
  const has = (name: string): boolean =>
    all.has(name)
      ? own.includes(name)
      : (surrogateFlags[name as keyof typeof surrogateFlags] as readonly string[]).includes(flags.algo);
  for (const name of [...all, ...Object.keys(surrogateFlags)]) {
    const value = flags[name as keyof AgentFlags];
    if (value === undefined || has(name)) continue;
    const flag = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new ConfigError({
      where: `gimbal control train --${flag}`,
      what: `${flags.algo} has no such option`,
      got: value,
      fix: 'Leave it out',
    });
  }
}

/** A function that makes one environment. */
function environmentOf({ env, envOptions }: EnvFlags): OnPolicyOptions['env'] & (() => unknown) {
  return () => envOf(env, envOptions);
}

/** The agent that flags describe. @throws ConfigError for an algorithm, environment or option that is not there */
export async function createAgent(flags: AgentFlags, out?: string): Promise<Agent> {
  const settings = settingsOf(flags.algo, flags.env);
  refuseOthers(flags, settings.kind);
  const common = { env: environmentOf(flags), seed: flags.seed, ...(out !== undefined && { out }) };
  if (settings.kind === 'off-policy') {
    return OffPolicyAgent.create({
      ...settings.options,
      ...given(flags, offPolicyFlags),
      ...common,
    } as OffPolicyOptions);
  }
  const surrogate = changedSurrogate(settings.options.surrogate, flags);
  const recurrent = flags.recurrent && { recurrent: { cell: flags.recurrent } };
  const more = { ...given(flags, onPolicyFlags), ...(surrogate && { surrogate }), ...recurrent };
  const options = { ...settings.options, ...more, ...common };
  return OnPolicyAgent.create(options as OnPolicyOptions);
}

/** --eta and --clip-epsilon belong to the surrogate. */
function changedSurrogate(
  s: OnPolicyOptions['surrogate'],
  { eta, clipEpsilon }: AgentFlags,
): OnPolicyOptions['surrogate'] {
  if (s === undefined || (eta === undefined && clipEpsilon === undefined)) return s;
  const options = {
    ...s.options,
    ...(eta !== undefined && { eta }),
    ...(clipEpsilon !== undefined && { clipEpsilon }),
  };
  return surrogates[s.surrogate as keyof typeof surrogates](options as never);
}

/** The agent of a run, as it was best or last. */
export async function loadAgent(folder: string, env: EnvFlags, which: 'latest' | 'best', out?: string): Promise<Agent> {
  const { config } = await loadCheckpoint(folder, { which });
  const more = { env: environmentOf(env), ...(out !== undefined && { out }) };
  // MDPO has both names: the off-policy one has a replay buffer
  const isOff = 'buffer' in (config as object);
  return isOff ? OffPolicyAgent.resume(folder, more, { which }) : OnPolicyAgent.resume(folder, more, { which });
}

/**
 * The environment that a run was trained on, where flags name no other; its options hold for it alone.
 * @throws ConfigError for a folder that is no run of gimbal control
 */
export async function environmentOfRun(
  folder: string,
  where: string,
  given: { [K in keyof EnvFlags]?: EnvFlags[K] | undefined },
): Promise<EnvFlags> {
  if (given.env !== undefined) return { env: given.env, envOptions: given.envOptions };
  const text = await readFile(join(folder, 'config.json'), 'utf8').catch(() => undefined);
  const config = text === undefined ? undefined : (JSON.parse(text) as Partial<RunConfig>);
  const { env, envOptions } = (config?.options ?? {}) as Partial<EnvFlags>;
  if (typeof env === 'string' && isTable(env)) {
    const fix = `Its policy is in ${join(folder, 'policy.json')}, its returns in report.html`;
    throw new ConfigError({ where, what: `${env} is a table: there is no episode to play`, got: folder, fix });
  }
  if (typeof env === 'string') return { env, envOptions: given.envOptions ?? envOptions };
  const fix = 'Give the folder of a run, and --env';
  throw new ConfigError({ where, what: `${folder} holds no run of gimbal control`, fix });
}
