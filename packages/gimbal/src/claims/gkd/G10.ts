// Reward against closeness to the teacher, with every completion walked through.
import { surrogates } from '@gimbal/fma-pg';
import { tokenDivergence } from '@gimbal/gkd';
import {
  captureStep,
  createOptimizer,
  disposeTree,
  type Params,
  rng,
  valueAndGrad,
  variables,
} from '@gimbal/tensor-core';
import {
  add,
  gather,
  logSoftmax,
  mul,
  reshape,
  type Scalar,
  sum,
  type Tensor,
  type Tensor2D,
  tensor1d,
  tensor2d,
  zeros,
} from '@tensorflow/tfjs-core';
import { breathe, Checks } from '../../reproduce/checks.ts';
import { defineClaim } from '../../reproduce/claim.ts';
import { mean } from '../../reproduce/verdict.ts';
import { drawRows } from './internal/bigram.ts';
import { allRows, logRows } from './internal/enumerate.ts';

const [V, length, steps, learningRate] = [4, 4, 600, 0.05];
const alphas = [0, 0.25, 0.5, 0.75, 1];
const completions = allRows(V, length);
const reward = completions.map((y) => y.filter((token) => token === 0).length / length);
/** the student's row, and the teacher's, of each token; V stands for what is in front of the first */
const rows = completions.flatMap((y) => y.map((_, n) => y[n - 1] ?? V));
const pairs = completions.flatMap((y) => y.map((_, n) => (y[n - 2] ?? V) * (V + 1) + (y[n - 1] ?? V)));

export const claim = defineClaim({
  id: 'G10',
  claim:
    'α trades reward against closeness to the teacher: less of the reward with each α, and a student near the teacher',
  paper: 'equation 5 and figure 5: reinforcement learning with on-policy distillation as the regulariser',
  wanted:
    'E[r] strictly decreasing in α = 0, .25, .5, .75, 1; E[D] at .75 at least .2 below that at 0; E[r] ≥ .95 at α = 0; means over seeds, as for every claim that does not say each; a teacher that likes what is rewarded lets E[D] hardly drop',
  seeds: [0, 1, 2],
  fullSeeds: [0, 1, 2, 3, 4],
  async run({ seeds, signal }) {
    const found: Traded[][] = [];
    for (const seed of seeds) {
      const teacher = drawRows((V + 1) ** 2, V, rng(seed).split('claims.G10'));
      const row: Traded[] = [];
      for (const alpha of alphas) {
        await breathe(signal);
        row.push(learn(teacher, alpha));
      }
      found.push(row);
    }
    const checks = new Checks();
    const at = (i: number, of: keyof Traded): number => mean(found.map((row) => (row[i] as Traded)[of]));
    for (const [i, alpha] of alphas.entries())
      if (i > 0) checks.expect(`E[r] ${at(i, 'r')} at α ${alpha} below ${at(i - 1, 'r')}`, at(i, 'r') < at(i - 1, 'r'));
    checks.least('E[r] at α = 0', at(0, 'r'), 0.95);
    checks.least('E[D] at 0 − at .75', at(0, 'd') - at(3, 'd'), 0.2);
    const drops = found.map((row) => (row[0] as Traded).d - (row[3] as Traded).d);
    const over = (of: keyof Traded, digits: number): string =>
      alphas.map((_, i) => at(i, of).toFixed(digits)).join(' ');
    return checks.result(
      `E[r] ${over('r', 3)}, E[D] ${over('d', 2)}; E[D] drops by ${drops.map((d) => d.toFixed(2)).join(', ')}`,
    );
  },
});

/** Expected reward, and expected mean divergence of a completion's tokens. */
interface Traded {
  r: number;
  d: number;
}

/** Adam on (1 − α) (−E r) + α E D: the reward by REINFORCE, the divergence directly, both over all completions. */
function learn(teacher: Float64Array, alpha: number): Traded {
  const params = variables({ z: tensor2d(new Float32Array((V + 1) * V), [V + 1, V]) });
  const optimizer = createOptimizer({ name: 'adam' });
  const state = optimizer.init(params);
  const constants = {
    zT: gather(tensor2d(Float32Array.from(teacher), [(V + 1) ** 2, V]), tensor1d(pairs, 'int32')),
    rows: tensor1d(rows, 'int32'),
    own: tensor1d(
      completions.flatMap((y) => y.map((token, n) => (y[n - 1] ?? V) * V + token)),
      'int32',
    ),
  };
  const reinforce = surrogates.reinforce();
  const lossAndGrad = valueAndGrad((p: { z: Tensor }, share: Tensor, advantages: Tensor): Scalar => {
    const zS = p.z as Tensor2D;
    const d = tokenDivergence(gather(zS, constants.rows), constants.zT, 'rkl');
    const logProbs = gather(reshape(logSoftmax(zS), [(V + 1) * V]), constants.own);
    const { loss } = reinforce({ logProbs, oldLogProbs: zeros(logProbs.shape), advantages });
    return add(mul(loss, 1 - alpha), mul(sum(mul(d, share)), alpha));
  });
  using step = captureStep(({ share, advantages }) => {
    const { grads } = lossAndGrad(params as { z: Tensor }, share as Tensor, advantages as Tensor);
    optimizer.update(params, grads, state, learningRate);
    return { z: add(params.z as Tensor, 0) };
  });
  let now = probabilities(new Float32Array((V + 1) * V));
  for (let i = 0; i < steps; i++) {
    const baseline = now.reduce((s, q, y) => s + q * (reward[y] as number), 0);
    const share = Float32Array.from(rows, (_, k) => (now[Math.floor(k / length)] as number) / length);
    // the surrogate is a mean over all tokens of all completions
    const advantages = share.map(
      (q, k) => q * length * rows.length * ((reward[Math.floor(k / length)] as number) - baseline),
    );
    const inputs = i === 0 ? { share: tensor1d(share), advantages: tensor1d(advantages) } : { share, advantages };
    const z = step.run(inputs).z.dataSync<'float32'>();
    now = probabilities(z);
    if (i === 0) disposeTree(inputs as Params);
    if (i === steps - 1) {
      const result = judge(z, teacher);
      for (const tree of [params, state, constants]) disposeTree(tree as Params);
      return result;
    }
  }
  throw new Error('no step');
}

/** of each completion */
function probabilities(z: ArrayLike<number>): number[] {
  const q = logRows(Float64Array.from(z), V);
  return completions.map((y) => Math.exp(y.reduce((s, token, n) => s + (q[(y[n - 1] ?? V) * V + token] as number), 0)));
}

/** In float64. */
function judge(z: ArrayLike<number>, logp: Float64Array): Traded {
  const q = logRows(Float64Array.from(z), V);
  const kl = (pair: number): number => {
    let sum = 0;
    for (let v = 0; v < V; v++) {
      const lq = q[(pair % (V + 1)) * V + v] as number;
      sum += Math.exp(lq) * (lq - (logp[pair * V + v] as number));
    }
    return sum;
  };
  return probabilities(z).reduce(
    ({ r, d }, share, y) => {
      let mean = 0;
      for (let n = 0; n < length; n++) mean += kl(pairs[y * length + n] as number) / length;
      return { r: r + share * (reward[y] as number), d: d + share * mean };
    },
    { r: 0, d: 0 },
  );
}
