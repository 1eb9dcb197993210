// A saved agent that is to go on: which one is read, whose it is, and what of its options stays as it was.
import {
  CheckpointError,
  ConfigError,
  checkKnown,
  checkName,
  type LoadedCheckpoint,
  loadRun,
  requireOptions,
} from '@gimbal/tensor-core';
import { checkEnvSource } from './env-source.ts';
import type { AgentOptions } from './on-policy-options.ts';

/** How a run is watched and kept: it decides no number, so that a resumed run may have another one. */
export interface Habits {
  evalEvery?: number;
  evalEpisodes?: number;
  /** evaluated on environments of their own: a function, which no checkpoint holds */
  evalEnv?: true;
  checkpointEvery?: number;
  keepCheckpoints?: number;
}

/** Options of a run that goes on; what is undefined is switched off. */
export type Given<O extends AgentOptions> = Pick<O, 'env'> & { [K in keyof O]?: O[K] | undefined };

/** What is to be kept of an agent's options, beside those that decide numbers. */
export function habitsOf(o: Partial<AgentOptions>): Habits {
  const { evalEvery, evalEpisodes, checkpointEvery, keepCheckpoints, evalEnv } = o;
  return {
    ...(evalEvery !== undefined && { evalEvery }),
    ...(evalEpisodes !== undefined && { evalEpisodes }),
    ...(evalEnv !== undefined && { evalEnv: true }),
    ...(checkpointEvery !== undefined && { checkpointEvery }),
    ...(keepCheckpoints !== undefined && { keepCheckpoints }),
  };
}

/**
 * The habits of a saved run that hold where nothing else is given: it goes on in its own folder. A checkpoint that is in
 * no run's folder, and the best one, behind which a run may have later ones, are saved nowhere.
 * @returns options, to be overwritten by those that are given
 * @throws ConfigError for a run that was evaluated on environments which nobody says how to make
 */
export function habitsGoingOn(
  saved: LoadedCheckpoint,
  { evalEnv, checkpointEvery, ...habits }: Habits,
  from: string,
  given: Given<AgentOptions>,
  which: 'latest' | 'best' = 'latest',
): Partial<AgentOptions> {
  const isMade = evalEnv !== true && typeof given.env === 'function';
  if (habits.evalEvery !== undefined && !isMade && given.evalEnv === undefined && !('evalEvery' in given)) {
    const what = 'it was a function, which no checkpoint holds';
    throw new ConfigError({ where: 'resume, evalEnv', what, fix: 'Give evalEnv again, or evalEvery: undefined' });
  }
  const folder = saved.path === from || which === 'best' ? undefined : folderOfRun(saved.path);
  const out = 'out' in given ? given.out : folder;
  if (out === undefined) return habits;
  return { ...habits, out, ...(checkpointEvery !== undefined && { checkpointEvery }) };
}

/** Of `runs/x/checkpoints/step-00000100`: `runs/x`. */
function folderOfRun(checkpoint: string): string | undefined {
  const found = /^(?:(.*)[\\/])?checkpoints[\\/][^\\/]+$/.exec(checkpoint);
  return found === null ? undefined : (found[1] ?? '.');
}

/**
 * Reads a saved agent.
 * @param agent the class that is to go on with it
 * @throws ConfigError for what is given; CheckpointError where none is there, or it is no agent of that class
 */
export async function openSaved(
  agent: AgentClass,
  from: string,
  given: Given<AgentOptions>,
  o: { which?: 'latest' | 'best' },
): Promise<LoadedCheckpoint> {
  const where = `${agent}.resume`;
  if (typeof from !== 'string') throw new ConfigError({ where, what: 'which run?', fix: 'Give its folder' });
  if (given === undefined) {
    const fix = `Give { env }, as ${where}(${JSON.stringify(from)}, { env: () => makeEnv(…) })`;
    throw new ConfigError({ where, what: 'there is no environment', fix });
  }
  requireOptions(where, given);
  checkEnvSource(given.env);
  checkKnown(where, o, ['which']);
  const { which = 'latest' } = o;
  checkName(`${where}, which`, which, ['latest', 'best']);
  const saved = await loadRun(from, which);
  const other = classOf(saved);
  if (other !== agent) {
    const { algorithm } = saved.config as { algorithm?: string };
    throw new CheckpointError({
      where: saved.path,
      what: other === undefined ? 'it is of no agent' : `this run is of ${algorithm}`,
      fix: other === undefined ? 'Resume it with the trainer that made it' : `Use ${other}.resume`,
    });
  }
  // without an evaluation no checkpoint is better than another, and the latest would be taken for the best
  if (which === 'best' && saved.loss === null) {
    const fix = 'Train with evalEvery, or take the latest';
    throw new ConfigError({ where: `${from}, the best checkpoint`, what: 'nothing was evaluated in training', fix });
  }
  return saved;
}

/** The classes of agents. */
export type AgentClass = 'OnPolicyAgent' | 'OffPolicyAgent';

/** Both have an MDPO: it is the buffer, or the rollout, that tells. */
function classOf({ config }: LoadedCheckpoint): AgentClass | undefined {
  const names = typeof config === 'object' && config !== null ? config : {};
  if (!('spaces' in names)) return undefined;
  return 'buffer' in names ? 'OffPolicyAgent' : 'rollout' in names ? 'OnPolicyAgent' : undefined;
}
