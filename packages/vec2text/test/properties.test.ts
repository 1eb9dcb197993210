// What holds whatever the texts and numbers are: noise, ways between codes, projection, the distance of texts, padding.
import { rng, useBackend } from '@gimbal/tensor-core';
import { tensor2d } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { wordEdits, wordsOf } from '../src/data/similarity.ts';
import {
  type Codes,
  controlSpace,
  corrupt,
  interpolate,
  type Noise,
  type SpaceKind,
  type Vec2Text,
} from '../src/index.ts';
import { randomModel } from './helpers/toy.ts';

let model: Vec2Text;
beforeAll(async () => {
  await useBackend('auto');
  model = randomModel();
});
afterAll(() => model.dispose());

const tokens = { vocabSize: 20, padId: 0, bosId: 1, eosId: 2, maskId: 3 };
const words = fc.array(fc.integer({ min: 4, max: 19 }), { maxLength: 12 });
const chance = fc.double({ min: 0, max: 1, noNaN: true });
const noises: fc.Arbitrary<Noise> = fc.record(
  {
    drop: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    blank: chance,
    substitute: chance,
    shuffle: fc.double({ min: 0, max: 20, noNaN: true }),
  },
  { requiredKeys: [] },
);

test('noise keeps BOS, EOS and padding where they are, makes no row longer, and leaves a word where one was', () => {
  const pads = fc.nat(3);
  fc.assert(
    fc.property(words, noises, pads, fc.nat(), (ids, noise, pad, seed) => {
      const end = [2, ...new Array<number>(pad).fill(0)];
      const given = Int32Array.of(1, ...ids, ...end);
      const row = corrupt(given, noise, rng(seed), tokens);
      expect(Array.from(given)).toEqual([1, ...ids, ...end]); // a copy
      expect(row[0]).toBe(1);
      expect(Array.from(row.slice(row.length - end.length))).toEqual(end);
      const left = Array.from(row.slice(1, row.length - end.length));
      expect(left.length).toBeLessThanOrEqual(ids.length);
      expect(left.length).toBeGreaterThanOrEqual(Math.min(1, ids.length));
      if (!noise.drop) expect(left).toHaveLength(ids.length);
      for (const id of left) expect(id === 3 || (id >= 4 && id < 20)).toBe(true);
      // without blanks and substitutes they are words of the row
      const sorted = (list: readonly number[]): number[] => [...list].sort((a, b) => a - b);
      if (!noise.blank && !noise.substitute && !noise.drop) expect(sorted(left)).toEqual(sorted(ids));
    }),
  );
});

const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 7 }).map((list) => list.join(' '));

test('word edits are a metric: 0 for the same words alone, either way round, no detour is shorter', () => {
  fc.assert(
    fc.property(text, text, text, (a, b, c) => {
      expect(wordEdits(a, a)).toBe(0);
      expect(wordEdits(a, b) === 0).toBe(a === b);
      expect(wordEdits(a, b)).toBe(wordEdits(b, a));
      expect(wordEdits(a, c)).toBeLessThanOrEqual(wordEdits(a, b) + wordEdits(b, c));
      // at least the difference in length, at most the longer text
      const [m, n] = [wordsOf(a).length, wordsOf(b).length];
      expect(wordEdits(a, b)).toBeGreaterThanOrEqual(Math.abs(m - n));
      expect(wordEdits(a, b)).toBeLessThanOrEqual(Math.max(m, n));
    }),
  );
});

const dim = 4;
const codesUpTo = (most: number): fc.Arbitrary<Codes> =>
  fc
    .array(fc.double({ min: -most, max: most, noNaN: true }), { minLength: dim, maxLength: dim })
    .map((z) => Float32Array.from(z));
const norm = (z: Codes): number => Math.hypot(...z);
/** the greatest difference of two codes' coordinates */
const apart = (a: Codes, b: Codes): number => Math.max(...a.map((x, j) => Math.abs(x - (b[j] as number))));

