// What a checkpoint says of hooks, which are functions: a run goes on with all of them or not at all.
import { CheckpointError, ConfigError } from '@gimbal/tensor-core';
import { auxLossRate } from './hooks.ts';
import type { AuxLoss, RewardSource } from './on-policy-options.ts';

interface Hooks {
  rewardSource?: RewardSource | undefined;
  auxLosses?: readonly AuxLoss[] | undefined;
}

/** Which hooks decided the numbers of a run. */
export interface SavedHooks {
  rewardSource: boolean;
  /** learning rates by name */
  auxLosses: { readonly [name: string]: number };
}

/** What is to be kept of an agent's hooks. */
export const hooksOf = ({ rewardSource, auxLosses = [] }: Hooks): SavedHooks => ({
  rewardSource: rewardSource !== undefined,
  auxLosses: Object.fromEntries(auxLosses.map((loss) => [loss.name, auxLossRate(loss)])),
});

/**
 * Refuses hooks that are not those of the run. One that is given as undefined, expressly, is left out: the agent can then
 * be played (`lostHook`).
 * @param saved undefined in older checkpoints, which do not say
 * @param given valid ones
 * @throws ConfigError for one that is missing, CheckpointError for one that the run did not have, or at another rate
 */
export function checkHooksGoingOn(saved: SavedHooks | undefined, given: Hooks): void {
  if (saved === undefined) return;
  const now = hooksOf(given);
  const lacks = missing(saved, given);
  if (lacks !== undefined && !(lacks.option in given && given[lacks.option] === undefined))
    throw lost(
      `resume, ${lacks.option}`,
      lacks,
      `Give ${lacks.option} again, or ${lacks.option}: undefined to play only`,
    );
  if (now.rewardSource && !saved.rewardSource) throw added('rewardSource', 'the run had none');
  for (const [name, rate] of Object.entries(now.auxLosses)) {
    const before = Object.hasOwn(saved.auxLosses, name) ? saved.auxLosses[name] : undefined;
    if (before === undefined) throw added('auxLosses', `the run had no ${name}`);
    if (before === rate) continue;
    const what = `learningRate of ${name} differs`;
    throw new CheckpointError({ where: 'resume, auxLosses', what, got: rate, wanted: before, fix: `Give ${before}` });
  }
}

/** Why an agent without a hook of its run is not to be trained or saved; undefined where it has them all. */
export function lostHook(name: string, saved: SavedHooks | undefined, given: Hooks): ConfigError | undefined {
  const lacks = saved && missing(saved, given);
  return (
    lacks &&
    lost(`${name}, ${lacks.option}`, lacks, `Resume with ${lacks.option}; without it can be evaluated and played`)
  );
}

interface Missing {
  option: 'rewardSource' | 'auxLosses';
  /** name of a loss */
  of?: string;
}

/** The first hook of the run that is not given. */
function missing(saved: SavedHooks, given: Hooks): Missing | undefined {
  const now = hooksOf(given);
  if (saved.rewardSource && !now.rewardSource) return { option: 'rewardSource' };
  const of = Object.keys(saved.auxLosses).find((name) => !Object.hasOwn(now.auxLosses, name));
  return of === undefined ? undefined : { option: 'auxLosses', of };
}

function lost(where: string, { of }: Missing, fix: string): ConfigError {
  const what = `${of === undefined ? '' : `${of}: `}it was a function, which no checkpoint holds`;
  return new ConfigError({ where, what, fix });
}

function added(option: string, what: string): CheckpointError {
  return new CheckpointError({ where: `resume, ${option}`, what, fix: 'Leave it out, or begin a new run' });
}
