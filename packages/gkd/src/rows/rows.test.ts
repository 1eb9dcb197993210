/** The chunked loss is the dense one; top-k with a tail is a lower bound that ends at the whole. */
import { useBackend } from '@gimbal/tensor-core';
import {
  grads,
  matMul,
  memory,
  ones,
  reshape,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  tensor2d,
  tidy,
} from '@tensorflow/tfjs-core';
import { noise, relativeError } from '../../test/helpers.ts';
import { distillLoss } from '../divergence/distill-loss.ts';
import type { Divergence } from '../divergence/divergence.ts';
import { topKOf, topKOfStates } from '../teachers/top-k.ts';
import { chunkedDistillLoss, takeRows } from './chunked-distill-loss.ts';
import { rowLoss } from './row-loss.ts';

await useBackend('auto');

const [B, T, D, V] = [3, 5, 8, 50];
const mask = tensor2d([
  [1, 1, 1, 0, 0],
  [1, 1, 1, 1, 1],
  [1, 0, 0, 0, 0],
]);
const counted = Int32Array.of(0, 1, 2, 5, 6, 7, 8, 9, 10);
const hidden = noise<Tensor3D>([B, T, D], 1);
const head = noise<Tensor2D>([V, D], 2);
const hiddenT = noise<Tensor3D>([B, T, D], 3);
const headT = noise<Tensor2D>([V, D], 4);
const logits = (h: Tensor3D, w: Tensor2D): Tensor3D =>
  reshape(matMul(reshape(h, [B * T, D]), w, false, true), [B, T, V]);

type Loss = (h: Tensor, w: Tensor) => Tensor;
const both = (f: Loss): { value: number; h: Float32Array; w: Float32Array } => {
  const [h, w] = grads(f as never)([hidden, head]) as [Tensor, Tensor];
  return {
    value: f(hidden, head).dataSync()[0] as number,
    h: h.dataSync() as Float32Array,
    w: w.dataSync() as Float32Array,
  };
};

const cases: Divergence[] = ['fkl', 'rkl', 'tvd', { kind: 'jsd', beta: 0.9 }, { kind: 'skew-rkl', alpha: 0.1 }];

test.each(cases)('loss and gradients of %j are those of the dense loss, whatever the chunk', (divergence) => {
  const zT = logits(hiddenT, headT);
  const temperatures = { teacherTemperature: 0.7, studentTemperature: 1.3 };
  for (const reduction of ['sequence', 'token'] as const) {
    const dense = both((h, w) =>
      distillLoss({ zS: logits(h as Tensor3D, w as Tensor2D), zT, mask, divergence, reduction, ...temperatures }),
    );
    for (const teacher of [{ full: takeRows(zT, counted) }, { hidden: takeRows(hiddenT, counted), head: headT }])
      for (const rowsPerChunk of [1, 4, 9, 100]) {
        const chunked = both((h, w) =>
          chunkedDistillLoss({
            ...{ hiddenS: h as Tensor3D, headS: w as Tensor2D, teacher, mask, divergence },
            ...{ rowsPerChunk, reduction, ...temperatures },
          }),
        );
        expect(Math.abs(chunked.value - dense.value) / dense.value).toBeLessThan(1e-5);
        expect(relativeError(chunked.h, dense.h)).toBeLessThan(1e-4);
        expect(relativeError(chunked.w, dense.w)).toBeLessThan(1e-4);
      }
  }
});

test.each<Divergence>([...cases, { kind: 'jsd', beta: 0.3, scale: 'normalised' }])(
  'so they are with some columns of some rows at a time: %j',
  (divergence) => {
    const zT = logits(hiddenT, headT);
    const given = { mask, divergence, teacherTemperature: 0.7, studentTemperature: 1.3 };
    const dense = both((h, w) => distillLoss({ zS: logits(h as Tensor3D, w as Tensor2D), zT, ...given }));
    for (const teacher of [{ full: takeRows(zT, counted) }, { hidden: takeRows(hiddenT, counted), head: headT }])
      for (const [rowsPerChunk, vocabularyPerChunk] of [
        [100, 7],
        [4, 32],
        [9, 1],
        [2, 49],
      ] as const) {
        const size = { rowsPerChunk, vocabularyPerChunk };
        const chunked = both((h, w) =>
          chunkedDistillLoss({ hiddenS: h as Tensor3D, headS: w as Tensor2D, teacher, ...given, ...size }),
        );
        expect(Math.abs(chunked.value - dense.value) / dense.value).toBeLessThan(1e-5);
        expect(relativeError(chunked.h, dense.h)).toBeLessThan(1e-4);
        expect(relativeError(chunked.w, dense.w)).toBeLessThan(1e-4);
      }
  },
);

test('what is known of each row is the same with some columns at a time, and no tensor stays', () => {
  const rows = counted.length;
  const ids = Int32Array.from(counted, (_, i) => (7 * i) % V);
  const run = (vocabularyPerChunk: number, trainsHead: boolean): Float32Array =>
    tidy(() => {
      const student = { hidden: takeRows(hidden, counted), head };
      const teacher = { hidden: takeRows(hiddenT, counted), head: headT };
      const weights = new Float32Array(rows).fill(1);
      const how = { divergence: 'fkl' as const, studentTemperature: 1.3, vocabularyPerChunk, trainsHead };
      return rowLoss({ student, teacher, weights, ids, ...how })
        .table.dataSync<'float32'>()
        .slice();
    });
  const wanted = run(V, true);
  const before = memory().numTensors;
  for (const trains of [true, false]) expect(relativeError(run(11, trains), wanted)).toBeLessThan(1e-5);
  expect(memory().numTensors).toBe(before);
});

