import { rng, useBackend } from '@gimbal/tensor-core';
import { grad, mul, sum, type Tensor2D, tensor2d } from '@tensorflow/tfjs-core';
import { arithmetic, meanCode } from './arithmetic.ts';
import { joinCodes } from './codes.ts';
import { controlSpace, type SpaceKind, spaceKinds } from './control-space.ts';
import { interpolate } from './interpolate.ts';
import { centredCosine, nearest } from './nearest.ts';
import { perturb, sample } from './random.ts';
import { coloured, spaceStats } from './stats.ts';

const reasonOf = (f: () => unknown): string => {
  try {
    f();
  } catch (error) {
    return (error as { reason: string }).reason;
  }
  return 'nothing thrown';
};
const f32 = (...x: number[]): Float32Array => Float32Array.from(x);
const vectors = (n: number, k: number, scale: number): Float32Array => {
  const r = rng(3);
  return Float32Array.from({ length: n * k }, () => scale * r.normal());
};

beforeAll(() => useBackend('auto'));

describe.each(spaceKinds)('%s', (kind: SpaceKind) => {
  const k = 5;
  const space = controlSpace(kind, k);

  test('what squash gives is a code, of huge vectors too; project changes no code, and arrays and tensors agree', async () => {
    for (const scale of [1e-2, 1, 1e6]) {
      const raw = vectors(50, k, scale);
      const squashed = space.squash(tensor2d(raw, [50, k]));
      const codes = Float32Array.from(await squashed.data());
      expect(space.contains(codes, 1e-6)).not.toContain(false);
      const once = space.projectCodes(raw);
      expect(space.contains(once, 1e-6)).not.toContain(false);
      const twice = space.projectCodes(once);
      const byTensor = Float32Array.from(await space.project(tensor2d(raw, [50, k])).data());
      for (let i = 0; i < raw.length; i++) {
        expect(Math.abs((once[i] as number) - (twice[i] as number))).toBeLessThan(1e-6);
        expect(Math.abs((once[i] as number) - (byTensor[i] as number))).toBeLessThanOrEqual(1e-6 * Math.max(1, scale));
      }
    }
  });

  test('the gradient of squash is that of differences, and finite at tiny norms and at zero', async () => {
    const u = [0.3, -1.2, 0.4, 0.9, -0.2]; // norm 1.6: outside the ball
    const weights = tensor2d([[1, -2, 0.5, 3, -1]]);
    const value = (x: number[]): number =>
      sum(mul(space.squash(tensor2d([x]) as Tensor2D), weights)).dataSync()[0] as number;
    const slope = grad((x) => sum(mul(space.squash(x as Tensor2D), weights)));
    const got = await slope(tensor2d([u])).data();
    u.forEach((_, j) => {
      const moved = (by: number): number[] => u.map((x, i) => (i === j ? x + by : x));
      // float32 values of about 3, step .01: rounding 1e-5, curvature 1e-4
      expect(got[j]).toBeCloseTo((value(moved(0.01)) - value(moved(-0.01))) / 0.02, 2);
    });
    for (const x of [0, 1e-20, 1e-10, 1e-4])
      expect(Array.from(await slope(tensor2d([[x, 0, 0, 0, 0]])).data()).every(Number.isFinite)).toBe(true);
  });

  test('wrong widths and what is no number are refused with the row', () => {
    expect(() => space.projectCodes(new Float32Array(7))).toThrow(
      'vec2text: project: the length is no whole number of codes; got 7, wanted a multiple of 5',
    );
    const bad = new Float32Array(10).fill(0.1);
    bad[8] = Number.NaN;
    expect(() => space.projectCodes(bad)).toThrow('row 1, coordinate 3 is no finite number; got NaN');
    expect(reasonOf(() => space.projectCodes(bad))).toBe('NOT_FINITE');
    expect(reasonOf(() => space.projectCodes([1, 2, 3, 4, 5] as never))).toBe('SHAPE');
    expect(space.contains(bad)[1]).toBe(false);
  });
});

