// Products of every form against float64 sums at this process's instruction-set level: one line of JSON.
import * as tf from '@tensorflow/tfjs-core';
import { backend } from '../../src/backend.ts';
import { nativeInfo, packWeight, setThreads } from '../../src/index.ts';

await tf.setBackend('native');
const failures: string[] = [];
let cases = 0;

function matrix(rows: number, columns: number, seed: number): tf.Tensor2D {
  const values = new Float32Array(rows * columns);
  let state = seed;
  for (let i = 0; i < values.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = state / 2 ** 31 - 1;
  }
  return tf.tensor2d(values, [rows, columns]);
}

// around the edges of every tile: rows 6 and 8, columns 8, 12, 16 and 48, blocks of k, the skinny forms
const sizes = [1, 2, 4, 5, 6, 7, 8, 9, 12, 16, 17, 47, 48, 49, 65, 100];
const depths = [1, 3, 16, 31, 64, 512, 515];
let turn = 0;
for (const m of sizes) for (const n of sizes) check(m, n, depths[turn++ % depths.length] as number, 1);
// packed rows that stay for every block of columns, in more than one piece: a few rows of each are summed here
for (let form = 0; form < 6; form++, turn++) check(2801, 131, 381, 97);

/** The product of a form that follows from `turn`, of every `rowStep`th row and the last rows of each. */
function check(m: number, n: number, k: number, rowStep: number): void {
  const [ta, tb, packed] = [turn % 2 === 0, turn % 3 === 0, turn % 5 === 0];
  setThreads(1 + (turn % 3));
  tf.tidy(() => {
    const a = ta ? matrix(k, m, 1) : matrix(m, k, 1);
    const b = tb ? matrix(n, k, 2) : matrix(k, n, 2);
    if (packed) packWeight(b, { transposed: tb });
    const c = tf.fused.matMul({ a, b, transposeA: ta, transposeB: tb, bias: matrix(1, n, 3), activation: 'relu' });
    const [x, y, z, got] = [a, b, matrix(1, n, 3), c].map((t) => backend.buffer(t.dataId).view());
    if (!x || !y || !z || !got) throw new Error('no data');
    let worst = 0;
    for (let i = 0; i < m; i += i + 20 < m ? rowStep : 1)
      for (let j = 0; j < n; j++) {
        let sum = z[j] as number;
        for (let p = 0; p < k; p++)
          sum += (x[ta ? p * m + i : i * k + p] as number) * (y[tb ? j * k + p : p * n + j] as number);
        worst = Math.max(worst, Math.abs(Math.max(0, sum) - (got[i * n + j] as number)));
      }
    cases++;
    if (!(worst < 2e-6 * Math.sqrt(k) + 2e-6))
      failures.push(`m ${m} n ${n} k ${k} ta ${ta} tb ${tb} packed ${packed}: off by ${worst}`);
  });
}
console.log(JSON.stringify({ isa: nativeInfo()?.isa, cases, failures }));
