import { useBackend } from '@gimbal/tensor-core';
import { grads, memory, type Tensor, type Tensor1D, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { bradleyTerryLoss } from './bradley-terry.ts';
import { antisymmetricLogits, preferenceLoss, skewSymmetricLogits } from './preference.ts';

beforeAll(async () => {
  await useBackend('auto');
});

const value = (t: Tensor): number => {
  const [x] = t.dataSync();
  t.dispose();
  return x as number;
};

describe('the Bradley–Terry loss', () => {
  let chosen: Tensor1D;
  let rejected: Tensor1D;
  beforeAll(() => {
    [chosen, rejected] = [tensor1d([1, -0.5]), tensor1d([0, 0.5])];
  });

  it('is the numbers worked out by hand', () => {
    // Δ = 1 and −1: softplus(−1) = log(1 + e⁻¹) = .3132617, softplus(1) = 1.3132617; their sum is 1.6265234
    expect(value(bradleyTerryLoss(chosen, rejected))).toBeCloseTo(1.6265234, 6);
    // margins 1 and .5: softplus(0) + softplus(1.5) = .6931472 + 1.7014133
    expect(value(bradleyTerryLoss(chosen, rejected, { margins: tensor1d([1, 0.5]) }))).toBeCloseTo(2.3945605, 6);
    // smoothing .1: each −.9 log σ(Δ) − .1 log σ(−Δ): .9 · .3132617 + .1 · 1.3132617 and the other way round
    expect(value(bradleyTerryLoss(chosen, rejected, { labelSmoothing: 0.1 }))).toBeCloseTo(
      0.9 * 0.3132617 + 0.1 * 1.3132617 + 0.9 * 1.3132617 + 0.1 * 0.3132617,
      6,
    );
    // centring .01: sums of the pairs 1 and 0, squared 1 and 0
    expect(value(bradleyTerryLoss(chosen, rejected, { centerCoef: 0.01 }))).toBeCloseTo(1.6265234 + 0.01, 6);
    // targets ½ (nobody knows) cost log 2 at Δ = 0 only: softplus(−1) + ½ = .8132617, softplus(1) − ½ = .8132617
    expect(value(bradleyTerryLoss(chosen, rejected, { targets: tensor1d([0.5, 0.5]) }))).toBeCloseTo(1.6265234, 6);
    // weights 2 and 0
    expect(value(bradleyTerryLoss(chosen, rejected, { weights: tensor1d([2, 0]) }))).toBeCloseTo(0.6265234, 6);
  });

  it('asks a margin of the better answer, whichever it is', () => {
    const [two, nil] = [tensor1d([2]), tensor1d([0])];
    const loss = (a: Tensor1D, b: Tensor1D, t: number, o = {}): number =>
      value(bradleyTerryLoss(a, b, { targets: tensor1d([t]), margins: tensor1d([1]), ...o }));
    // the better is 2 ahead, 1 is asked: softplus(−1); in the other order, 2 behind: softplus(3)
    expect(loss(two, nil, 1)).toBeCloseTo(0.3132617, 6);
    expect(loss(nil, two, 0)).toBeCloseTo(0.3132617, 6);
    expect(loss(two, nil, 0)).toBeCloseTo(3.0485874, 6);
    expect(loss(nil, two, 1)).toBeCloseTo(3.0485874, 6);
    // t = ¾: z = 1, softplus(−1) + ¼; t = ½, neither is better: z = 2, softplus(−2) + ½ · 2
    expect(loss(two, nil, 0.75)).toBeCloseTo(0.3132617 + 0.25, 6);
    expect(loss(nil, two, 0.25)).toBeCloseTo(0.3132617 + 0.25, 6);
    expect(loss(two, nil, 0.5)).toBeCloseTo(0.126928 + 1, 6);
    // at ½ the least loss is where the scores are equal: softplus(0) = .6931472
    expect(loss(nil, nil, 0.5)).toBeCloseTo(Math.LN2, 6);
    // smoothing turns no margin: t = .9 · 0 + .1: z = −1, softplus(1) − .9 · 1
    expect(loss(nil, two, 0, { labelSmoothing: 0.1 })).toBeCloseTo(1.3132617 - 0.9, 6);
  });

  it('refuses an option that is not there', () => {
    expect(() => bradleyTerryLoss(chosen, rejected, { margin: tensor1d([1, 1]) } as never)).toThrow(
      /bradleyTerryLoss: unknown option margin.*Did you mean margins/,
    );
    expect(() => preferenceLoss(chosen, { target: chosen } as never)).toThrow(/unknown option target/);
  });

  it('is finite and exact where σ underflows', () => {
    expect(value(bradleyTerryLoss(tensor1d([-200]), tensor1d([200])))).toBeCloseTo(400, 3);
    expect(value(bradleyTerryLoss(tensor1d([200]), tensor1d([-200])))).toBe(0);
  });

  it('refuses shapes and coefficients that make no sense', () => {
    expect(() => bradleyTerryLoss(chosen, tensor1d([1]))).toThrow(
      /rejected has another shape; got \[1\], wanted \[2\]/,
    );
    expect(() => bradleyTerryLoss(chosen, rejected, { margins: tensor1d([1]) })).toThrow(/margins has another shape/);
    expect(() => bradleyTerryLoss(chosen, rejected, { centerCoef: -1 })).toThrow(/centerCoef: out of range/);
    expect(() => bradleyTerryLoss(chosen, rejected, { labelSmoothing: 0.5 })).toThrow(/labelSmoothing: out of range/);
    expect(() => bradleyTerryLoss(chosen, rejected, { targets: tensor1d([1]) })).toThrow(/targets has another shape/);
  });
});

describe('preference logits', () => {
  it('are the numbers worked out by hand', () => {
    expect([...antisymmetricLogits(tensor1d([3, 0]), tensor1d([1, 4])).dataSync()]).toEqual([1, -2]);
    // u = (1, 2, 0, 1), v = (3, 4, 5, 6): 1·4 − 2·3 + 0·6 − 1·5 = −7
    expect([...skewSymmetricLogits(tensor2d([[1, 2, 0, 1]]), tensor2d([[3, 4, 5, 6]])).dataSync()]).toEqual([-7]);
  });

  it('turn their sign when the answers are swapped, and can say that each of three beats the next', () => {
    // three unit vectors at 120°: S measures the sine of the angle between them
    const at = (degrees: number): number[] => [
      Math.cos((degrees * Math.PI) / 180),
      Math.sin((degrees * Math.PI) / 180),
    ];
    const [a, b, c] = [0, 120, 240].map((d) => tensor2d([at(d)])) as [never, never, never];
    const z = (u: never, v: never): number => value(skewSymmetricLogits(u, v));
    for (const [u, v] of [
      [a, b],
      [b, c],
      [c, a],
    ] as const) {
      expect(z(u, v)).toBeCloseTo(Math.sqrt(3) / 2, 5);
      expect(z(v, u)).toBe(-z(u, v));
      expect(z(u, u)).toBe(0);
    }
  });

  it('refuse shapes that do not fit', () => {
    expect(() => antisymmetricLogits(tensor1d([1]), tensor1d([1, 2]))).toThrow(/backward has another shape/);
    expect(() => skewSymmetricLogits(tensor2d([[1, 2, 3]]), tensor2d([[1, 2, 3]]))).toThrow(/an even width/);
    expect(() => preferenceLoss(tensor1d([1]), { weights: tensor1d([1, 1]) })).toThrow(/weights has another shape/);
  });
});

describe('gradients', () => {
  const [r, s, t, m, w] = [
    [0.3, -1.2, 2.5],
    [0.1, 0.4, -0.7],
    [1, 0.2, 0.5],
    [0.5, 0.75, 1],
    [1, 2, 0.5],
  ] as const;
  const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

  /** The same loss in float64, from its definition. */
  const reference = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((total, x, i) => {
      const y = b[i] as number;
      const z = x - y - (m[i] as number) * Math.sign((t[i] as number) - 0.5);
      const p = 0.9 * (t[i] as number) + 0.1 * (1 - (t[i] as number));
      const weight = w[i] as number;
      return total + weight * (p * softplus(-z) + (1 - p) * softplus(z)) + 0.02 * weight * (x + y) ** 2;
    }, 0);
  const differences = (f: (x: readonly number[]) => number, x: readonly number[]): number[] =>
    x.map((_, i) => {
      const moved = (by: number): number[] => x.map((v, j) => (j === i ? v + by : v));
      return (f(moved(1e-5)) - f(moved(-1e-5))) / 2e-5;
    });

  it('of the Bradley–Terry loss agree with central differences in float64 to 1e-5', () => {
    const o = {
      targets: tensor1d([...t]),
      margins: tensor1d([...m]),
      weights: tensor1d([...w]),
      labelSmoothing: 0.1,
      centerCoef: 0.02,
    };
    const before = memory().numTensors;
    const inputs: Tensor1D[] = [tensor1d([...r]), tensor1d([...s])];
    const loss = (a: Tensor, b: Tensor) => bradleyTerryLoss(a as Tensor1D, b as Tensor1D, o);
    const found = grads(loss)(inputs) as Tensor[];
    const wanted = [differences((x) => reference(x, s), r), differences((x) => reference(r, x), s)];
    found.forEach((g, k) => {
      [...g.dataSync()].forEach((x, i) => {
        expect(Math.abs(x - (wanted[k]?.[i] as number))).toBeLessThan(1e-5);
      });
    });
    expect(value(loss(inputs[0] as Tensor, inputs[1] as Tensor))).toBeCloseTo(reference(r, s), 5);
    for (const x of [...found, ...inputs]) x.dispose();
    expect(memory().numTensors).toBe(before);
  });

  it('of the skew-symmetric preference loss agree with central differences in float64 to 1e-5', () => {
    const [u, v] = [
      [0.5, -1, 0.3, 2],
      [1.5, 0.2, -0.4, 0.6],
    ] as const;
    const z = (a: readonly number[], b: readonly number[]): number =>
      [0, 2].reduce((x, j) => x + (a[j] as number) * (b[j + 1] as number) - (a[j + 1] as number) * (b[j] as number), 0);
    const float64 = (a: readonly number[], b: readonly number[]): number =>
      0.7 * softplus(-z(a, b)) + 0.3 * softplus(z(a, b));
    const found = grads((a: Tensor, b: Tensor) =>
      preferenceLoss(skewSymmetricLogits(a as never, b as never), { targets: tensor1d([0.7]) }),
    )([tensor2d([[...u]]), tensor2d([[...v]])]) as Tensor[];
    const wanted = [differences((x) => float64(x, v), u), differences((x) => float64(u, x), v)];
    found.forEach((g, k) => {
      [...g.dataSync()].forEach((x, i) => {
        expect(Math.abs(x - (wanted[k]?.[i] as number))).toBeLessThan(1e-5);
      });
    });
  });
});