test('spaces say what they are, and refuse other kinds and sizes', () => {
  expect(spaceKinds.map((kind) => [controlSpace(kind, 2).bounded, controlSpace(kind, 2).convex])).toEqual([
    [true, true],
    [true, true],
    [true, false],
    [false, true],
  ]);
  expect(() => controlSpace('bax' as never, 2)).toThrow('Did you mean box?');
  for (const k of [0, 1.5, Number.NaN]) expect(reasonOf(() => controlSpace('box', k))).toBe('CONFIG');
  expect(reasonOf(() => controlSpace('sphere', 1))).toBe('CONFIG');
});

test('a norm of 1e6 projects onto the sphere and a zero vector is refused by name', () => {
  const sphere = controlSpace('sphere', 2);
  expect(Array.from(sphere.projectCodes(f32(3e6, 4e6)))).toEqual([expect.closeTo(0.6, 6), expect.closeTo(0.8, 6)]);
  expect(() => sphere.projectCodes(f32(1, 0, 0, 0))).toThrow('row 1 is a zero vector');
  // a difference of equal codes, and the mean of opposite ones
  const zero = [
    { z: f32(1, 0), w: 1 },
    { z: f32(1, 0), w: -1 },
  ];
  expect(reasonOf(() => arithmetic(sphere, zero))).toBe('DEGENERATE');
  expect(reasonOf(() => arithmetic(sphere, zero, { project: true }))).toBe('DEGENERATE');
  expect(reasonOf(() => arithmetic(sphere, [{ z: meanCode(sphere, f32(1, 0, -1, 0)), w: 1 }]))).toBe('DEGENERATE');
});

test('statistics are those worked out by hand', () => {
  // rows (0, .5), (1, .5), (−1, .5), (0, −.5): means 0, .25; variances 2/4, .1875; covariance 0
  const stats = spaceStats(controlSpace('box', 2), f32(0, 0.5, 1, 0.5, -1, 0.5, 0, -0.5));
  expect(Array.from(stats.mean)).toEqual([0, 0.25]);
  expect(stats.std[0]).toBeCloseTo(Math.sqrt(0.5), 6);
  expect(stats.rms).toBeCloseTo(Math.sqrt((0.5 + 0.1875) / 2), 6);
  expect(stats.saturation).toBe(2 / 8);
  expect(Array.from(stats.cholesky)).toEqual([
    expect.closeTo(Math.sqrt(0.5001), 6),
    0,
    0,
    expect.closeTo(Math.sqrt(0.1876), 6),
  ]);
  expect(reasonOf(() => spaceStats(controlSpace('box', 2), f32(0, 0)))).toBe('TOO_FEW');
});

test('the Cholesky factor times its transpose is the covariance + 1e-4', () => {
  const k = 6;
  const base = vectors(300, k, 0.3);
  // coordinates that depend on each other, the last one wholly
  for (let i = 0; i < 300; i++) base[i * k + 5] = 0.5 * (base[i * k] as number) - (base[i * k + 1] as number);
  const { cholesky: L, mean } = spaceStats(controlSpace('free', k), base);
  for (let a = 0; a < k; a++)
    for (let b = 0; b < k; b++) {
      let [product, covariance] = [0, a === b ? 1e-4 : 0];
      for (let j = 0; j < k; j++) product += (L[a * k + j] as number) * (L[b * k + j] as number);
      for (let i = 0; i < 300; i++)
        covariance +=
          (((base[i * k + a] as number) - (mean[a] as number)) * ((base[i * k + b] as number) - (mean[b] as number))) /
          300;
      expect(product).toBeCloseTo(covariance, 6);
    }
});

