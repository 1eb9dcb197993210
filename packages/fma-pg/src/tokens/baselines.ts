/** What rewards are compared with: other completions of the same prompt, of the batch, at the same position. */
import { checkKnown, checkName, DataError, ShapeError } from '@gimbal/tensor-core';

export type PeerBaseline = 'batch' | 'leave-one-out' | 'group';

/** What a completion's reward is compared with, and in what unit the difference is given. */
export interface BaselineOptions {
  /** mean of all; mean of the group's others; mean of the group */
  baseline: PeerBaseline;
  /** divide by the deviation of the batch or of the group (plus 1e-4); default false */
  normalize?: false | 'batch' | 'group';
}

/**
 * Advantages of completions. One without a reward (null: it abstains, or has no token) gets 0 and is in no baseline; a
 * group of one, or of equal rewards, gets zeros.
 * @param groups number of the prompt that each completion answers `[B]`
 * @returns `[B]`
 * @throws ConfigError for an option or choice that is not there, ShapeError for lists of unlike length, DataError for a reward
 * that is no finite number
 * @example baselineAdvantages([1, 3], Int32Array.of(0, 0), { baseline: 'leave-one-out' }) // −2, 2
 */
export function baselineAdvantages(
  rewards: readonly (number | null)[],
  groups: Int32Array,
  o: BaselineOptions,
): Float32Array {
  const where = 'baselineAdvantages';
  checkKnown(where, o, ['baseline', 'normalize']);
  checkName(`${where}.baseline`, o.baseline, ['batch', 'leave-one-out', 'group']);
  const { normalize = false } = o;
  if (normalize !== false) checkName(`${where}.normalize`, normalize, ['batch', 'group']);
  if (rewards.length !== groups.length)
    throw new ShapeError({
      where,
      what: 'groups has another length than rewards',
      got: groups.length,
      wanted: String(rewards.length),
    });
  for (const [i, reward] of rewards.entries()) {
    if (reward === null || Number.isFinite(reward)) continue;
    const wanted = 'a finite number, or null where there is none';
    throw new DataError({ where: `${where}, rewards[${i}]`, what: 'no reward', got: reward, wanted });
  }
  return peerAdvantages(rewards, groups, o);
}

/** The same of what was checked already. */
export function peerAdvantages(
  rewards: readonly (number | null)[],
  groups: Int32Array,
  { baseline, normalize = false }: BaselineOptions,
): Float32Array {
  const all = statistics(rewards, groups, () => 0);
  const own = statistics(rewards, groups, (g) => g);
  return Float32Array.from(rewards, (reward, i) => {
    if (reward === null) return 0;
    const group = own.get(groups[i] as number) as Moments;
    const batch = all.get(0) as Moments;
    const advantage = reward - baselineOf(baseline, reward, group, batch);
    const peers = baseline === 'batch' ? batch : group;
    if (peers.count < 2) return 0;
    // nothing to divide by: beside a batch's mean all of the group would be taken for extremes
    if (normalize === 'group' && group.std === 0) return 0;
    return normalize === false ? advantage : advantage / ((normalize === 'batch' ? batch : group).std + 1e-4);
  });
}

function baselineOf(baseline: PeerBaseline, reward: number, group: Moments, batch: Moments): number {
  if (baseline === 'batch') return batch.mean;
  if (baseline === 'group') return group.mean;
  return group.count < 2 ? reward : (group.mean * group.count - reward) / (group.count - 1);
}

interface Moments {
  count: number;
  mean: number;
  /** with n − 1; 0 for one */
  std: number;
}

function statistics(
  rewards: readonly (number | null)[],
  groups: Int32Array,
  of: (group: number) => number,
): Map<number, Moments> {
  const lists = new Map<number, number[]>();
  for (const [i, reward] of rewards.entries()) {
    if (reward === null) continue;
    const key = of(groups[i] as number);
    const list = lists.get(key) ?? [];
    list.push(reward);
    lists.set(key, list);
  }
  return new Map(
    [...lists].map(([key, list]) => {
      const mean = list.reduce((a, b) => a + b, 0) / list.length;
      const squares = list.reduce((total, x) => total + (x - mean) ** 2, 0);
      return [key, { count: list.length, mean, std: list.length < 2 ? 0 : Math.sqrt(squares / (list.length - 1)) }];
    }),
  );
}

/** Share of groups whose rewards are all equal: their completions teach nothing. */
export function flatGroupShare(rewards: readonly (number | null)[], groups: Int32Array): number {
  const moments = [...statistics(rewards, groups, (g) => g).values()].filter((m) => m.count > 1);
  return moments.length === 0 ? 0 : moments.filter((m) => m.std === 0).length / moments.length;
}

/** Completions as rows of tokens. */
export interface TokenRows {
  /** T */
  width: number;
  /** tokens that count, from the left `[B]` */
  lengths: Int32Array;
}

/** Σ of what follows, each position's own included; γ 1. `[B·T]`, 0 at padding. */
export function returnsToGo(rewards: Float32Array, { width, lengths }: TokenRows): Float32Array {
  const out = new Float32Array(rewards.length);
  for (const [b, length] of lengths.entries()) {
    let total = 0;
    for (let t = length - 1; t >= 0; t--) {
      total += rewards[b * width + t] as number;
      out[b * width + t] = total;
    }
  }
  return out;
}

/**
 * Returns to go less what the peers of a row have at the same position. Where no peer is that long, their returns at
 * their own last position stand in: still independent of the row itself.
 */
export function positionAdvantages(
  returns: Float32Array,
  rows: TokenRows,
  groups: Int32Array,
  baseline: PeerBaseline,
): Float32Array {
  const { width, lengths } = rows;
  const B = lengths.length;
  const single = new Set(groups).size === B;
  const out = new Float32Array(returns.length);
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < (lengths[b] as number); t++) {
      let [sum, count, lastSum, lastCount] = [0, 0, 0, 0];
      for (let c = 0; c < B; c++) {
        const length = lengths[c] as number;
        // one completion a prompt: the batch is the group
        const isPeer = baseline === 'batch' || single || groups[c] === groups[b];
        if (!isPeer || length === 0 || (c === b && baseline === 'leave-one-out')) continue;
        if (t < length) {
          sum += returns[c * width + t] as number;
          count++;
        }
        if (c === b) continue;
        lastSum += returns[c * width + length - 1] as number;
        lastCount++;
      }
      const alone = count === 0 || (count === 1 && t < (lengths[b] as number) && baseline !== 'leave-one-out');
      const own = returns[b * width + t] as number;
      if (!alone) out[b * width + t] = own - sum / count;
      else out[b * width + t] = lastCount === 0 ? 0 : own - lastSum / lastCount;
    }
  }
  return out;
}

/** GAE over tokens, γ 1, with 0 after the end. `[B·T]` */
export function tokenGae(
  rewards: Float32Array,
  values: Float32Array,
  { width, lengths }: TokenRows,
  lambda: number,
): { advantages: Float32Array; returns: Float32Array } {
  const [advantages, returns] = [new Float32Array(rewards.length), new Float32Array(rewards.length)];
  for (const [b, length] of lengths.entries()) {
    let ahead = 0;
    for (let t = length - 1; t >= 0; t--) {
      const i = b * width + t;
      const next = t + 1 < length ? (values[i + 1] as number) : 0;
      ahead = (rewards[i] as number) + next - (values[i] as number) + lambda * ahead;
      advantages[i] = ahead;
      returns[i] = ahead + (values[i] as number);
    }
  }
  return { advantages, returns };
}
