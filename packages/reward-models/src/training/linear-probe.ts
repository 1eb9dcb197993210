// Linear probing: the head alone, on features that stay as they are (WARM §3.1: a random head distorts features early in
// fine-tuning, so all members start from one probed head).
import { type Classifier, classifier, type Dataset, type Tokenizer } from '@gimbal/language-models';
import {
  ConfigError,
  disposeTree,
  flatten,
  LoopTrainer,
  oneBatch,
  type Params,
  StoppedError,
  unflatten,
} from '@gimbal/tensor-core';
import {
  add,
  clone,
  eye,
  keep,
  matMul,
  mul,
  reshape,
  type Scalar,
  slice,
  softplus,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  tensor2d,
  tidy,
  zeros,
} from '@tensorflow/tfjs-core';
import { preferencePairs } from '../data/preference-pairs.ts';
import type { RewardModel } from '../models/reward-model.ts';
import { scorePath } from '../models/with-body.ts';
import { batchPairs } from './pair-batches.ts';

/** How a head is probed. */
export interface ProbeOptions {
  /** Updates, each on all pairs (300). */
  steps?: number;
  /** Of Adam (.01). */
  learningRate?: number;
  /** Weight of ‖ω‖² in the mean loss (1e-3). */
  l2?: number;
  /** Stops between two batches. */
  signal?: AbortSignal;
}

/**
 * The unit that ranks pairs best by their features: mean softplus(−d·ω) + l2 ‖ω‖², from ω = 0.
 * @param differences features of the better less those of the worse [N,D] float32; not disposed
 * @returns ω [1,D]; the caller disposes it
 * @throws ConfigError for options out of range, StoppedError when the signal asks for it
 */
export async function probeHead(
  differences: Tensor2D,
  { steps = 300, learningRate = 1e-2, l2 = 1e-3, signal }: ProbeOptions = {},
): Promise<Tensor2D> {
  const [pairs, width] = differences.shape;
  if (!(l2 >= 0))
    throw new ConfigError({ where: 'probeHead.l2', what: 'out of range', got: l2, wanted: 'a number ≥ 0' });
  const start = zeros([1, width]);
  using loop = new LoopTrainer<null>({
    params: { weight: start },
    batches: oneBatch(null),
    loss: (p) => {
      const ahead = reshape(matMul(differences, p.weight as Tensor, false, true), [pairs]);
      const losses = sum(softplus(mul(ahead, -1)));
      return { sum: add(losses, mul(sum(square(p.weight as Tensor)), l2 * pairs)) as Scalar, weight: pairs };
    },
    options: { learningRate, optimizer: { name: 'adam' }, batchSize: pairs, logEvery: steps, seed: 0 },
  });
  start.dispose();
  await loop.run({ steps, ...(signal && { signal }) });
  if (loop.stopReason === 'signal')
    throw new StoppedError({ where: 'probeHead', what: `stopped after ${loop.step} steps` });
  return keep(clone(loop.params.weight as Tensor2D));
}

/**
 * A reward model's parameters with a probed head; the body keeps its weights.
 * @param params the body as pretrained or fine-tuned; not disposed
 * @param data rows of preferences; those longer than the model are left out
 * @returns a tree that the caller disposes
 * @throws DataError for rows that cannot be used, StoppedError when the signal asks for it
 */
export async function linearProbe(
  model: RewardModel,
  params: Params,
  tokenizer: Tokenizer,
  data: Dataset,
  { batchSize = 32, ...o }: ProbeOptions & { batchSize?: number } = {},
): Promise<Params> {
  const { classifier: heads } = model;
  const { pairs } = preferencePairs(data, heads.config, tokenizer, {});
  const { features, dispose } = featureReader(heads, params);
  const width = heads.config.width;
  const differences = new Float32Array(pairs.length * width);
  try {
    for (let at = 0; at < pairs.length; at += batchSize) {
      if (o.signal?.aborted) throw new StoppedError({ where: 'linearProbe', what: `stopped at pair ${at}` });
      const { rows, targets } = batchPairs(pairs.slice(at, at + batchSize), heads.config.padId);
      const found = tidy(() => {
        const states = features(rows);
        const half = (from: number): Tensor2D => slice(states, [from, 0], [targets.length, width]);
        return sub(half(0), half(targets.length));
      });
      differences.set(await found.data(), at * width);
      found.dispose();
    }
  } finally {
    dispose();
  }
  const all = tensor2d(differences, [pairs.length, width]);
  try {
    const head = await probeHead(all, o);
    return replaceLeaf(params, scorePath(heads), head);
  } finally {
    all.dispose();
  }
}

/** What the head sees of each row [B,D]: the same classifier with the identity for its head. */
function featureReader(
  heads: Classifier,
  params: Params,
): { features: (rows: Parameters<Classifier['logits']>[1]) => Tensor2D; dispose(): void } {
  const { width } = heads.config;
  const wide = classifier(
    heads.config,
    Array.from({ length: width }, (_, i) => `${i}`),
  );
  const path = scorePath(heads);
  const bias = path.replace(/weight$/, 'bias');
  const tree = unflatten(
    flatten(params).map(([name, t]): [string, Tensor] => {
      if (name === path) return [name, eye(width)];
      return [name, name === bias ? zeros([width]) : keep(clone(t))];
    }),
  );
  return { features: (rows) => wide.logits(tree, rows), dispose: () => disposeTree(tree) };
}

/** The same tree with one other leaf: copies that share memory. Takes over `leaf`. */
function replaceLeaf(params: Params, path: string, leaf: Tensor): Params {
  return unflatten(flatten(params).map(([name, t]): [string, Tensor] => [name, name === path ? leaf : keep(clone(t))]));
}

/** The body of one tree under the head of another, pooling included: copies that share memory; the caller disposes them. */
export function withHead(body: Params, head: Params): Params {
  const heads = new Map<string, Tensor>(flatten(head));
  const isHead = (path: string): boolean => /^(?:classifier|pooler|score|bert\.pooler)\./.test(path);
  return unflatten(
    flatten(body).map(([path, t]): [string, Tensor] => [path, keep(clone(isHead(path) ? (heads.get(path) ?? t) : t))]),
  );
}