describe('interpolate', () => {
  test('goes straight in box and ball, pair by pair, ends included; one point is the middle', () => {
    const box = controlSpace('box', 2);
    expect(Array.from(interpolate(box, f32(-1, 0, 0, 0), f32(1, 1, 1, 0), 3))).toEqual([
      -1, 0, 0, 0.5, 1, 1, 0, 0, 0.5, 0, 1, 0,
    ]);
    expect(Array.from(interpolate(box, f32(-1, 0), f32(1, 1), 1))).toEqual([0, 0.5]);
    const ball = controlSpace('ball', 8);
    const [a, b] = [ball.projectCodes(vectors(20, 8, 1)), ball.projectCodes(vectors(20, 8, 1).reverse())];
    expect(ball.contains(interpolate(ball, a, b, 7), 1e-6)).not.toContain(false);
  });

  test('slerp turns evenly, keeps to the sphere, and is lerp near angle 0', () => {
    const sphere = controlSpace('sphere', 2);
    const half = Math.SQRT1_2;
    const way = interpolate(sphere, f32(1, 0), f32(0, 1), 3);
    expect(Array.from(way)).toEqual([1, 0, half, half, 0, 1].map((x) => expect.closeTo(x, 6)));
    const near = sphere.projectCodes(f32(1, 1e-7));
    expect(Array.from(interpolate(sphere, f32(1, 0), near, 3)).every(Number.isFinite)).toBe(true);
    const many = sphere.projectCodes(vectors(20, 2, 1));
    expect(
      sphere.contains(interpolate(sphere, many, sphere.projectCodes(vectors(20, 2, 1).reverse()), 9), 1e-6),
    ).not.toContain(false);
    // lengths go evenly in the ball
    const ball = interpolate(controlSpace('ball', 2), f32(1, 0), f32(0, 0.5), 3, { mode: 'slerp' });
    expect(Math.hypot(ball[2] as number, ball[3] as number)).toBeCloseTo(0.75, 6);
  });

  test('refuses the straight way on the sphere, opposite ends, α outside and points outside', () => {
    const sphere = controlSpace('sphere', 2);
    const box = controlSpace('box', 2);
    expect(reasonOf(() => interpolate(sphere, f32(1, 0), f32(0, 1), 3, { mode: 'lerp' }))).toBe('OUT_OF_SPACE');
    const projected = interpolate(sphere, f32(1, 0), f32(0, 1), 3, { mode: 'lerp', project: true });
    expect(sphere.contains(projected)).not.toContain(false);
    expect(reasonOf(() => interpolate(sphere, f32(1, 0), f32(-1, 0), 3))).toBe('DEGENERATE');
    // float32 says little of the way between ends that are opposite to 1e-4
    expect(reasonOf(() => interpolate(sphere, f32(1, 0), f32(-1, 5e-5), 3))).toBe('DEGENERATE');
    const [, , x, y] = interpolate(sphere, f32(1, 0), f32(-1, 2e-4), 3);
    expect([x, y]).toEqual([expect.closeTo(1e-4, 6), expect.closeTo(1, 6)]);
    expect(reasonOf(() => interpolate(controlSpace('ball', 2), f32(0, 0), f32(1, 0), 3, { mode: 'slerp' }))).toBe(
      'DEGENERATE',
    );
    expect(reasonOf(() => interpolate(box, f32(0, 0), f32(1, 1), 1, { alphas: [1.5] }))).toBe('CONFIG');
    expect(reasonOf(() => interpolate(box, f32(0, 0), f32(1, 1), 1, { alphas: [1.5], extrapolate: true }))).toBe(
      'OUT_OF_SPACE',
    );
    expect(
      Array.from(interpolate(box, f32(0, 0), f32(1, 0.5), 1, { alphas: [1.5], extrapolate: true, project: true })),
    ).toEqual([1, 0.75]);
    expect(reasonOf(() => interpolate(box, f32(0, 0), f32(2, 1), 3))).toBe('OUT_OF_SPACE');
    expect(reasonOf(() => interpolate(box, f32(0, 0), f32(1, 1, 0, 0), 3))).toBe('SHAPE');
    expect(reasonOf(() => interpolate(box, f32(0, 0), f32(1, 1), 0))).toBe('CONFIG');
    expect(() => interpolate(box, f32(0, 0), f32(1, 1), 3, { alphas: [0.1, 0.9] })).toThrow(
      /interpolate\.n.*alphas, 2/s,
    );
  });
});

