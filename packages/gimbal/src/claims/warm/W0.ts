// The toy of invariance: masks of features that runs learn, averaged as predictions or, by what WARM averages with, as weights.
import { averageMembers } from '@gimbal/reward-models';
import { disposeTree, type Params, type Rng, rng } from '@gimbal/tensor-core';
import { mul, type Tensor, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { defineClaim } from '../../reproduce/claim.ts';
import { verdict } from '../../reproduce/verdict.ts';
import { meanOfLists } from './internal/experiment.ts';

const draws = 2000;
const perKind = 10;
/** P(a run learns the feature): ten are common, ten rare */
const probabilities = Array.from({ length: 2 * perKind }, (_, j) => (j < perKind ? 0.9 : 0.1));

export const claim = defineClaim({
  id: 'W0',
  claim: 'averaging weights squares how often a feature is learned: rare ones are squashed, common ones kept',
  paper: '§4.3: ENS → Σ p‖z‖², WA → Σ p²‖z‖² for many members',
  wanted:
    'for p = .9 and .1 and M = 2, 8, 64: ENS coefficient p and WA coefficient p² + p(1 − p)/M, within 4 standard errors',
  seeds: [0],
  async run({ seeds }) {
    const conditions: Record<string, boolean> = {};
    const worst: number[] = [];
    for (const seed of seeds) {
      for (const M of [2, 8, 64]) {
        const { ens, wa } = coefficients(M, rng(seed).split(`W0 ${M}`));
        for (const p of [0.9, 0.1]) {
          const of = (values: Float32Array): number[] =>
            [...values].filter((_, i) => probabilities[i % probabilities.length] === p);
          for (const [name, values, wanted] of [
            ['ENS', of(ens), p],
            ['WA', of(wa), p * p + (p * (1 - p)) / M],
          ] as const) {
            const off = errors(values, wanted);
            worst.push(off);
            conditions[`${name}, p ${p}, M ${M}: ${off.toFixed(1)} standard errors`] = off <= 4;
          }
        }
      }
    }
    return verdict(`at most ${Math.max(...worst).toFixed(1)} standard errors off`, [], conditions);
  },
});

/**
 * Of each draw and feature [draws·20]: what multiplies y‖zʲ‖² in the reward of the ensemble, and of the average of weights.
 * With zʲ the unit vectors a run is its mask f, and its best head ω is the same vector: its reward weighs feature j by fʲωʲ.
 */
function coefficients(M: number, stream: Rng): { ens: Float32Array; wa: Float32Array } {
  const shape: [number, number] = [draws, probabilities.length];
  const masks = Array.from({ length: M }, () =>
    Float32Array.from({ length: draws * probabilities.length }, (_, i) =>
      stream.uniform() < (probabilities[i % probabilities.length] as number) ? 1 : 0,
    ),
  );
  const members = masks.map((mask): Params => ({ mask: tensor2d(mask, shape), head: tensor2d(mask, shape) }));
  const read = (p: Params): Float32Array => tidy(() => mul(p.mask as Tensor, p.head as Tensor)).dataSync<'float32'>();
  const average = averageMembers(members.map((params, run) => ({ params, lineage: { pretrainId: 'toy', run } })));
  const found = { ens: Float32Array.from(meanOfLists(members.map(read))), wa: read(average) };
  for (const tree of [...members, average]) disposeTree(tree);
  return found;
}

/** How many standard errors the mean of `values` is from `wanted`. */
function errors(values: readonly number[], wanted: number): number {
  const n = values.length;
  const mean = values.reduce((a, b) => a + b, 0) / n;
  const spread = Math.sqrt(values.reduce((a, x) => a + (x - mean) ** 2, 0) / (n - 1));
  return Math.abs(mean - wanted) / (spread / Math.sqrt(n));
}
