// What holds whatever the numbers are: preferences of two orders, averages of members, divergences of best-of-N.
import { type Params, rng, useBackend } from '@gimbal/tensor-core';
import { type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import {
  antisymmetrise,
  averageMembers,
  bonCurve,
  bonKl,
  bonKlEstimate,
  lmcBarrier,
  preferenceFn,
  preferenceFromReward,
  preferenceModel,
} from '../src/index.ts';
import { smallDecoder, wordTokenizer } from './helpers/toy.ts';

beforeAll(() => useBackend('auto'));

const finite = { noNaN: true, noDefaultInfinity: true };
const scores = fc.array(fc.double({ min: -50, max: 50, ...finite }), { minLength: 2, maxLength: 12 });

test('P(a ≻ b) + P(b ≻ a) = 1 of every reward, and of every preference that is asked in both orders', async () => {
  await fc.assert(
    fc.asyncProperty(scores, fc.double({ min: 0.01, max: 100, ...finite }), async (values, temperature) => {
      const [prompts, texts] = [values.map(() => 'p'), values.map(String)];
      const turned = [...texts].reverse();
      const reward = preferenceFromReward((_, answers) => answers.map(Number), { temperature });
      const biased = antisymmetrise((_, a) => a.map((text) => Math.abs(Number(text)) / 50));
      for (const fn of [reward, biased]) {
        const [forward, backward] = [await fn(prompts, texts, turned), await fn(prompts, turned, texts)];
        forward.forEach((p, i) => {
          expect(p + (backward[i] as number)).toBeCloseTo(1, 9);
        });
      }
    }),
  );
});

test('both forms of a preference model are antisymmetric, whatever their weights and the answers', async () => {
  const words = ['red', 'blue', 'green', 'black', 'is', 'it'];
  const text = fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 4 }).map((list) => list.join(' '));
  for (const form of ['antisymmetric', 'skew-symmetric'] as const) {
    const model = preferenceModel(smallDecoder(), { form });
    await fc.assert(
      fc.asyncProperty(fc.nat(1000), text, text, async (seed, a, b) => {
        const params = model.init(rng(seed));
        const prefers = preferenceFn(model, params, wordTokenizer());
        const [[p], [q]] = [await prefers(['say'], [a], [b]), await prefers(['say'], [b], [a])];
        // float32
        expect((p as number) + (q as number)).toBeCloseTo(1, 5);
        if (a === b) expect(p).toBeCloseTo(0.5, 5);
      }),
      { numRuns: 15 },
    );
  }
});

test('an average is the float64 mean of its members by their shares', () => {
  const share = fc.double({ min: 0.01, max: 10, ...finite });
  const values = fc.array(fc.double({ min: -1e3, max: 1e3, ...finite }), { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(fc.array(fc.tuple(share, values), { minLength: 2, maxLength: 5 }), (list) => {
      const shares = list.map(([weight]) => weight);
      const trees = list.map(([, numbers]): Params => ({ w: tensor1d(numbers) }));
      const members = trees.map((params, run) => ({ params, lineage: { pretrainId: 'one', run } }));
      const average = averageMembers(members, { weights: shares, normalize: true });
      const total = shares.reduce((a, b) => a + b, 0);
      (average.w as Tensor).dataSync().forEach((x, i) => {
        const wanted = list.reduce(
          (sum, [weight, numbers]) => sum + (weight / total) * Math.fround(numbers[i] as number),
          0,
        );
        expect(Math.abs(x - wanted)).toBeLessThanOrEqual(1e-3); // of ±1000 in float32, a few roundings
      });
      for (const tree of [average, ...trees]) (tree.w as Tensor).dispose();
    }),
  );
});

test('the divergence of best-of-n is from 0 to its bound, which grows with n; picks are as good as more answers allow', () => {
  const logProbs = fc.array(fc.double({ min: -40, max: 0, ...finite }), { minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(logProbs, fc.integer({ min: 1, max: 512 }), (list, n) => {
      const estimate = bonKlEstimate(list, n);
      expect(estimate).toBeGreaterThanOrEqual(-1e-9);
      expect(estimate).toBeLessThanOrEqual(bonKl(n) + 1e-9);
      expect(bonKl(n + 1)).toBeGreaterThan(bonKl(n));
    }),
  );
  fc.assert(
    fc.property(scores, (proxy) => {
      const curve = bonCurve(
        proxy,
        proxy,
        proxy.length,
        proxy.map((_, i) => i + 1),
      );
      const mean = proxy.reduce((a, b) => a + b, 0) / proxy.length;
      expect(curve[0]?.proxy).toBeCloseTo(mean, 9);
      expect(curve.at(-1)?.proxy).toBeCloseTo(Math.max(...proxy), 9);
      curve.slice(1).forEach(({ proxy: later }, i) => {
        expect(later).toBeGreaterThanOrEqual((curve[i]?.proxy as number) - 1e-9);
      });
    }),
  );
  expect(() => lmcBarrier([])).toThrow(/the curve has no points/);
});
