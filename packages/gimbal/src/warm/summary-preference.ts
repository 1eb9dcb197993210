// A preference model of summaries on dense features: an embedding of each, compared by a skew-symmetric form, so that what it
// prefers may run in circles and never depends on who is shown first.
// It sees how clauses match facts, not which words there are: those are what a model of few, noisy pairs learns by heart, and
// what a policy then writes.
//   z = Σⱼ (u₂ⱼ v₂ⱼ₊₁ − u₂ⱼ₊₁ v₂ⱼ),  P(a ≻ b) = σ(z)
import { preferenceLoss, skewSymmetricLogits } from '@gimbal/reward-models';
import {
  EpochSampler,
  LoopTrainer,
  linear,
  mapBatches,
  type Params,
  type PreferenceFn,
  type Rng,
} from '@gimbal/tensor-core';
import {
  gather,
  sigmoid,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor1d,
  tensor2d,
  tidy,
} from '@tensorflow/tfjs-core';
import { type DensePairs, ownCopy, trainTo } from './dense-members.ts';
import { features as bodyFeatures } from './dense-network.ts';
import { matches, type SummaryFeatures } from './summary-features.ts';

const [embedding, batchSize] = [8, 64];

/** Of dense inputs [n·width] the numbers about clauses and facts [n·8]. */
function matchesIn(inputs: Float32Array, n: number): Float32Array {
  const width = inputs.length / n;
  const out = new Float32Array(n * matches);
  for (let i = 0; i < n; i++) out.set(inputs.subarray(i * width, i * width + matches), i * matches);
  return out;
}

/** Pairs as the model sees them. */
export const matchedPairs = ({ n, chosen, rejected }: DensePairs): DensePairs => ({
  n,
  chosen: matchesIn(chosen, n),
  rejected: matchesIn(rejected, n),
});

/** z of P(first ≻ second) [B] of inputs [B,inputs]. */
function logits(params: Params, a: Tensor2D, b: Tensor2D, drop?: { rate: number; rng: Rng }): Tensor1D {
  const { weight } = params.head as { weight: Tensor };
  const embed = (x: Tensor2D, side: string): Tensor2D =>
    linear(bodyFeatures(params, x, drop && { ...drop, rng: drop.rng.split(side) }), weight, {
      weightLayout: 'out-in',
    }) as Tensor2D;
  return skewSymmetricLogits(embed(a, 'a'), embed(b, 'b'));
}

/**
 * Trains a preference model on `matchedPairs` from a body, with a fresh head. The caller owns it.
 * @throws StoppedError where the signal stopped it
 */
export async function trainSummaryPreference(
  body: Params,
  pairs: DensePairs,
  o: { steps: number; learningRate: number; stream: Rng; signal: AbortSignal },
): Promise<Params> {
  const width = pairs.chosen.length / pairs.n;
  const [chosen, rejected] = [tensor2d(pairs.chosen, [pairs.n, width]), tensor2d(pairs.rejected, [pairs.n, width])];
  const noise = o.stream.split('noise');
  let step = 0;
  // at zero the form has no slope
  const weight = o.stream.split('head').uniformTensor([embedding, 128], -0.1, 0.1);
  const sampler = new EpochSampler(pairs.n, { batchSize: Math.min(batchSize, pairs.n), rng: o.stream.split('data') });
  using loop = new LoopTrainer<Int32Array>({
    params: { body: body.body as Params, head: { weight } },
    batches: mapBatches(sampler, (indices) => Int32Array.from(indices)),
    loss: (p, indices) => {
      const rows = tensor1d(indices, 'int32');
      const drop = { rate: 0.1, rng: noise.split(step++) };
      const z = logits(p, gather(chosen, rows) as Tensor2D, gather(rejected, rows) as Tensor2D, drop);
      return { sum: preferenceLoss(z), weight: indices.length };
    },
    options: { learningRate: o.learningRate, optimizer: { name: 'adam' }, batchSize, logEvery: 1000, seed: 0 },
  });
  try {
    await trainTo(loop, o.steps, o.signal);
    return ownCopy(loop.params);
  } finally {
    for (const t of [chosen, rejected, weight]) t.dispose();
  }
}

/** What it says of pairs of summaries. */
export const summaryPreference =
  (features: SummaryFeatures, params: Params): PreferenceFn =>
  async (articles, a, b) => {
    const [first, second] = [await features.read(articles, a), await features.read(articles, b)];
    const found = tidy(() => {
      const n = articles.length;
      const inputs = (x: Float32Array): Tensor2D => tensor2d(matchesIn(x, n), [n, matches]);
      return sigmoid(logits(params, inputs(first), inputs(second)));
    });
    const values = Array.from(await found.data<'float32'>());
    found.dispose();
    return values;
  };