test.each<SpaceKind>(['box', 'ball', 'sphere', 'free'])('projection into the %s: inside, once and for all', (kind) => {
  const space = controlSpace(kind, dim);
  fc.assert(
    fc.property(fc.oneof(codesUpTo(2), codesUpTo(1e30), codesUpTo(1e-30)), (z) => {
      fc.pre(kind !== 'sphere' || norm(z) > 0);
      const inside = space.projectCodes(z);
      expect(space.contains(inside, 1e-6)).toEqual([true]);
      expect(apart(space.projectCodes(inside), inside)).toBeLessThan(1e-6);
      // what is inside stays
      if (space.contains(z, 0)[0]) expect(apart(inside, z)).toBeLessThan(1e-6);
    }),
  );
});

test.each<[SpaceKind, 'lerp' | 'slerp']>([
  ['box', 'lerp'],
  ['ball', 'lerp'],
  ['ball', 'slerp'],
  ['sphere', 'slerp'],
])('the way in the %s by %s begins at a, ends at b, and never leaves', (kind, mode) => {
  const space = controlSpace(kind, dim);
  fc.assert(
    fc.property(codesUpTo(2), codesUpTo(2), fc.integer({ min: 2, max: 9 }), (x, y, n) => {
      fc.pre(mode === 'lerp' || (norm(x) > 0.01 && norm(y) > 0.01));
      const [a, b] = [space.projectCodes(x), space.projectCodes(y)];
      // between opposite codes there is no shortest way
      const cosine = a.reduce((sum, v, j) => sum + v * (b[j] as number), 0) / (norm(a) * norm(b));
      fc.pre(mode === 'lerp' || cosine > -0.999);
      const way = interpolate(space, a, b, n, { mode });
      expect(way).toHaveLength(n * dim);
      expect(apart(way.slice(0, dim), a)).toBeLessThan(1e-6);
      expect(apart(way.slice(-dim), b)).toBeLessThan(1e-6);
      expect(space.contains(way, 1e-6)).not.toContain(false);
      // the other way round it is the same
      const back = interpolate(space, b, a, n, { mode });
      for (let i = 0; i < n; i++) {
        const from = (n - 1 - i) * dim;
        expect(apart(back.slice(i * dim, (i + 1) * dim), way.slice(from, from + dim))).toBeLessThan(1e-5);
      }
    }),
  );
});

test('a code is that of its tokens: padding on either side and the rows beside it change nothing', () => {
  const { module, params } = model;
  const { eosId, padId, vocabSize, bosId, maskId } = module.config;
  const ordinary = Array.from({ length: vocabSize }, (_, id) => id).filter(
    (id) => ![eosId, padId, bosId, maskId].includes(id),
  );
  const row = fc.array(fc.constantFrom(...ordinary), { maxLength: 6 }).map((ids) => [...ids, eosId]);
  const codesOf = (rows: readonly (readonly number[])[], width: number, left: boolean): Codes => {
    const padded = rows.map((ids) => {
      const pad = new Array<number>(width - ids.length).fill(padId);
      return left ? [...pad, ...ids] : [...ids, ...pad];
    });
    const ids = tensor2d(padded, [rows.length, width], 'int32');
    const z = module.encode(params, ids);
    try {
      return Float32Array.from(z.dataSync());
    } finally {
      ids.dispose();
      z.dispose();
    }
  };
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 4 }), fc.nat(1), fc.boolean(), (rows, more, left) => {
      const width = Math.max(...rows.map(({ length }) => length)) + more;
      const together = codesOf(rows, width, left);
      rows.forEach((ids, i) => {
        const alone = codesOf([ids], ids.length, false);
        expect(apart(together.slice(i * dim, (i + 1) * dim), alone)).toBeLessThan(1e-5);
      });
    }),
    { numRuns: 40 },
  );
});
