// Agents of the command line: made from an algorithm's name and flags, or found in a run's folder.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OffPolicyAgent, OnPolicyAgent, type OnPolicyOptions, type Surrogate } from '@gimbal/fma-pg';
import { ConfigError, type GimbalError, loadCheckpoint } from '@gimbal/tensor-core';
import { kebab } from '../options/kind.ts';
import type { RunConfig } from '../run/run-folder.ts';
import { type AgentFlags, type EnvFlags, givenAgentFlags, refuseOthers } from './agent-flags.ts';
import { offPolicyFlags, onPolicyFlags } from './agent-options.ts';
import { envOf } from './env-options.ts';
import { described, settingOf } from './run-settings.ts';
import { settingsOf } from './settings.ts';
import { isTable } from './tabular-flags.ts';

export type Agent = OnPolicyAgent | OffPolicyAgent;

type Warn = NonNullable<OnPolicyOptions['warn']>;

/** A function that makes one environment. */
function environmentOf({ env, envOptions }: EnvFlags): OnPolicyOptions['env'] & (() => unknown) {
  return () => envOf(env, envOptions);
}

/** The agent that flags describe. @throws ConfigError for an algorithm, environment or option that is not there */
export async function createAgent(flags: AgentFlags, out?: string, warn?: Warn): Promise<Agent> {
  const settings = settingsOf(flags.algo, flags.env, flags.criticEpochs !== undefined);
  refuseOthers(flags, settings.kind);
  const common = {
    env: environmentOf(flags),
    seed: flags.seed,
    ...(out !== undefined && { out }),
    ...(warn && { warn }),
  };
  if (settings.kind === 'off-policy')
    return OffPolicyAgent.create({ ...settings.options, ...offPolicyFlags(flags, settings.options), ...common }).catch(
      (error: GimbalError) => Promise.reject(error.where === 'buffer.her' ? withoutGoals(error, flags) : error),
    );
  return OnPolicyAgent.create({ ...settings.options, ...onPolicyFlags(flags, settings.options), ...common });
}

/** Hindsight where there are no goals, in the words of the flags. */
const withoutGoals = (cause: GimbalError, { env, her }: AgentFlags): ConfigError => {
  const fix = 'Leave out --her, or name an environment with goals: ReacherGoal-v0';
  const what = `the environment has no goals: ${env}`;
  return new ConfigError({ where: 'gimbal control train --her', what, got: her, fix, cause });
};

/** Options that decide no number: those of the run's configuration come before those of the checkpoint. */
const howOften = ['evalEvery', 'evalEpisodes', 'checkpointEvery'] as const;

/**
 * The agent of a run, as it was best or last.
 * @param training where it goes on, and how often it is evaluated and saved
 */
export async function loadAgent(
  folder: string,
  env: EnvFlags,
  which: 'latest' | 'best',
  training?: { out: string; flags: Pick<AgentFlags, (typeof howOften)[number]>; warn?: Warn },
): Promise<Agent> {
  const saved = await loadCheckpoint(folder, { which });
  const { config, loss, state, path } = saved;
  // without an evaluation no checkpoint is better than another, and the latest would be taken for the best
  if (which === 'best' && loss === null) {
    const fix = 'Train with --eval-every, or take the latest';
    throw new ConfigError({ where: `${folder}, the best checkpoint`, what: 'nothing was evaluated in training', fix });
  }
  const { out, flags = {}, warn } = training ?? {};
  if (training) refuseOtherFlags(folder, training.flags, settingsOfSaved(saved));
  const often = Object.fromEntries(howOften.flatMap((key) => (flags[key] === undefined ? [] : [[key, flags[key]]])));
  const more = { env: environmentOf(env), ...(out !== undefined && { out }), ...(warn && { warn }), ...often };
  // MDPO has both names: the off-policy one has a replay buffer
  const isOff = 'buffer' in (config as object);
  const resumed = isOff
    ? OffPolicyAgent.resume(folder, more, { which })
    : OnPolicyAgent.resume(folder, more, { which });
  const { envId } = state as { envId?: string };
  return resumed.catch((error: GimbalError) =>
    Promise.reject(isOfSpaces(error, path) ? ofOtherSpaces(error, folder, env.env, envId) : error),
  );
}

