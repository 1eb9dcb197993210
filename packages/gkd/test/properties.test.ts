// What holds whatever the numbers are: bounds, order of tokens and rows, padding, likeliest tokens, names.
import { useBackend } from '@gimbal/tensor-core';
import { gather, ones, type Tensor2D, tensor2d, tensor3d, tidy } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import {
  chunkedDistillLoss,
  type Divergence,
  distillLoss,
  divergenceName,
  parseDivergence,
  tokenDivergence,
} from '../src/index.ts';
import { topKOf } from '../src/teachers/top-k.ts';

beforeAll(() => useBackend('auto'));

const finite = { noNaN: true, noDefaultInfinity: true };
const share = fc.double({ min: 0.01, max: 0.99, ...finite });
const divergences: fc.Arbitrary<Divergence> = fc.oneof(
  fc.constantFrom<Divergence>('fkl', 'rkl', 'tvd'),
  share.map((beta): Divergence => ({ kind: 'jsd', beta })),
  share.map((beta): Divergence => ({ kind: 'jsd', beta, scale: 'normalised' })),
  fc.tuple(fc.constantFrom('skew-fkl', 'skew-rkl'), share).map(([kind, alpha]): Divergence => ({ kind, alpha })),
);
const [R, V] = [3, 5];
const logits = fc.array(fc.double({ min: -6, max: 6, ...finite }), { minLength: R * V, maxLength: R * V });
const matrix = (z: readonly number[]): Tensor2D => tensor2d([...z], [R, V]);
const runs = { numRuns: 60 };
const valuesOf = (f: () => { dataSync(): ArrayLike<number> }): number[] => {
  let out: number[] = [];
  tidy(() => {
    out = Array.from(f().dataSync());
  });
  return out;
};
/** rounding of logits of this size */
const near = (got: readonly number[], wanted: readonly number[]): void => {
  for (const [i, x] of got.entries())
    expect(Math.abs(x - (wanted[i] as number))).toBeLessThan(1e-4 * Math.abs(wanted[i] as number) + 1e-5);
};

test('D is at least 0, JSD at most H(β), TVD at most 1', () => {
  fc.assert(
    fc.property(logits, logits, divergences, (s, t, d) => {
      const found = valuesOf(() => tokenDivergence(matrix(s), matrix(t), d));
      for (const x of found) expect(x).toBeGreaterThan(-1e-5);
      if (d === 'tvd') for (const x of found) expect(x).toBeLessThan(1 + 1e-5);
      if (typeof d !== 'object' || d.kind !== 'jsd' || d.scale === 'normalised') return;
      const bound = -d.beta * Math.log(d.beta) - (1 - d.beta) * Math.log(1 - d.beta);
      for (const x of found) expect(x).toBeLessThan(bound + 1e-5);
    }),
    runs,
  );
});

test('neither a constant beside the logits nor the order of tokens changes D; rows stay where they are', () => {
  const order = fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: V, maxLength: V });
  const places = fc.shuffledSubarray([0, 1, 2], { minLength: R, maxLength: R });
  fc.assert(
    fc.property(logits, logits, divergences, order, places, fc.integer({ min: -20, max: 20 }), (s, t, d, o, r, c) => {
      const plain = valuesOf(() => tokenDivergence(matrix(s), matrix(t), d));
      const moved = (z: readonly number[]): Tensor2D => gather(gather(matrix(z.map((x) => x + c)), o, 1), r);
      near(
        valuesOf(() => tokenDivergence(moved(s), moved(t), d)),
        r.map((row) => plain[row] as number),
      );
    }),
    runs,
  );
});

test('padding of any number and the order of completions do not change the loss', () => {
  const reduction = fc.constantFrom('sequence' as const, 'token' as const);
  const lengths = fc.array(fc.integer({ min: 0, max: R }), { minLength: 2, maxLength: 2 });
  fc.assert(
    fc.property(logits, logits, logits, divergences, reduction, lengths, (s, t, junk, divergence, how, counts) => {
      // two completions, of the same logits from either end, R positions and `more` of padding
      const loss = (more: number, turned: boolean): number => {
        const rows = (z: readonly number[]): number[][] =>
          Array.from({ length: R + more }, (_, r) => (r < R ? z : junk).slice((r % R) * V, ((r % R) + 1) * V));
        const both = (z: readonly number[]): number[][][] => [rows(z), rows([...z].reverse())];
        const masks = counts.map((n) => Array.from({ length: R + more }, (_, r) => Number(r < n)));
        const pick = <T>(x: T[]): T[] => (turned ? [...x].reverse() : x);
        const [zS, zT] = [tensor3d(pick(both(s))), tensor3d(pick(both(t)))];
        return distillLoss({ zS, zT, mask: tensor2d(pick(masks)), divergence, reduction: how }).dataSync()[0] as number;
      };
      const values = valuesOf(() => tensor2d([[loss(0, false), loss(2, false), loss(0, true)]]));
      near(values.slice(1), [values[0] as number, values[0] as number]);
    }),
    runs,
  );
});

test('K likeliest tokens and a bucket are at most the whole, more the more tokens, and it at V', () => {
  const head = (): Tensor2D =>
    tensor2d(Array.from({ length: V }, (_, i) => Array.from({ length: V }, (__, j) => +(i === j))));
  const marks = (): Tensor2D => ones([1, R]);
  fc.assert(
    fc.property(logits, logits, divergences, (s, t, divergence) => {
      const values = valuesOf(() => {
        const [whole] = distillLoss({
          ...{ zS: tensor3d([...s], [1, R, V]), zT: tensor3d([...t], [1, R, V]), mask: marks(), divergence },
        }).dataSync();
        const bounds = [1, 2, 3, 4, 5].map((K) => {
          const teacher = { topK: topKOf(matrix(t), K) };
          const student = { hiddenS: tensor3d([...s], [1, R, V]), headS: head(), mask: marks() };
          return chunkedDistillLoss({ ...student, teacher, divergence, rowsPerChunk: 2 }).dataSync()[0] as number;
        });
        return tensor2d([[...bounds, whole as number]]);
      });
      for (let K = 1; K < values.length; K++)
        expect(values[K] as number).toBeGreaterThan((values[K - 1] as number) - 1e-4);
      near(values.slice(V - 1, V), values.slice(V));
    }),
    { numRuns: 30 },
  );
});

test('a name is read back as what it names, and anything behind it is refused', () => {
  fc.assert(
    fc.property(divergences, fc.constantFrom('', 'x', '1', 'paper'), (d, more) => {
      const name = divergenceName(d);
      expect(parseDivergence(name)).toEqual(d);
      const parts = name.split(':').length;
      if (parts !== 2 || !name.startsWith('jsd') || more !== 'paper')
        expect(() => parseDivergence(`${name}:${more}`)).toThrow(/^divergence/);
    }),
  );
});
