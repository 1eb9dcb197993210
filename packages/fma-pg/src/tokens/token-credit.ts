/**
 * Credit: what of a completion's reward each of its tokens gets. The KL to the reference is part of the reward here, or
 * of the loss (token-update.ts).
 */
import { tensor2d } from '@tensorflow/tfjs-core';
import { scoped } from '../internal/scoped.ts';
import { normalizeAdvantages } from '../values/normalize-advantages.ts';
import { type PeerBaseline, peerAdvantages, positionAdvantages, returnsToGo, tokenGae } from './baselines.ts';
import { klRewards } from './kl-rewards.ts';
import { klCoefAt, type ResolvedTokenOptions } from './token-options.ts';
import type { TokenRollout } from './token-rollout.ts';

/** Arrays of one step, `[B·T]` where nothing else is said. */
export interface Credited extends TokenRollout {
  logProbs: Float32Array;
  refLogProbs: Float32Array;
  advantages: Float32Array;
  /** targets of the value function */
  returns: Float32Array;
  /** 1 where the surrogate counts a token: none of a row without a reward */
  counted: Float32Array;
}

interface ToCredit {
  rollout: TokenRollout;
  /** one each completion; null = none */
  rewards: readonly (number | null)[];
  /** of the policy that sampled, and of the reference `[B·T]` */
  logProbs: Float32Array;
  refLogProbs: Float32Array;
  /** of the value function `[B·T]`, where there is one */
  values: Float32Array | undefined;
  step: number;
  /** of returns, before this step; null in the first */
  movingAverage: number | null;
}

/** Rewards and KL of sampled completions, as advantages of their tokens; `movingAverage` is that after this step. */
export function creditTokens(
  o: ResolvedTokenOptions,
  { rollout, rewards, logProbs, refLogProbs, values, step, movingAverage }: ToCredit,
): { credited: Credited; metrics: Record<string, number>; movingAverage: number | null } {
  const { completions, groups, mask } = rollout;
  const { width, lengths } = completions;
  const B = lengths.length;
  const klCoef = klCoefAt(o, step);
  const inReward = o.klIn === 'reward';
  const terminal = Float32Array.from(rewards, (r) => r ?? 0);
  const shape = [B, width] as [number, number];
  const perToken = scoped(() =>
    klRewards(tensor2d(logProbs, shape), tensor2d(refLogProbs, shape), tensor2d(mask, shape), terminal, {
      klCoef: inReward ? klCoef : 0,
      klMixing: o.klMixing,
    })
      .dataSync<'float32'>()
      .slice(),
  );
  const counted = mask.map((m, i) => (rewards[Math.floor(i / width)] === null ? 0 : m));
  // rows without a reward are in no baseline either
  const active = { width, lengths: lengths.map((n, b) => (rewards[b] === null ? 0 : n)) };
  const returns = returnsToGo(perToken, active);
  const { average, ...estimate } = tokenAdvantages(o, {
    perToken,
    returns,
    rows: active,
    groups,
    rewards,
    values,
    movingAverage,
  });
  const sums = (f: (i: number) => number): number => {
    let total = 0;
    for (let i = 0; i < mask.length; i++) if (mask[i] !== 0) total += f(i);
    return total;
  };
  const tokens = sums(() => 1);
  const given = rewards.filter((r): r is number => r !== null);
  const logRatio = (i: number): number => (logProbs[i] as number) - (refLogProbs[i] as number);
  const kl = sums(logRatio) / B;
  const metrics = {
    reward: given.length === 0 ? Number.NaN : given.reduce((a, b) => a + b, 0) / given.length,
    rewardKl: inReward ? -klCoef * kl : 0,
    kl,
    klK2: sums((i) => logRatio(i) ** 2 / 2) / B,
    klK3: sums((i) => Math.expm1(-logRatio(i)) + logRatio(i)) / B,
    entropy: -sums((i) => logProbs[i] as number) / Math.max(tokens, 1),
  };
  return {
    credited: {
      ...rollout,
      logProbs,
      refLogProbs,
      advantages: estimate.advantages,
      returns: estimate.returns,
      counted,
    },
    metrics,
    movingAverage: average,
  };
}

interface Estimate {
  advantages: Float32Array;
  returns: Float32Array;
  /** the moving average of returns, after them */
  average: number | null;
}

function tokenAdvantages(
  { baseline, credit, normalizeAdvantage, value }: ResolvedTokenOptions,
  {
    perToken,
    returns,
    rows,
    groups,
    rewards,
    values,
    movingAverage: average,
  }: {
    perToken: Float32Array;
    returns: Float32Array;
    rows: { width: number; lengths: Int32Array };
    groups: Int32Array;
    rewards: readonly (number | null)[];
    values: Float32Array | undefined;
    movingAverage: number | null;
  },
): Estimate {
  const { width, lengths } = rows;
  const standardize = (advantages: Float32Array): Float32Array =>
    normalizeAdvantage === false
      ? advantages
      : standardized(advantages, rows, normalizeAdvantage === 'group' ? groups : undefined);
  const spread = (perRow: (b: number) => number): Float32Array => {
    const out = new Float32Array(returns.length);
    for (const [b, n] of lengths.entries()) out.fill(perRow(b), b * width, b * width + n);
    return out;
  };
  if (baseline === 'value') {
    const estimate = tokenGae(perToken, values as Float32Array, rows, value?.gaeLambda ?? 1);
    return { ...estimate, advantages: standardize(estimate.advantages), average };
  }
  const whole = Array.from(lengths, (n, b) => (rewards[b] === null || n === 0 ? null : (returns[b * width] as number)));
  if (baseline === 'moving-average') {
    const given = whole.filter((r): r is number => r !== null);
    const mean = given.reduce((a, b) => a + b, 0) / given.length;
    const before = average ?? mean;
    const compared = returns.map((g) => g - before);
    const advantages = credit === 'sequence' ? spread((b) => (whole[b] ?? before) - before) : compared;
    // a step in which nothing was rewarded says nothing of rewards: 0 would be taken for their mean
    if (given.length === 0) return { advantages: new Float32Array(returns.length), returns, average };
    return { advantages: standardize(advantages), returns, average: 0.9 * before + 0.1 * mean };
  }
  if (credit === 'sequence') {
    const perRow = peerAdvantages(whole, groups, { baseline, normalize: normalizeAdvantage });
    return { advantages: spread((b) => perRow[b] as number), returns, average };
  }
  const advantages = positionAdvantages(returns, rows, groups, baseline as PeerBaseline);
  return { advantages: standardize(advantages), returns, average };
}

/** Over all tokens that count, or over those of each prompt's completions. @param groups `[B]` */
function standardized(
  advantages: Float32Array,
  { width, lengths }: { width: number; lengths: Int32Array },
  groups: Int32Array | undefined,
): Float32Array {
  const sets = new Map<number, number[]>();
  for (const [b, n] of lengths.entries()) {
    const group = groups?.[b] ?? 0;
    const places = sets.get(group) ?? [];
    for (let t = 0; t < n; t++) places.push(b * width + t);
    sets.set(group, places);
  }
  const out = new Float32Array(advantages.length);
  for (const places of sets.values()) {
    const standard = normalizeAdvantages(Float32Array.from(places, (i) => advantages[i] as number));
    for (const [k, i] of places.entries()) out[i] = standard[k] as number;
  }
  return out;
}
