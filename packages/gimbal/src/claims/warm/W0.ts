// The toy of invariance: masks of features that runs learn, averaged as predictions or as weights.
import { rng } from '@gimbal/tensor-core';
import { defineClaim } from '../../reproduce/claim.ts';
import { verdict } from './internal/verdict.ts';

const draws = 2000;
const perKind = 10;

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
      for (const p of [0.9, 0.1]) {
        for (const M of [2, 8, 64]) {
          const stream = rng(seed).split(`W0 ${p} ${M}`);
          const [ens, wa]: [number[], number[]] = [[], []];
          for (let d = 0; d < draws * perKind; d++) {
            let learned = 0;
            for (let m = 0; m < M; m++) learned += Number(stream.uniform() < p);
            // ω = f and the mask f, each averaged: their product is the square
            ens.push(learned / M);
            wa.push((learned / M) ** 2);
          }
          for (const [name, values, wanted] of [
            ['ENS', ens, p],
            ['WA', wa, p * p + (p * (1 - p)) / M],
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

/** How many standard errors the mean of `values` is from `wanted`. */
function errors(values: readonly number[], wanted: number): number {
  const n = values.length;
  const mean = values.reduce((a, b) => a + b, 0) / n;
  const spread = Math.sqrt(values.reduce((a, x) => a + (x - mean) ** 2, 0) / (n - 1));
  return Math.abs(mean - wanted) / (spread / Math.sqrt(n));
}
