/**
 * Weight-space operations on parameter trees: averages (model soups, Wortsman et al. 2022; WARM), interpolation, SLERP,
 * task vectors (Ilharco et al. 2023). Members must come from one pre-training: averages of unrelated weights are noise.
 *
 * Float leaves are combined; others (counters, masks) must be the same in all members and are copied. Leaves that share
 * storage in the members (tied embeddings) share it in the result.
 */
import {
  abs,
  add,
  asin,
  clone,
  div,
  greater,
  maximum,
  minimum,
  mul,
  norm,
  scalar,
  sin,
  sub,
  sum,
  type Tensor,
  tidy,
  where,
} from '@tensorflow/tfjs-core';
import { CheckpointError, ConfigError } from '../errors.ts';
import { flatten, type Params, type TreeOf, unflatten } from '../tree/params.ts';
import { checkMembers, resolveShares, type ShareOptions } from './members.ts';

/** A tree of new tensors. */
type Result<P> = TreeOf<P, Tensor>;

/**
 * Σ wᵢ·memberᵢ, by default the mean.
 * @param members at least 2 trees of one structure; not disposed
 * @param o.weights used as stated unless `normalize`; `resolveShares` has the sentence to print
 * @returns a tree that the caller disposes
 * @throws CheckpointError naming the first tensor that differs, the member and the shapes; ConfigError for bad weights
 */
export function averageTrees<P extends Params>(members: readonly P[], o: ShareOptions = {}): Result<P> {
  const { weights } = resolveShares(members.length, o);
  return combine(members, (tensors) => weightedSum(tensors, weights));
}

/**
 * a + λ(b − a).
 * @param lambda in [0, 1]: 0 gives a, 1 gives b
 * @throws ConfigError for another λ, unless `extrapolate`; CheckpointError where the trees differ
 */
export function interpolateTrees<P extends Params>(
  a: P,
  b: P,
  lambda: number,
  o: { extrapolate?: boolean } = {},
): Result<P> {
  checkShare('interpolateTrees', lambda, o.extrapolate ?? false);
  return combine([a, b], ([x, y]) =>
    lambda === 1 ? clone(y as Tensor) : add(x as Tensor, mul(sub(y as Tensor, x as Tensor), lambda)),
  );
}

/**
 * Spherical interpolation, tensor by tensor: along the great circle between the directions, so that norms do not shrink
 * as they do on the chord. Directions that are nearly parallel or nearly opposite (|cos| > 0.9995: of opposite ones no arc is
 * the shortest, and halfway they cancel), and a tensor of zeros, are interpolated linearly.
 * @param lambda in [0, 1]
 */
export function slerpTrees<P extends Params>(a: P, b: P, lambda: number): Result<P> {
  checkShare('slerpTrees', lambda, false);
  return combine([a, b], ([x, y]) => slerp(x as Tensor, y as Tensor, lambda));
}

/** What fine-tuning added: tuned − base. */
export function taskVector<P extends Params>(tuned: P, base: P): Result<P> {
  return combine([tuned, base], ([x, y]) => sub(x as Tensor, y as Tensor));
}

/**
 * base + Σ scaleᵢ·vectorᵢ.
 * @param vectors results of `taskVector`, at least one
 * @param scales one for all, or one each; negative ones forget a task
 */
export function applyTaskVectors<P extends Params>(
  base: P,
  vectors: readonly P[],
  scales: number | readonly number[] = 1,
): Result<P> {
  const each = typeof scales === 'number' ? vectors.map(() => scales) : scales;
  if (each.length !== vectors.length || !each.every((s) => Number.isFinite(s))) {
    throw new ConfigError({
      where: 'applyTaskVectors',
      what: 'one number per vector is needed',
      got: each,
      wanted: vectors.length,
    });
  }
  return combine([base, ...vectors], ([b, ...v]) =>
    clone(v.reduce((sum, x, i) => add(sum, mul(x, each[i] as number)), b as Tensor)),
  );
}

/** Applies f to each float leaf's tensors, one per member. */
function combine<P extends Params>(members: readonly P[], f: (tensors: readonly Tensor[]) => Tensor): Result<P> {
  const leaves = members.map((m) => new Map(flatten(m)));
  checkMembers(leaves.map((tensors, i) => ({ name: `member ${i + 1}`, tensors })));
  const made: { from: object[]; result: Tensor }[] = [];
  const out: [string, Tensor][] = [];
  try {
    for (const path of (leaves[0] as Map<string, Tensor>).keys()) {
      const tensors = leaves.map((m) => m.get(path) as Tensor);
      const from = tensors.map((t) => t.dataId);
      const tied = made.find(
        (m) => m.from.every((id, i) => id === from[i]) && String(m.result.shape) === String(tensors[0]?.shape),
      );
      const result = tied
        ? clone(tied.result)
        : tidy(() => (tensors[0]?.dtype === 'float32' ? f(tensors) : same(path, tensors)));
      if (!tied) made.push({ from, result });
      out.push([path, result]);
    }
  } catch (error) {
    for (const [, t] of out) t.dispose();
    throw error;
  }
  return unflatten(out) as Result<P>;
}

/**
 * Σ wᵢxᵢ as x₀·Σw + Σ wᵢ(xᵢ − x₀): members are near each other, so the rounding is that of small differences, and equal
 * members average to themselves exactly.
 */
function weightedSum(tensors: readonly Tensor[], weights: readonly number[]): Tensor {
  const [first, ...others] = tensors as [Tensor, ...Tensor[]];
  const total = weights.reduce((s, w) => s + w, 0);
  let result = Math.abs(total - 1) < 1e-9 ? first : mul(first, total);
  for (const [i, x] of others.entries()) result = add(result, mul(sub(x, first), weights[i + 1] as number));
  return clone(result);
}

/** cos θ above which the arc is taken for its chord. */
export const parallel = 0.9995;

function slerp(x: Tensor, y: Tensor, lambda: number): Tensor {
  const lengths = mul(norm(x), norm(y));
  const cosine = div(sum(mul(x, y)), maximum(lengths, 1e-30));
  // θ = acos c = π/2 − asin c
  const theta = sub(Math.PI / 2, asin(minimum(maximum(cosine, -1), 1)));
  const straight = greater(abs(cosine), parallel);
  const zero = greater(1e-30, lengths);
  const weight = (share: number): Tensor => {
    const arc = div(sin(mul(theta, share)), maximum(sin(theta), 1e-12));
    return where(zero, scalar(share), where(straight, scalar(share), arc));
  };
  return add(mul(x, weight(1 - lambda)), mul(y, weight(lambda)));
}

/** A leaf that is no float: the same in every member. */
function same(path: string, tensors: readonly Tensor[]): Tensor {
  const [first, ...others] = tensors as [Tensor, ...Tensor[]];
  const values = first.dataSync();
  for (const [i, t] of others.entries()) {
    if (t.dataSync().every((x, j) => x === values[j])) continue;
    throw new CheckpointError({
      where: `merge, member ${i + 2}`,
      what: `tensor ${path} is ${first.dtype} and differs from member 1: whole numbers cannot be averaged`,
    });
  }
  return clone(first);
}

function checkShare(where: string, lambda: number, extrapolate: boolean): void {
  if (Number.isFinite(lambda) && (extrapolate || (lambda >= 0 && lambda <= 1))) return;
  throw new ConfigError({
    where,
    what: 'the share of the second tree',
    got: lambda,
    wanted: extrapolate ? 'a number' : 'a number from 0 to 1',
  });
}