describe('perturb and sample', () => {
  const box = controlSpace('box', 4);
  const codes = controlSpace('box', 4).projectCodes(vectors(500, 4, 0.4));
  const stats = spaceStats(box, codes);

  test('noise has the scale asked for, is the same for a seed, and a row’s does not depend on its batch', () => {
    const zero = new Float32Array(4 * 4000);
    const noisy = perturb(box, zero, { scale: 0.5, stats, rng: rng(1) });
    const rms = Math.sqrt(noisy.reduce((sum, x) => sum + x * x, 0) / noisy.length);
    // 16,000 normal numbers: standard error of the rms .56 %
    expect(rms / (0.5 * stats.rms)).toBeCloseTo(1, 1.5);
    expect(perturb(box, zero.slice(0, 4), { scale: 0.5, stats, rng: rng(1) })).toEqual(noisy.slice(0, 4));
    const stream = rng(1);
    const o = { scale: 0.5, unit: 'absolute', rng: stream } as const;
    expect(perturb(box, zero, o)).not.toEqual(perturb(box, zero, o));
    expect(perturb(box, codes, { scale: 0, stats, rng: rng(1) })).toEqual(codes);
    expect(box.contains(perturb(box, codes, { scale: 5, unit: 'absolute', rng: rng(0) }))).not.toContain(false);
  });

  test('priors: uniform fills each space, the fitted one has the codes’ mean and covariance, the empirical one is codes', () => {
    const n = 20_000;
    const ball = sample(controlSpace('ball', 3), n, { prior: 'uniform', rng: rng(0) });
    // P(‖z‖ < .5) = .5³ = .125, standard error .0023
    let inner = 0;
    for (let i = 0; i < n; i++) if (Math.hypot(...ball.subarray(i * 3, i * 3 + 3)) < 0.5) inner++;
    expect(Math.abs(inner / n - 0.125)).toBeLessThan(0.01);
    const sphere = controlSpace('sphere', 3);
    expect(sphere.contains(sample(sphere, 100, { prior: 'uniform', rng: rng(0) }))).not.toContain(false);
    const normal = spaceStats(box, sample(box, n, { prior: 'gaussian-fit', stats, rng: rng(0) }));
    stats.mean.forEach((m, j) => {
      expect(Math.abs((normal.mean[j] as number) - m)).toBeLessThan(0.02);
      expect(Math.abs((normal.std[j] as number) - (stats.std[j] as number))).toBeLessThan(0.02);
    });
    const drawn = sample(box, 5, { prior: 'empirical', codes: codes.slice(0, 8), rng: rng(0) });
    for (let i = 0; i < 5; i++)
      expect([codes.slice(0, 4), codes.slice(4, 8)]).toContainEqual(drawn.slice(i * 4, i * 4 + 4));
    expect(sample(box, 1, { prior: 'uniform', rng: rng(7) })).toEqual(
      sample(box, 3, { prior: 'uniform', rng: rng(7) }).slice(0, 4),
    );
  });

  test('what is missing or of another space is refused', () => {
    const z = new Float32Array(4);
    expect(reasonOf(() => perturb(box, z, { scale: 1, rng: rng(0) }))).toBe('NO_STATS');
    expect(reasonOf(() => perturb(controlSpace('ball', 4), z, { scale: 1, stats, rng: rng(0) }))).toBe('NO_STATS');
    expect(reasonOf(() => perturb(box, z, { scale: -1, stats, rng: rng(0) }))).toBe('CONFIG');
    expect(reasonOf(() => perturb(box, z, { scale: 1, stats } as never))).toBe('CONFIG');
    expect(reasonOf(() => sample(box, 2, { prior: 'gaussian-fit', rng: rng(0) }))).toBe('NO_STATS');
    expect(reasonOf(() => sample(box, 2, { prior: 'empirical', rng: rng(0) }))).toBe('NO_STATS');
    expect(reasonOf(() => sample(controlSpace('free', 4), 2, { prior: 'uniform', rng: rng(0) }))).toBe('UNBOUNDED');
    expect(reasonOf(() => sample(box, 0, { prior: 'uniform', rng: rng(0) }))).toBe('CONFIG');
  });
});

