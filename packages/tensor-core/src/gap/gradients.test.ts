// Every gradient that training may need, on every backend, against central differences on the cpu backend.
import * as tf from '@tensorflow/tfjs-core';
import { availableBackends } from '../../test/helpers/backends.ts';
import { type GradientRow, gradientRows } from '../../test/helpers/gradient-rows.ts';
import { rng, useBackend } from '../index.ts';

/** Σ weights·f(xs), with fixed weights so that no gradient is uniform. */
const weighted =
  (f: GradientRow['f']) =>
  (...xs: tf.Tensor[]): tf.Scalar => {
    const y = f(...xs);
    return tf.sum(tf.mul(tf.cast(y, 'float32'), rng(9).uniformTensor(y.shape, 0.5, 1.5)));
  };

const inputs = ({ shapes, range = [-1, 1] }: GradientRow): number[][] => {
  const r = rng(3);
  return shapes.map((shape) =>
    Array.from({ length: shape.reduce((n, d) => n * d, 1) }, () => range[0] + (range[1] - range[0]) * r.uniform()),
  );
};

/** Central differences on the cpu backend: exact to about 1e-4 in float32. */
const numeric = new Map<string, number[][]>();
async function differences(row: GradientRow): Promise<number[][]> {
  const known = numeric.get(row.name);
  if (known) return known;
  await useBackend('cpu');
  const values = inputs(row);
  const at = (all: number[][]): number =>
    tf.tidy(() => weighted(row.f)(...all.map((v, i) => tf.tensor(v, row.shapes[i] as number[]))).dataSync()[0] ?? 0);
  const h = 1e-2;
  const out = values.map((v, i) =>
    v.map((_, j) => {
      const shifted = (by: number): number[][] =>
        values.map((w, k) => (k === i ? w.map((x, l) => (l === j ? x + by : x)) : w));
      // fourth order: the error of the step is below that of float32
      return (8 * (at(shifted(h)) - at(shifted(-h))) - (at(shifted(2 * h)) - at(shifted(-2 * h)))) / (12 * h);
    }),
  );
  numeric.set(row.name, out);
  return out;
}

describe.each(await availableBackends('cpu', 'wasm', 'native'))('on %s', (name) => {
  test.each(gradientRows.map((row) => [row.name, row] as const))('%s', async (_, row) => {
    const wanted = await differences(row);
    await useBackend(name);
    const grads = tf.tidy(() => {
      const xs = inputs(row).map((v, i) => tf.tensor(v, row.shapes[i] as number[]));
      return tf.grads(weighted(row.f))(xs);
    });
    for (const [i, g] of grads.entries()) {
      expect(g.shape).toEqual(row.shapes[i]);
      const got = [...(await g.data<'float32'>())];
      const scale = Math.max(1, ...got.map(Math.abs));
      got.forEach((v, j) => {
        if (!(Math.abs(v - (wanted[i]?.[j] ?? 0)) < 3e-3 * scale))
          throw new Error(`input ${i}: got ${got}, wanted ${wanted[i]}`);
      });
    }
    tf.dispose(grads);
  });
});
