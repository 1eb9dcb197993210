// Members of a weight average (WARM, Ramé et al., arXiv 2401.12187): models that were fine-tuned from one pretraining, what is
// known of each, and their average with never more than two models in memory.
import {
  averageTrees,
  CheckpointError,
  ConfigError,
  DataError,
  disposeTree,
  flatten,
  type Params,
  polyakTree,
  resolveShares,
  variables,
} from '@gimbal/tensor-core';
import { all, isFinite as finite, mul, type Tensor, tidy, type Variable } from '@tensorflow/tfjs-core';

/** Where a member comes from. */
export interface Lineage {
  /** Names the pretraining that all members share: `fingerprint` of the parameters they started from, or a name. */
  readonly pretrainId: string;
  /** Number of its run. */
  readonly run: number;
  /** Index of the checkpoint of supervised fine-tuning that it started from (Baklava). */
  readonly start?: number;
  /** Of its run. */
  readonly learningRate?: number;
  /** Of its run. */
  readonly dropout?: number;
}

/** A member in memory. */
export interface Member {
  /** Its parameters; the caller owns them. */
  readonly params: Params;
  /** Where it comes from. */
  readonly lineage: Lineage;
  /** Accuracy on pairs set aside for selection. */
  readonly selectionAccuracy?: number;
}

/** A member that is read when it is needed. */
export interface MemberSource extends Omit<Member, 'params'> {
  /** For messages. */
  readonly name: string;
  /** Reads the parameters; the one who asks disposes them. */
  load(): Promise<Params>;
}

/** How members are averaged. */
export interface AverageOptions {
  /** One a member (1/M each). */
  weights?: readonly number[];
  /** Divide the weights by their sum (false: as stated). */
  normalize?: boolean;
  /** Allow members of different pretrainings, whose average is rarely of use (false). */
  allowUnsharedPretraining?: boolean;
  /** Allow weights below 0 (false). */
  extrapolate?: boolean;
}

/**
 * Σ wᵢ·memberᵢ over every tensor, the head included.
 * @returns a tree that the caller disposes
 * @throws ConfigError for fewer than two members or weights that make no sense; CheckpointError naming what differs: the
 * pretraining, the first tensor with member and shapes, or one with values that are no finite numbers
 */
export function averageMembers(members: readonly Member[], o: AverageOptions = {}): Params {
  checkMembers(members, o);
  for (const { params, lineage } of members) checkFinite(`average, run ${lineage.run}`, params);
  return averageTrees(
    members.map((m) => m.params),
    sharesOf(o),
  );
}

/**
 * The same from members that are read one by one: never more than the average and one member are in memory.
 * @throws as `averageMembers`; ConfigError also for `extrapolate`, which it cannot
 */
export async function averageStream(members: readonly MemberSource[], o: AverageOptions = {}): Promise<Params> {
  if (o.extrapolate) {
    const fix = 'averageMembers takes members away, with all of them in memory';
    throw new ConfigError({ where: 'averageStream.extrapolate', what: 'members are only added', got: true, fix });
  }
  checkMembers(members, o);
  const { weights } = resolveShares(members.length, sharesOf(o));
  let average: Params | undefined;
  let total = 0;
  try {
    for (const [i, member] of members.entries()) {
      const weight = weights[i] as number;
      if (weight === 0) continue;
      const params = await member.load();
      try {
        checkFinite(`average, ${member.name}`, params);
        total += weight;
        if (average === undefined) average = variables(params);
        else moveTowards(average, params, weight / total, member.name);
      } finally {
        disposeTree(params);
      }
    }
    // towards nothing, where weights are used as stated and do not sum to 1
    const leaves = flatten(average as Params).map(([, t]) => t as Variable);
    if (Math.abs(total - 1) > 1e-9) {
      for (const t of leaves) {
        const scaled = mul(t, total);
        t.assign(scaled);
        scaled.dispose();
      }
    }
    return average as Params;
  } catch (error) {
    if (average) disposeTree(average);
    throw error;
  }
}

/** @throws CheckpointError naming the first tensor with a value that is no finite number */
function checkFinite(where: string, params: Params): void {
  const bad = flatten(params).find(([, t]) => {
    const fine = tidy(() => all(finite(t)));
    const [yes] = fine.dataSync();
    fine.dispose();
    return !yes;
  });
  if (bad === undefined) return;
  throw new CheckpointError({
    where,
    what: `tensor ${bad[0]} has values that are no finite numbers`,
    fix: 'Leave the member out',
  });
}

