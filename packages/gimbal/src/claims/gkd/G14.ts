// A teacher that gives its likeliest tokens and the sum of the others.
import { chunkedDistillLoss, type Divergence, type TopK } from '@gimbal/gkd';
import { rng } from '@gimbal/tensor-core';
import { ones, type Tensor3D, tensor2d, tensor3d, tidy } from '@tensorflow/tfjs-core';
import { Checks } from '../../reproduce/checks.ts';
import { defineClaim } from '../../reproduce/claim.ts';
import { mean } from '../../reproduce/verdict.ts';
import { arithmeticSetup, protocol } from './G4.ts';
import { logRows } from './internal/enumerate.ts';
import { compare, type Method, methods } from './internal/toy-lab.ts';

const [V, rows] = [50, 8];
const kinds: readonly Divergence[] = ['fkl', 'rkl', 'tvd', { kind: 'jsd', beta: 0.5 }];

export const claim = defineClaim({
  id: 'G14',
  claim:
    'the likeliest K tokens and one bucket for the rest give a lower bound of every divergence that grows with K to the whole',
  paper: 'not in the paper: what a stored or served teacher can give',
  wanted: `V ${V}: non-decreasing in K, ≤ the whole, equal to it at K = V (1e-5); exact match with 4 of 17 on the arithmetic reported, .05 expected; ${protocol}`,
  seeds: [0, 1, 2],
  fullSeeds: [0, 1, 2, 3, 4],
  async run(context) {
    const checks = new Checks();
    const tenth: number[] = [];
    for (const seed of context.seeds) {
      const stream = rng(seed).split('claims.G14');
      const [z, p] = [0, 1].map(() => Float64Array.from({ length: rows * V }, () => 2.5 * stream.normal()));
      const logp = logRows(p as Float64Array, V);
      for (const divergence of kinds) {
        const whole = lossOf(z as Float64Array, logp, divergence);
        let before = 0;
        for (const K of [1, 2, 4, 7, 10, 20, 35, 49, 50]) {
          const now = lossOf(z as Float64Array, logp, divergence, K);
          checks.least(`${JSON.stringify(divergence)}, K ${K}, above the K before`, now - before, -1e-5);
          checks.most(`${JSON.stringify(divergence)}, K ${K}, of the whole`, now, whole * (1 + 1e-5));
          if (K === 10 && divergence === 'fkl') tenth.push(now / whole);
          if (K === V) checks.near(`${JSON.stringify(divergence)}, K = V`, now / whole, 1, 1e-5);
          before = now;
        }
      }
    }
    const of = { all: methods.fkl, 'top 4': { ...methods.fkl, topK: 4 } } as const satisfies Record<string, Method>;
    const found = await compare(arithmeticSetup, of, context, 'G14');
    const score = (name: keyof typeof of): number => mean(found[name].map((s) => s.score));
    return checks.result(
      `K = 10 of ${V} sees ${(100 * mean(tenth)).toFixed(0)} % of forward KL; exact match with 4 of 17 ${score('top 4').toFixed(2)}, with all ${score('all').toFixed(2)}`,
    );
  },
});

/** D of each row's teacher and student, their mean. */
function lossOf(z: Float64Array, logp: Float64Array, divergence: Divergence, K?: number): number {
  const [loss = Number.NaN] = tidy(() => {
    // states that are the logits: the head is the identity
    const hiddenS = tensor3d(Float32Array.from(z), [1, rows, V]) as Tensor3D;
    const headS = tensor2d(Array.from({ length: V }, (_, i) => Array.from({ length: V }, (_, j) => Number(i === j))));
    const teacher =
      K === undefined ? { full: tensor2d(Float32Array.from(logp), [rows, V]) } : { topK: likeliest(logp, K) };
    return chunkedDistillLoss({
      hiddenS,
      headS,
      teacher,
      mask: ones([1, rows]),
      divergence,
      rowsPerChunk: 3,
    }).dataSync<'float32'>();
  });
  return loss;
}

function likeliest(logp: Float64Array, K: number): TopK {
  const [ids, kept, tail]: [number[], number[], number[]] = [[], [], []];
  for (let r = 0; r < rows; r++) {
    const row = Array.from(logp.subarray(r * V, (r + 1) * V), (l, id) => ({ l, id })).sort((a, b) => b.l - a.l);
    ids.push(...row.slice(0, K).map(({ id }) => id));
    kept.push(...row.slice(0, K).map(({ l }) => l));
    tail.push(row.slice(K).reduce((s, { l }) => s + Math.exp(l), 0));
  }
  return { ids: Int32Array.from(ids), logp: Float32Array.from(kept), tail: Float32Array.from(tail) };
}