test('chunks free what they made', () => {
  const teacher = { full: takeRows(logits(hiddenT, headT), counted) };
  const run = (): void =>
    tidy(() => {
      both((h, w) =>
        chunkedDistillLoss({
          ...{ hiddenS: h as Tensor3D, headS: w as Tensor2D, teacher, mask },
          ...{ divergence: 'rkl', rowsPerChunk: 2 },
        }),
      );
    });
  run();
  const before = memory().numTensors;
  for (let i = 0; i < 20; i++) run();
  expect(memory().numTensors).toBe(before);
});

test('the likeliest tokens of states, two rows at a time, are those of their logits', () => {
  const whole = topKOf(takeRows(logits(hiddenT, headT), counted), 5);
  const chunked = topKOfStates(takeRows(hiddenT, counted), headT, 5, 2);
  expect(chunked.ids).toEqual(whole.ids);
  expect(relativeError(chunked.logp, whole.logp)).toBeLessThan(1e-5);
  expect(relativeError(chunked.tail, whole.tail)).toBeLessThan(1e-5);
});

test('measures without a gradient are those beside one, whatever the chunk', () => {
  const rows = counted.length;
  const of = (gradient: boolean, rowsPerChunk: number): Float32Array =>
    tidy(() => {
      const student = { hidden: takeRows(hidden, counted), head };
      const teacher = { hidden: takeRows(hiddenT, counted), head: headT };
      const given = { student, teacher, weights: new Float32Array(rows).fill(1), ids: new Int32Array(rows) };
      const { loss, table } = rowLoss({ ...given, divergence: 'fkl', rowsPerChunk, gradient });
      return Float32Array.of(...loss.dataSync<'float32'>(), ...table.dataSync<'float32'>());
    });
  const wanted = of(true, rows);
  for (const size of [2, rows]) expect(relativeError(of(false, size), wanted)).toBeLessThan(1e-5);
});

test('the likeliest tokens and a tail: a lower bound, monotone in K, the whole at V', () => {
  const zT = takeRows(logits(hiddenT, headT), counted);
  const losses = (divergence: Divergence): number[] =>
    [1, 5, 10, 25, V].map((K) => {
      const { value, h } = both((x, w) =>
        chunkedDistillLoss({
          ...{ hiddenS: x as Tensor3D, headS: w as Tensor2D, teacher: { topK: topKOf(zT, K) }, mask },
          ...{ divergence, rowsPerChunk: 4 },
        }),
      );
      expect(h.every(Number.isFinite)).toBe(true);
      return value;
    });
  for (const divergence of cases) {
    const full = both((h, w) =>
      chunkedDistillLoss({
        ...{ hiddenS: h as Tensor3D, headS: w as Tensor2D, teacher: { full: zT }, mask, divergence },
        rowsPerChunk: 9,
      }),
    );
    const found = losses(divergence);
    for (const [i, loss] of found.entries()) {
      expect(loss).toBeGreaterThan(0);
      if (i > 0) expect(loss).toBeGreaterThanOrEqual((found[i - 1] as number) - 1e-5);
      expect(loss).toBeLessThanOrEqual(full.value * (1 + 1e-4));
    }
    expect(Math.abs((found.at(-1) as number) / full.value - 1)).toBeLessThan(1e-4);
  }
});

test.each<[string, () => unknown, string]>([
  [
    'a chunk of no row',
    () =>
      chunkedDistillLoss({
        ...{ hiddenS: hidden, headS: head, teacher: { full: ones([9, V]) }, mask },
        ...{ divergence: 'fkl', rowsPerChunk: 0 },
      }),
    'rowsPerChunk',
  ],
  [
    'some columns of a teacher’s likeliest tokens',
    () =>
      chunkedDistillLoss({
        ...{ hiddenS: hidden, headS: head, teacher: { topK: topKOf(ones([9, V]), 2) }, mask },
        ...{ divergence: 'fkl', rowsPerChunk: 4, vocabularyPerChunk: 10 },
      }),
    'vocabularyPerChunk: the teacher gives no whole distributions',
  ],
  [
    'a teacher with fewer rows than tokens',
    () =>
      chunkedDistillLoss({
        ...{ hiddenS: hidden, headS: head, teacher: { full: ones([8, V]) }, mask },
        ...{ divergence: 'fkl', rowsPerChunk: 4 },
      }),
    'got 8, wanted 9',
  ],
  [
    'a teacher of another vocabulary',
    () =>
      chunkedDistillLoss({
        ...{ hiddenS: hidden, headS: head, teacher: { full: ones([9, V + 5]) }, mask },
        ...{ divergence: 'fkl', rowsPerChunk: 4 },
      }),
    'the vocabularies of student and teacher differ',
  ],
])('refuses %s', (_, run, message) => {
  expect(run).toThrow(message);
});
