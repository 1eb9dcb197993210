// Linear probing: the head alone, on features that stay as they are (WARM §3.1: a random head distorts features early in
// fine-tuning, so all members start from one probed head).
import {
  type Classifier,
  classifier,
  type Dataset,
  labelledRows,
  padRows,
  type Tokenizer,
} from '@gimbal/language-models';
import {
  ConfigError,
  checkCount,
  checkPositive,
  crossEntropy,
  disposeTree,
  eventTurn,
  flatten,
  LoopTrainer,
  type Overflow,
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
  type Rank,
  reshape,
  type Scalar,
  slice,
  softplus,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor1d,
  tensor2d,
  zeros,
} from '@tensorflow/tfjs-core';
import { type PreferencePairs, preferencePairs } from '../data/preference-pairs.ts';
import { antisymmetricLogits, preferenceLoss, skewSymmetricLogits } from '../losses/preference.ts';
import type { PreferenceModel } from '../models/preference-model.ts';
import type { RewardModel } from '../models/reward-model.ts';
import { scorePath } from '../models/with-body.ts';

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
export async function probeHead(differences: Tensor2D, o: ProbeOptions = {}): Promise<Tensor2D> {
  checkProbe('probeHead', o);
  const [pairs, width] = differences.shape;
  const start: Head = { weight: zeros<Rank.R2>([1, width]) };
  const head = await fitHead(start, pairs, o, ({ weight }) => {
    const ahead = reshape(matMul(differences, weight, false, true), [pairs]);
    return sum(softplus(mul(ahead, -1)));
  });
  return head.weight;
}

/** A linear head: weight [L,D] and, where it has one, bias [L]. */
interface Head {
  readonly weight: Tensor2D;
  readonly bias?: Tensor1D;
}

/** @throws ConfigError for options out of range, before anything is computed */
function checkProbe(where: string, { steps, learningRate, l2 }: ProbeOptions): void {
  if (steps !== undefined) checkCount(`${where}.steps`, steps);
  if (learningRate !== undefined) checkPositive(`${where}.learningRate`, learningRate);
  if (l2 === undefined || (l2 >= 0 && Number.isFinite(l2))) return;
  throw new ConfigError({ where: `${where}.l2`, what: 'out of range', got: l2, wanted: 'a number ≥ 0' });
}

/** Fits a head to Σ of losses over all rows at once. Takes over `start`. @returns the caller disposes it */
async function fitHead(
  start: Head,
  rows: number,
  { steps = 300, learningRate = 1e-2, l2 = 1e-3, signal }: ProbeOptions,
  losses: (head: Head) => Tensor,
): Promise<Head> {
  using loop = new LoopTrainer<null>({
    params: { ...start },
    batches: oneBatch(null),
    loss: (p) => {
      const head = p as unknown as Head;
      return { sum: add(losses(head), mul(sum(square(head.weight)), l2 * rows)) as Scalar, weight: rows };
    },
    options: { learningRate, optimizer: { name: 'adam' }, batchSize: rows, logEvery: steps, seed: 0 },
  });
  disposeTree({ ...start });
  await loop.run({ steps, ...(signal && { signal }) });
  if (loop.stopReason === 'signal')
    throw new StoppedError({ where: 'probeHead', what: `stopped after ${loop.step} steps` });
  const { weight, bias } = loop.params as unknown as Head;
  return { weight: keep(clone(weight)), ...(bias && { bias: keep(clone(bias)) }) };
}

/** How rows are read for a probe. */
interface RowOptions {
  /** Rows at a time (32). */
  batchSize?: number;
  /** Longest row in tokens (the model's context). */
  maxLength?: number;
  /** What becomes of a pair that is longer, as in training (`drop`). */
  overflow?: Overflow;
}

/**
 * A model's parameters with a probed head; the body keeps its weights.
 * @param model a reward or preference model, with rows of preferences, or a classifier, with labelled rows
 * @param params the body as pretrained or fine-tuned; not disposed
 * @param data rows of what the model is trained on; pairs longer than the model are left out where `overflow` says nothing else
 * @returns a tree that the caller disposes
 * @throws ConfigError for options out of range, before anything is computed; DataError for rows that cannot be used, StoppedError when the signal
 * asks for it
 */
export async function linearProbe(
  model: RewardModel | PreferenceModel | Classifier,
  params: Params,
  tokenizer: Tokenizer,
  data: Dataset,
  { batchSize = 32, maxLength, overflow, ...o }: ProbeOptions & RowOptions = {},
): Promise<Params> {
  checkCount('linearProbe.batchSize', batchSize);
  checkProbe('linearProbe', o);
  if (!('classifier' in model) && overflow !== undefined && overflow !== 'cut') {
    const what = 'long rows of a classifier are cut';
    throw new ConfigError({ where: 'linearProbe.overflow', what, got: overflow, wanted: 'cut, or nothing' });
  }
  const heads = 'classifier' in model ? model.classifier : model;
  const length = { ...(maxLength !== undefined && { maxLength }), ...(overflow && { overflow }) };
  const { rows, targets, losses } =
    'classifier' in model
      ? pairProblem(model, preferencePairs(data, heads.config, tokenizer, { ...length, together: readsBoth(model) }))
      : classProblem(model, data, tokenizer, length);
  const features = await featuresOf(heads, params, rows, batchSize, o.signal);
  const path = scorePath(heads);
  const leaves = new Map<string, Tensor>(flatten(params));
  const biasPath = path.replace(/weight$/, 'bias');
  const count = heads.labels.length;
  // the skew-symmetric form has no slope at 0: it starts from the head there is
  const isSkew = 'classifier' in model && model.kind === 'pairwise' && model.form === 'skew-symmetric';
  const start: Head = {
    weight: isSkew ? clone(leaves.get(path) as Tensor2D) : zeros<Rank.R2>([count, heads.config.width]),
    ...(leaves.has(biasPath) && { bias: zeros([count]) as Tensor1D }),
  };
  try {
    const head = await fitHead(start, targets, o, (h) => losses(features, h));
    const newer = new Map<string, Tensor>([[path, head.weight]]);
    if (head.bias) newer.set(biasPath, head.bias);
    return unflatten(flatten(params).map(([name, t]): [string, Tensor] => [name, newer.get(name) ?? keep(clone(t))]));
  } finally {
    features.dispose();
  }
}

