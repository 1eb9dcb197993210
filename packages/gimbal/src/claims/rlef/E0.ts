// The optimum of entailment under a pull to the start, from its closed form and from the gradient of what is rewarded.
import { klRewards } from '@gimbal/fma-pg';
import { optimalEntailedRate } from '@gimbal/reward-models';
import {
  createOptimizer,
  disposeTree,
  type Params,
  rng,
  StoppedError,
  valueAndGrad,
  variables,
} from '@gimbal/tensor-core';
import {
  logSoftmax,
  mul,
  neg,
  ones,
  reshape,
  type Scalar,
  softmax,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor1d,
  tidy,
} from '@tensorflow/tfjs-core';
import { defineClaim } from '../../reproduce/claim.ts';
import { verdict } from '../../reproduce/verdict.ts';

const summaries = 50;
const [sure, unsure] = [0.97, 0.03];
const alphas = [0.1, 0.3, 0.5, 0.9];
const [steps, learningRate] = [500, 0.05];

export const claim = defineClaim({
  id: 'E0',
  claim:
    'learning from log P(entailment) and the KL in convex mixture ends at π_SL · P(entailment)^((1 − α)/α), normalised',
  paper: '§2: the reward r = (1 − α) r_NLI + α r_KL; its optimum follows from it',
  wanted:
    'total variation to the optimum ≤ .02 for α = .1, .3, .5, .9: 50 summaries, a judge of .97 or .03, Adam .05, 500 exact gradients; the entailed share is that of the closed form to 1e-6',
  seeds: [0],
  async run({ seeds, signal }) {
    const conditions: Record<string, boolean> = {};
    const found: number[] = [];
    for (const seed of seeds) {
      const stream = rng(seed).split('claims.E0');
      const logits = Float32Array.from({ length: summaries }, () => stream.normal());
      const entailed = Array.from({ length: summaries }, () => stream.uniform() < 0.3);
      const start = normalised([...logits].map((z) => Math.exp(z)));
      const judged = entailed.map((is) => (is ? sure : unsure));
      for (const alpha of alphas) {
        if (signal.aborted) throw new StoppedError({ where: 'gimbal reproduce rlef', what: 'stopped in E0' });
        const optimum = normalised(start.map((p, i) => p * (judged[i] as number) ** ((1 - alpha) / alpha)));
        const share = (pi: readonly number[]): number => pi.reduce((s, p, i) => s + (entailed[i] ? p : 0), 0);
        const off = Math.abs(share(optimum) - optimalEntailedRate(share(start), unsure, alpha));
        const learnt = learn(logits, judged, alpha);
        const distance = learnt.reduce((s, p, i) => s + Math.abs(p - (optimum[i] as number)), 0) / 2;
        found.push(distance);
        conditions[`α ${alpha}: total variation ${distance.toFixed(4)}`] = distance <= 0.02;
        conditions[`α ${alpha}: entailed share off by ${off}`] = off <= 1e-6;
      }
    }
    return verdict(`total variation ${found.map((d) => d.toFixed(4)).join(', ')}`, [], conditions);
  },
});

/** Probabilities after the steps: ascent on Σ π·r, where r is a number, as the trainer's rewards are. */
function learn(logits: Float32Array, judged: readonly number[], alpha: number): number[] {
  const params = variables({ logits: tensor1d(logits) });
  const optimizer = createOptimizer({ name: 'adam' });
  const state = optimizer.init(params);
  const [before, mask] = tidy(() => [
    reshape(logSoftmax(tensor1d(logits)), [summaries, 1]) as Tensor2D,
    ones([summaries, 1]) as Tensor2D,
  ]);
  const terminal = Float32Array.from(judged, (p) => Math.log(p));
  const lossAndGrad = valueAndGrad((p: Params, r: Tensor) => neg(sum(mul(softmax(p.logits as Tensor), r))) as Scalar);
  for (let step = 0; step < steps; step++) {
    tidy(() => {
      const now = reshape(logSoftmax(params.logits as Tensor1D), [summaries, 1]) as Tensor2D;
      const rewards = klRewards(now, before, mask, terminal, { klCoef: alpha, klMixing: 'convex' });
      const own = reshape(rewards, [summaries]);
      const { grads } = lossAndGrad(params, own);
      optimizer.update(params, grads, state, learningRate);
    });
  }
  const pi = tidy(() => softmax(params.logits as Tensor).dataSync<'float32'>());
  for (const tree of [params, state as unknown as Params, { before, mask }]) disposeTree(tree);
  return [...pi];
}

function normalised(weights: readonly number[]): number[] {
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / total);
}
