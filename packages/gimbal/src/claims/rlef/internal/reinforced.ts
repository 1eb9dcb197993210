// RLEF (rlef.md 2.3 and 3): REINFORCE on log P(entailed), convex with the KL to the summariser.
//   Adam 3e-4, 48 summaries an update, mean of each position as the baseline, advantages by their spread, norm at most 1
import { type NamedReward, surrogates, TokenPolicyTrainer } from '@gimbal/fma-pg';
import { type Monitor, type Params, type RewardFn, rng, StoppedError } from '@gimbal/tensor-core';
import { type Kept, keptResults } from '../../../reproduce/kept.ts';
import { copyTree } from './copy-tree.ts';
import { codec, desk, floor, policy } from './desk.ts';
import { summariser } from './supervised.ts';

export interface Reinforced {
  /** names the reward, for the disk */
  name: string;
  reward: RewardFn | readonly NamedReward[];
  alpha: number;
  seed: number;
  updates?: number;
  temperature?: number;
  /** of a summary without an end: the judge's floor by default */
  cut?: number;
  /** sees every update */
  monitor?: Monitor;
}

const batchSize = 48;
const averaged = 10;
const defaults = { updates: 250 };

/** Trained once for each setting. */
export function reinforced(o: Reinforced, signal: AbortSignal): Promise<Kept> {
  const { name, alpha, seed, updates = defaults.updates, temperature = 1, cut = floor } = o;
  const settings = { name, alpha, seed, updates, temperature, cut };
  return keptResults.model('rlef-reinforced', settings, async () =>
    reinforce(o, (await summariser(signal)).params, signal),
  );
}

/** Trains from a summariser. The caller owns what comes of it. */
export async function reinforce(o: Reinforced, start: Params, signal: AbortSignal): Promise<Kept> {
  const { alpha, seed, updates = defaults.updates, temperature = 1, cut = floor } = o;
  const articles = desk.articles(updates * batchSize, rng(seed).split('reinforced'));
  using trainer = new TokenPolicyTrainer({
    policy,
    params: start,
    codec,
    prompts: articles.map(({ text }) => text),
    reward: o.reward,
    klCoef: alpha,
    klMixing: 'convex',
    baseline: 'batch',
    normalizeAdvantage: 'batch',
    surrogate: surrogates.reinforce({ aggregate: 'row-mean' }),
    optimizer: { name: 'adam' },
    learningRate: 3e-4,
    batchSize,
    maxGradNorm: 1,
    temperature,
    maxNewTokens: 10,
    missingEos: { reward: cut },
    ...(o.monitor && { monitor: o.monitor }),
    seed,
  });
  const rows: { kl: number; reward: number; length: number; alarm: number }[] = [];
  for await (const step of trainer.train({ steps: updates, signal })) {
    const alarm = step.alerts.length > 0 ? step.step : Number.NaN;
    rows.push({ kl: step.kl, reward: step.reward, length: step.length, alarm });
  }
  if (signal.aborted && trainer.step < updates)
    throw new StoppedError({ where: 'gimbal reproduce rlef', what: 'stopped while a policy learned' });
  const last = rows.slice(-averaged);
  const mean = (of: 'kl' | 'reward' | 'length'): number => last.reduce((sum, r) => sum + r[of], 0) / last.length;
  const alarm = rows.find((r) => !Number.isNaN(r.alarm))?.alarm ?? 0;
  const notes = { kl: mean('kl'), reward: mean('reward'), length: mean('length'), alarm, updates: trainer.step };
  return { params: copyTree(trainer.params), notes };
}

/** E2's policy: the oracle with error .03 as the judge. */
export const withOracle = (
  alpha: number,
  seed: number,
  signal: AbortSignal,
  o: Partial<Reinforced> = {},
): Promise<Kept> => reinforced({ name: 'oracle', reward: desk.judge(0.03), alpha, seed, ...o }, signal);