/** average ← average + share · (member − average), in place. */
function moveTowards(average: Params, member: Params, share: number, name: string): void {
  const sources = new Map<string, Tensor>(flatten(member));
  const targets = flatten(average) as [string, Variable][];
  for (const [path, t] of targets) {
    const found = sources.get(path);
    if (String(found?.shape) === String(t.shape)) continue;
    const where = `average, ${name}`;
    const what = found ? `tensor ${path} differs` : `it has no tensor ${path}`;
    throw new CheckpointError({ where, what, got: found?.shape, wanted: t.shape });
  }
  const known = new Set(targets.map(([path]) => path));
  const extra = [...sources.keys()].find((path) => !known.has(path));
  if (extra !== undefined) {
    throw new CheckpointError({ where: `average, ${name}`, what: `it has a tensor that the first has not: ${extra}` });
  }
  polyakTree(
    targets.map(([, t]) => t),
    targets.map(([path]) => sources.get(path) as Tensor),
    share,
  );
}

/** Only what is given. */
const sharesOf = ({ weights, normalize }: AverageOptions): { weights?: readonly number[]; normalize?: boolean } => ({
  ...(weights && { weights }),
  ...(normalize !== undefined && { normalize }),
});

/** @throws ConfigError or CheckpointError for members that do not belong together */
export function checkMembers(members: readonly { lineage: Lineage }[], o: AverageOptions): void {
  if (members.length < 2) {
    throw new ConfigError({ where: 'average', what: 'too few members', got: members.length, wanted: 'at least 2' });
  }
  const bad = o.extrapolate ? undefined : o.weights?.find((w) => w < 0);
  if (bad !== undefined) {
    const fix = 'Set extrapolate to take a member away (not of averageStream)';
    throw new ConfigError({ where: 'average.weights', what: 'a weight is below 0', got: bad, wanted: '≥ 0', fix });
  }
  if (o.weights?.length && !o.normalize && o.weights.every((w) => w === 0)) {
    throw new ConfigError({ where: 'average.weights', what: 'all are 0', got: o.weights, wanted: 'one above 0' });
  }
  const first = members[0]?.lineage.pretrainId;
  const other = members.find((m) => m.lineage.pretrainId !== first);
  if (other === undefined || o.allowUnsharedPretraining) return;
  throw new CheckpointError({
    where: `average, member of run ${other.lineage.run}`,
    what: 'it comes from another pretraining',
    got: other.lineage.pretrainId,
    wanted: first as string,
    fix: 'Weights of different pretrainings average to noise; allowUnsharedPretraining does it all the same',
  });
}

/**
 * Members by accuracy on the selection pairs, the best first; of equals the earlier run.
 * @throws DataError for a member without one
 */
export function rankMembers<M extends { lineage: Lineage; selectionAccuracy?: number }>(members: readonly M[]): M[] {
  for (const { lineage, selectionAccuracy } of members) {
    if (Number.isFinite(selectionAccuracy)) continue;
    throw new DataError({ where: `member of run ${lineage.run}`, what: 'it has no selection accuracy' });
  }
  const value = (m: M): number => m.selectionAccuracy as number;
  return [...members].sort((a, b) => value(b) - value(a) || a.lineage.run - b.lineage.run);
}

/**
 * A greedy soup (Wortsman et al., arXiv 2203.05482): members are taken in order of their accuracy, and kept where the
 * average does not get worse for it.
 * @param evaluate accuracy of an average on the selection pairs; the tree is disposed after it
 * @returns the members that were kept, at least one
 * @throws DataError where an accuracy is no number
 */
export async function greedySoup<M extends MemberSource>(
  members: readonly M[],
  evaluate: (params: Params) => Promise<number>,
): Promise<M[]> {
  const [best, ...others] = rankMembers(members);
  if (best === undefined) throw new ConfigError({ where: 'greedySoup', what: 'there are no members' });
  const kept = [best];
  let accuracy = best.selectionAccuracy as number;
  for (const next of others) {
    const average = await averageStream([...kept, next]);
    let found: number;
    try {
      found = await evaluate(average);
    } finally {
      disposeTree(average);
    }
    if (!Number.isFinite(found)) {
      const where = `greedySoup, with ${next.name}`;
      throw new DataError({ where, what: 'the accuracy of the average is no number', got: String(found) });
    }
    if (found < accuracy) continue;
    kept.push(next);
    accuracy = found;
  }
  return kept;
}

/** A name for parameters: a hash of their paths, shapes and values (FNV-1a, 64 bits, hexadecimal). */
export function fingerprint(params: Params): string {
  let [low, high] = [0x84222325, 0xcbf29ce4];
  const add = (byte: number): void => {
    low = (low ^ byte) >>> 0;
    // times 2^40 + 2^8 + 0xb3
    const product = low * 0x1b3;
    high = (Math.imul(high, 0x1b3) + Math.floor(product / 2 ** 32) + (low << 8)) >>> 0;
    low = product >>> 0;
  };
  for (const [path, tensor] of flatten(params)) {
    for (const c of `${path}${tensor.shape}`) add(c.charCodeAt(0) & 255);
    const values = tensor.dataSync() as Float32Array;
    const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
    for (const word of words) {
      for (let shift = 0; shift < 32; shift += 8) add((word >>> shift) & 255);
    }
  }
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}