test('arithmetic adds row by row, one row to all, and refuses what leaves the space unless it is projected', () => {
  const box = controlSpace('box', 2);
  const sum = arithmetic(box, [
    { z: f32(0.5, 0, 0, 0.5), w: 1 },
    { z: f32(0.2, 0.2), w: 2 },
  ]);
  expect(Array.from(sum)).toEqual([0.9, 0.4, 0.4, 0.9].map((x) => expect.closeTo(x, 6)));
  expect(() => arithmetic(box, [{ z: f32(0.71, 0), w: 2 }])).toThrow('|z[0]| = 1.42 > 1 (box). Pass project: true.');
  expect(Array.from(arithmetic(box, [{ z: f32(0.71, 0), w: 2 }], { project: true }))).toEqual([1, 0]);
  expect(reasonOf(() => arithmetic(box, []))).toBe('CONFIG');
  expect(reasonOf(() => arithmetic(box, [{ z: f32(1, 0), w: Number.NaN }]))).toBe('CONFIG');
  expect(
    reasonOf(() =>
      arithmetic(box, [
        { z: new Float32Array(4), w: 1 },
        { z: new Float32Array(6), w: 1 },
      ]),
    ),
  ).toBe('SHAPE');
});

test('nearest orders by the centred cosine or by distance, ties by row; the mean itself is near nothing', () => {
  const box = controlSpace('box', 2);
  const stats = { ...spaceStats(box, f32(0, 0, 1, 1)), mean: f32(0.5, 0) };
  const index = f32(1, 0.5, 0, -0.5, 0.6, 0.1, 0.5, 0);
  // centred: (.5,.5), (−.5,−.5), (.1,.1), (0,0); the query's (.2,.2)
  const [found] = nearest(box, f32(0.7, 0.2), index, 4, { stats });
  expect(found?.map(({ row }) => row)).toEqual([0, 2, 3, 1]);
  expect(found?.map(({ distance }) => Number(distance.toFixed(5)))).toEqual([0, 0, 1, 2]);
  expect(nearest(box, f32(0.7, 0.2), index, 1, { metric: 'l2' })[0]?.[0]?.row).toBe(2);
  expect(Array.from(centredCosine(box, f32(0.7, 0.2), f32(0, -0.5), stats))).toEqual([expect.closeTo(-1, 6)]);
  expect(reasonOf(() => nearest(box, f32(0, 0), index, 5, { stats }))).toBe('CONFIG');
  expect(reasonOf(() => nearest(box, f32(0, 0), index, 1))).toBe('NO_STATS');
  expect(
    joinCodes(
      [
        [1, 2],
        [3, 4],
      ],
      2,
    ),
  ).toEqual(f32(1, 2, 3, 4));
  expect(() => joinCodes([[1, 2], [3]], 2)).toThrow('row 1 has another width than the space; got 1, wanted 2');
});

test('whitening by hand: μ + L a with all of the Cholesky factor, and samples correlated as the codes are', () => {
  // codes ±(.4, .2) and ±(.2, −.1): covariance [[.1, .03], [.03, .025]], L = [[√.1, 0], [.03/√.1, √(.025 − .009)]]
  const space = controlSpace('box', 2);
  const stats = spaceStats(space, f32(0.4, 0.2, -0.4, -0.2, 0.2, -0.1, -0.2, 0.1));
  const [a, b] = [Math.sqrt(0.1001), 0.03 / Math.sqrt(0.1001)];
  const c = Math.sqrt(0.0251 - b * b);
  expect([...stats.cholesky]).toEqual([a, 0, b, c].map((x) => expect.closeTo(x, 6)));
  expect([...coloured([1, 2], stats)]).toEqual([a, b + 2 * c].map((x) => expect.closeTo(x, 6)));
  const drawn = sample(space, 4000, { prior: 'gaussian-fit', stats, rng: rng(0) });
  const again = spaceStats(space, drawn);
  // correlation .6, of 4,000 samples within .05
  const [top, left, right] = [again.cholesky[0] as number, again.cholesky[2] as number, again.cholesky[3] as number];
  expect(Math.abs(left / Math.hypot(left, right) - 0.6)).toBeLessThan(0.05);
  expect(top).toBeCloseTo(a, 1);
});