/** Options are those of the checkpoint, which was read before: where the two do not fit, the spaces do not. */
const isOfSpaces = ({ code, where }: GimbalError, checkpoint: string): boolean =>
  (code === 'ERR_CHECKPOINT' && where === checkpoint) ||
  (code === 'ERR_CONFIG' && /\b(action|observation) space\b/.test(where));

/** Of a run on another environment than its own, in the words of the flags; on its own the error stays. */
function ofOtherSpaces(error: Error, folder: string, env: string, trainedOn: string | undefined): Error {
  if (trainedOn === undefined || trainedOn === env) return error;
  const what = `${folder} was trained on ${trainedOn}, which has other observations or actions`;
  return new ConfigError({ where: 'gimbal control --env', what, got: env, fix: 'Leave out --env', cause: error });
}

/** Settings in a checkpoint: it has the surrogate's beside the others. Of a run they are the ones that hold. */
function settingsOfSaved({ config, state }: { config: unknown; state: unknown }): object {
  const { surrogate } = ((state ?? {}) as { own?: { surrogate?: { name: string; options: object } } }).own ?? {};
  if (surrogate === undefined) return config as object;
  const { name, options } = surrogate;
  const told = described({ surrogate: name, options } as Surrogate, 'adaptiveKl' in (config as object));
  return { ...(config as object), surrogate: told };
}

/**
 * What a saved run had for an option that was not given: the algorithm's own. It stands in the checkpoint; settings.json is
 * written for readers, and read by no command.
 * @throws CheckpointError where there is none
 */
export async function savedOption(folder: string, name: string): Promise<unknown> {
  return settingOf(settingsOfSaved(await loadCheckpoint(folder)), name);
}

/**
 * A run goes on as its checkpoint says. Numbers of config.json, which says how it was asked for, cannot be others.
 * @throws ConfigError where somebody has changed one
 */
function refuseOtherFlags(folder: string, flags: Partial<AgentFlags>, settings: object): void {
  const { eta, clipEpsilon } = flags; // those of tables, too
  for (const [name, got] of Object.entries({ ...givenAgentFlags(flags), eta, clipEpsilon })) {
    const wanted = settingOf(settings, name);
    const decides = !(howOften as readonly string[]).includes(name);
    if (!decides || typeof got !== 'number' || typeof wanted !== 'number' || got === wanted) continue;
    const what = `--${kebab(name)} is another than its checkpoint was trained with`;
    const fix = 'Put that back, or start a new run: the settings of a run do not change';
    throw new ConfigError({ where: join(folder, 'config.json'), what, got, wanted: String(wanted), fix });
  }
}

/** @throws ConfigError for what is no configuration, as where a run is gone on with */
function parsed(text: string, folder: string, where: string): Partial<RunConfig> {
  const config = jsonOf(text);
  if (typeof config === 'object' && config !== null) return config;
  const what = `${join(folder, 'config.json')} is not the configuration of a run`;
  throw new ConfigError({ where, what, fix: 'Restore that file, or name another run' });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
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
  const config = text === undefined ? undefined : parsed(text, folder, where);
  const { env, envOptions } = (config?.options ?? {}) as Partial<EnvFlags>;
  if (typeof env === 'string' && isTable(env)) {
    const fix = `Its policy is in ${join(folder, 'policy.json')}, its returns in report.html`;
    throw new ConfigError({ where, what: `${env} is a table: there is no episode to play`, got: folder, fix });
  }
  if (typeof env === 'string') return { env, envOptions: given.envOptions ?? envOptions };
  const fix = 'Give the folder of a run, and --env';
  throw new ConfigError({ where, what: `${folder} holds no run of gimbal control`, fix });
}