type TokenRows = readonly { ids: Int32Array; types: Int32Array }[];

/** Rows whose features a head is fitted on, and the sum of its losses. */
interface HeadProblem {
  rows: TokenRows;
  targets: number;
  losses(features: Tensor2D, head: Head): Tensor;
}

const readsBoth = (model: RewardModel | PreferenceModel): boolean =>
  model.kind === 'pairwise' && model.form === 'antisymmetric';

/** Pairs: the first rows of all, then the second ones. */
function pairProblem(model: RewardModel | PreferenceModel, { pairs }: PreferencePairs): HeadProblem {
  const n = pairs.length;
  const options = () => ({
    targets: tensor1d(pairs.map((p) => p.target)),
    weights: tensor1d(pairs.map((p) => p.weight)),
  });
  return {
    rows: [...pairs.map((p) => p.first), ...pairs.map((p) => p.second)],
    targets: n,
    losses: (features, head) => {
      const out = apply(features, head); // [2N,L]
      const half = (from: number): Tensor2D => slice(out, [from, 0], [n, out.shape[1]]);
      const flat = (from: number): Tensor1D => reshape(half(from), [n]);
      if (model.kind === 'bradley-terry') return preferenceLoss(sub(flat(0), flat(n)), options());
      const logits =
        model.form === 'antisymmetric' ? antisymmetricLogits(flat(0), flat(n)) : skewSymmetricLogits(half(0), half(n));
      return preferenceLoss(logits, options());
    },
  };
}

/** Labelled rows: cross-entropy, or the squared error where there is one label. */
function classProblem(
  model: Classifier,
  data: Dataset,
  tokenizer: Tokenizer,
  { maxLength }: { maxLength?: number },
): HeadProblem {
  const { labels, config } = model;
  if (model.problem === 'multi-label') {
    const fix = 'Train it with ClassifierTrainer';
    throw new ConfigError({ where: 'linearProbe.model', what: 'no head of several labels at once is fitted', fix });
  }
  const limit = Math.min(maxLength ?? config.contextLength, config.contextLength);
  const { rows } = labelledRows(data, tokenizer, { labels, limit });
  const targets = rows.map((row) => row.target as number); // lists are those of multi-label problems alone
  return {
    rows,
    targets: rows.length,
    losses: (features, head) => {
      const out = apply(features, head);
      if (labels.length > 1) return crossEntropy(out, tensor1d(targets, 'int32'), { reduction: 'sum' });
      return sum(square(sub(reshape(out, [-1]), tensor1d(targets))));
    },
  };
}

const apply = (features: Tensor2D, { weight, bias }: Head): Tensor2D => {
  const out: Tensor2D = matMul(features, weight, false, true);
  return bias ? (add(out, bias) as Tensor2D) : out;
};

/** What the head sees of each row [N,D], read in batches of like length; the caller disposes it. */
async function featuresOf(
  heads: Classifier,
  params: Params,
  rows: TokenRows,
  batchSize: number,
  signal?: AbortSignal,
): Promise<Tensor2D> {
  const { width, padId } = heads.config;
  const { features, dispose } = featureReader(heads, params);
  const out = new Float32Array(rows.length * width);
  const order = rows.map((_, i) => i).sort((a, b) => (rows[a]?.ids.length ?? 0) - (rows[b]?.ids.length ?? 0));
  try {
    for (let at = 0; at < order.length; at += batchSize) {
      await eventTurn();
      if (signal?.aborted) throw new StoppedError({ where: 'linearProbe', what: `stopped at row ${at}` });
      const some = order.slice(at, at + batchSize);
      const batch = padRows(
        some.map((i) => rows[i] as TokenRows[number]),
        padId,
      );
      const states = features(batch);
      const values = (await states.data()) as Float32Array;
      states.dispose();
      some.forEach((i, k) => {
        out.set(values.subarray(k * width, (k + 1) * width), i * width);
      });
    }
  } finally {
    dispose();
  }
  return tensor2d(out, [rows.length, width]);
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

const isHead = (path: string): boolean => /^(?:classifier|pooler|score|bert\.pooler)\./.test(path);

/** The head of a tree, pooling included; it shares the tree's tensors. */
export const headOf = (params: Params): Params => unflatten(flatten(params).filter(([path]) => isHead(path)));

/** The body of one tree under the head of another, pooling included: copies that share memory; the caller disposes them. */
export function withHead(body: Params, head: Params): Params {
  const heads = new Map<string, Tensor>(flatten(head));
  return unflatten(
    flatten(body).map(([path, t]): [string, Tensor] => [path, keep(clone(isHead(path) ? (heads.get(path) ?? t) : t))]),
  );
}
