import { grad, memory, mul, scalar, sum, type Tensor, tensor, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { distributions, rng, useBackend } from '../index.ts';

const { categorical, diagonalGaussian, squashedGaussian } = distributions;
const numbers = (t: Tensor): number[] => [...t.dataSync<'float32'>()];
const one = (t: Tensor): number => numbers(t)[0] ?? Number.NaN;

/** ∫ f by the trapezoid rule: exact to rounding for smooth f that vanishes at both ends. */
function integrate(f: (x: number) => number, from: number, to: number, n = 20_000): number {
  const h = (to - from) / n;
  let total = (f(from) + f(to)) / 2;
  for (let i = 1; i < n; i++) total += f(from + i * h);
  return total * h;
}
const gaussian = (x: number, m: number, s: number): number =>
  Math.exp(-0.5 * ((x - m) / s) ** 2) / (s * Math.sqrt(2 * Math.PI));

describe.each(['cpu', 'wasm', 'auto'] as const)('on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  describe('categorical', () => {
    // p = (½, ⅓, ⅙)
    const logits = (): Tensor =>
      tensor2d([
        [Math.log(3), Math.log(2), 0],
        [0, 0, Number.NEGATIVE_INFINITY],
      ]);

    test('log-probabilities, entropy and mode by hand', () => {
      const d = categorical(logits());
      expect(numbers(d.logProb(tensor1d([1, 0], 'int32')))).toEqual([
        expect.closeTo(Math.log(1 / 3), 6),
        expect.closeTo(Math.log(0.5), 6),
      ]);
      // ½ ln 2 + ⅓ ln 3 + ⅙ ln 6 = 1.011404; ln 2 for the masked one
      expect(numbers(d.entropy())).toEqual([expect.closeTo(1.011404, 5), expect.closeTo(Math.LN2, 5)]);
      expect(numbers(d.mode())).toEqual([0, 0]);
    });

    test('KL by hand; 0 for equal ones, also with a masked class; infinite where only the other excludes a class', () => {
      const p = categorical(tensor1d([Math.log(3), Math.log(2), 0]));
      const q = categorical(tensor1d([0, 0, 0]));
      expect(one(p.kl(q))).toBeCloseTo(Math.log(3) - 1.011404, 5); // ln 3 − H(p)
      expect(numbers(categorical(logits()).kl(categorical(logits())))).toEqual([0, 0]);
      expect(one(q.kl(categorical(tensor1d([0, 0, Number.NEGATIVE_INFINITY]))))).toBe(Number.POSITIVE_INFINITY);
      expect(() => p.kl(categorical(logits()))).toThrow('categorical.kl: the shapes differ');
    });

    test('samples follow the probabilities and leave out masked classes', () => {
      const n = 6000;
      const d = categorical(
        tidy(() =>
          tensor(
            Array.from({ length: n }, () => numbers(logits()).slice(0, 3)),
            [n, 3],
          ),
        ),
      );
      const counts = [0, 0, 0];
      for (const k of numbers(d.sample(rng(1)))) counts[k] = (counts[k] ?? 0) + 1;
      // standard deviations √(n p (1 − p)): 38.7, 36.5, 28.9; four of each
      expect(Math.abs((counts[0] ?? 0) - n / 2)).toBeLessThan(155);
      expect(Math.abs((counts[1] ?? 0) - n / 3)).toBeLessThan(146);
      expect(Math.abs((counts[2] ?? 0) - n / 6)).toBeLessThan(116);
      for (let i = 0; i < 50; i++) expect(numbers(categorical(logits()).sample(rng(i)))[1]).toBeLessThan(2);
    });

    test('gradients of log-probability and entropy are finite where a class is masked', () => {
      const ids = tensor1d([0, 1], 'int32');
      for (const f of [(x: Tensor) => sum(categorical(x).logProb(ids)), (x: Tensor) => sum(categorical(x).entropy())]) {
        expect(numbers(grad(f)(logits())).every(Number.isFinite)).toBe(true);
      }
      // d log p₀/dx = onehot − p
      expect(numbers(grad((x) => sum(categorical(x).logProb(ids)))(logits())).slice(0, 3)).toEqual(
        [0.5, -1 / 3, -1 / 6].map((v) => expect.closeTo(v, 5)),
      );
    });

    test('ranks 1 and 3', () => {
      expect(categorical(tensor1d([0, 1])).sample(rng(0)).shape).toEqual([]);
      expect(
        categorical(
          tensor([
            [
              [0, 1],
              [1, 0],
            ],
          ]),
        ).entropy().shape,
      ).toEqual([1, 2]);
      expect(() => categorical(scalar(1))).toThrow('categorical: bad logits');
    });
  });

  describe('diagonal Gaussian', () => {
    const p = () => diagonalGaussian({ mean: tensor2d([[0.5, -1]]), logStd: tensor1d([Math.log(2), Math.log(0.5)]) });
    const q = () => diagonalGaussian({ mean: tensor2d([[0, 0]]), logStd: tensor2d([[0, 0]]) });

    test('log-density, entropy and KL against numeric integration', () => {
      const logDensity = Math.log(gaussian(1, 0.5, 2)) + Math.log(gaussian(-1.5, -1, 0.5));
      expect(one(p().logProb(tensor2d([[1, -1.5]])))).toBeCloseTo(logDensity, 5);
      const entropy = (m: number, s: number): number =>
        integrate((x) => -gaussian(x, m, s) * Math.log(gaussian(x, m, s) + 1e-300), -25, 25);
      expect(one(p().entropy())).toBeCloseTo(entropy(0.5, 2) + entropy(-1, 0.5), 4);
      const kl = (m: number, s: number): number =>
        integrate(
          (x) => gaussian(x, m, s) * (Math.log(gaussian(x, m, s) + 1e-300) - Math.log(gaussian(x, 0, 1) + 1e-300)),
          -20,
          20,
        );
      expect(one(p().kl(q()))).toBeCloseTo(kl(0.5, 2) + kl(-1, 0.5), 4);
      expect(one(p().kl(p()))).toBeCloseTo(0, 6);
      expect(numbers(p().mode())).toEqual([0.5, -1]);
    });

    test('samples are reparametrised and have the right moments', () => {
      const n = 20_000;
      const d = diagonalGaussian({
        mean: tidy(() => mul(tensor2d([[0.5, -1]]), tensor(new Float32Array(n).fill(1), [n, 1]))),
        logStd: tensor1d([Math.log(2), Math.log(0.5)]),
      });
      const x = numbers(d.sample(rng(3)));
      const column = x.filter((_, i) => i % 2 === 0);
      const mean = column.reduce((a, b) => a + b, 0) / n;
      expect(Math.abs(mean - 0.5)).toBeLessThan((4 * 2) / Math.sqrt(n));
      expect(Math.abs(Math.sqrt(column.reduce((a, b) => a + (b - mean) ** 2, 0) / n) - 2)).toBeLessThan(0.04);
      // d sample/d logStd = σ·noise = sample − mean
      const logStd = tensor1d([0.3]);
      const sampled = grad((s) => sum(diagonalGaussian({ mean: tensor2d([[1]]), logStd: s }).sample(rng(5))))(logStd);
      expect(one(sampled)).toBeCloseTo(one(diagonalGaussian({ mean: tensor2d([[1]]), logStd }).sample(rng(5))) - 1, 5);
    });

    test('parameters that do not fit are refused', () => {
      expect(() => diagonalGaussian({ mean: tensor2d([[1, 2]]), logStd: tensor1d([0]) })).toThrow(
        'diagonalGaussian: mean and logStd do not fit; got "mean [1,2], logStd [1]"',
      );
    });
  });

  describe('squashed Gaussian', () => {
    const standard = (scale = 1) => squashedGaussian({ mean: tensor2d([[0]]), logStd: tensor2d([[0]]) }, { scale });

    test('log-density of known places before squashing', () => {
      // log N(2) − log(2 (1 − tanh² 2)) = −2.918939 + 1.956859
      expect(one(standard(2).logProbOfPreSquash(tensor2d([[2]])))).toBeCloseTo(-0.96208, 5);
      expect(one(standard().logProbOfPreSquash(tensor2d([[20]])))).toBeCloseTo(-162.305233, 4);
      const g = grad((u) => sum(standard().logProbOfPreSquash(u)))(tensor2d([[20], [-20], [0]]));
      expect(numbers(g)).toEqual([expect.closeTo(-18, 4), expect.closeTo(18, 4), 0]); // −u + 2 tanh u
    });

    test('log-density of given actions agrees, and is finite at the edge', () => {
      const action = 2 * Math.tanh(0.7);
      expect(one(standard(2).logProb(tensor2d([[action]])))).toBeCloseTo(
        one(standard(2).logProbOfPreSquash(tensor2d([[0.7]]))),
        4,
      );
      for (const edge of [1, -1]) {
        expect(Number.isFinite(one(standard().logProb(tensor2d([[edge]]))))).toBe(true);
        expect(numbers(grad((a) => sum(standard().logProb(a)))(tensor2d([[edge]]))).every(Number.isFinite)).toBe(true);
      }
    });

    test('the density integrates to one, and the entropy agrees with numeric integration', () => {
      const [m, s, scale] = [0.4, 1.3, 2];
      const d = squashedGaussian({ mean: tensor2d([[m]]), logStd: tensor2d([[Math.log(s)]]) }, { scale });
      const us = Array.from({ length: 2001 }, (_, i) => -9 + i * 0.009);
      const logP = numbers(d.logProbOfPreSquash(tensor2d(us.map((u) => [u]))));
      const slope = (u: number): number => scale * (1 - Math.tanh(u) ** 2);
      const mass = us.reduce((total, u, i) => total + Math.exp(logP[i] ?? 0) * slope(u) * 0.009, 0);
      expect(mass).toBeCloseTo(1, 4);
      const entropy = us.reduce((total, u, i) => total - (logP[i] ?? 0) * Math.exp(logP[i] ?? 0) * slope(u) * 0.009, 0);
      expect(Math.abs(one(d.entropy()) - entropy)).toBeLessThan(2e-4);
    });

    test('sampling gives the density of what it drew; KL is that before squashing', () => {
      const d = standard(2);
      const { action, logProb } = d.sampleWithLogProb(rng(1));
      expect(numbers(d.logProb(action))).toEqual(numbers(logProb).map((v) => expect.closeTo(v, 4)));
      expect(numbers(d.sample(rng(1)))).toEqual(numbers(action));
      const other = squashedGaussian({ mean: tensor2d([[1]]), logStd: tensor2d([[0]]) }, { scale: 2 });
      expect(one(d.kl(other))).toBeCloseTo(0.5, 6); // ½ (μ₁ − μ₂)²
      expect(one(other.mode())).toBeCloseTo(2 * Math.tanh(1), 6);
      expect(() => d.kl(standard(1))).toThrow('the scales differ');
      expect(() => standard(0)).toThrow('squashedGaussian scale: out of range');
    });
  });

  test('results are all that is left behind', () => {
    const before = memory().numTensors;
    const logits = tensor2d([[0, 1]]);
    const [mean, logStd] = [tensor2d([[0, 1]]), tensor1d([0, 0])];
    const c = categorical(logits);
    const g = diagonalGaussian({ mean, logStd });
    const s = squashedGaussian({ mean, logStd });
    const owned = [
      c.sample(rng(0)),
      c.entropy(),
      c.kl(c),
      c.mode(),
      g.sample(rng(0)),
      g.entropy(),
      g.kl(g),
      g.mode(),
      s.entropy(),
      s.mode(),
      g.logProb(mean),
      s.logProb(mean),
    ];
    const { action, logProb } = s.sampleWithLogProb(rng(0));
    expect(memory().numTensors).toBe(before + 3 + owned.length + 2);
    for (const t of [...owned, action, logProb, logits, mean, logStd]) t.dispose();
    expect(memory().numTensors).toBe(before);
  });
});
