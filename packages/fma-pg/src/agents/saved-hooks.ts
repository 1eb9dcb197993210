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
 * Refuses hooks that are not those of the run.
 * @param saved undefined in older checkpoints, which do not say
 * @param given valid ones
 * @throws ConfigError for one that is missing, CheckpointError for one that the run did not have, or at another rate
 */
export function checkHooksGoingOn(saved: SavedHooks | undefined, given: Hooks): void {
  if (saved === undefined) return;
  const now = hooksOf(given);
  if (saved.rewardSource && !now.rewardSource) throw lost('rewardSource', '');
  if (now.rewardSource && !saved.rewardSource) throw added('rewardSource', 'the run had none');
  const names = Object.keys(saved.auxLosses);
  const missing = names.find((name) => !Object.hasOwn(now.auxLosses, name));
  if (missing !== undefined) throw lost('auxLosses', `${missing}: `);
  for (const [name, rate] of Object.entries(now.auxLosses)) {
    const before = Object.hasOwn(saved.auxLosses, name) ? saved.auxLosses[name] : undefined;
    if (before === undefined) throw added('auxLosses', `the run had no ${name}`);
    if (before === rate) continue;
    const what = `learningRate of ${name} differs`;
    throw new CheckpointError({ where: 'resume, auxLosses', what, got: rate, wanted: before, fix: `Give ${before}` });
  }
}

function lost(option: string, of: string): ConfigError {
  const what = `${of}it was a function, which no checkpoint holds`;
  return new ConfigError({ where: `resume, ${option}`, what, fix: `Give ${option} again` });
}

function added(option: string, what: string): CheckpointError {
  return new CheckpointError({ where: `resume, ${option}`, what, fix: 'Leave it out, or begin a new run' });
}
