import { useBackend } from '@gimbal/tensor-core';
import {
  grad,
  memory,
  type Scalar,
  sum,
  type Tensor,
  tensor1d,
  tensor2d,
  tidy,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { type Surrogate, type SurrogateName, surrogates } from '../index.ts';
import { checkSameLogProbs } from './surrogate.ts';

beforeAll(() => useBackend('cpu'));

/** The loss of single entries of log-ratio x and advantage A, in float64. */
const objective: Record<Exclude<SurrogateName, 'mpo'>, (x: number, A: number) => number> = {
  reinforce: (x, A) => A * x,
  ratio: (x, A) => Math.exp(x) * A,
  ppoClip: (x, A) => Math.min(Math.exp(x) * A, Math.min(Math.max(Math.exp(x), 0.8), 1.2) * A),
  ppoKl: (x, A) => Math.exp(x) * A - (Math.exp(x) - 1 - x),
  mdpo: (x, A) => Math.exp(x) * A - (Math.exp(x) * x - (Math.exp(x) - 1)),
  smdpo: (x, A) => Math.max(A, -1) * x - (Math.exp(x) - 1 - x),
  sppo: (x, A) => Math.min(A * x, A * Math.min(Math.max(x, -Math.log(1.2)), Math.log(1.2))),
  spma: (x, A) => A * x - (Math.exp(x) - 1 - x),
};
const xs = [0, 0.1, -0.1, 0.5, -0.5, 0.5, -0.5, 0.1];
const As = [1, 2, -1, 1, 1, -1, -2, -3];

const lossOf = (s: Surrogate, x: Tensor, A: Tensor, mask?: Tensor): Scalar => {
  const zero = zerosLike(x);
  return s({ logProbs: x, oldLogProbs: zero, advantages: A, ...(mask && { mask }) }).loss;
};

describe.each(Object.entries(objective))('%s', (name, f) => {
  const s = surrogates[name as SurrogateName]();

  test('value and gradient of entries inside and outside the band, of either sign', () => {
    const [x, A] = [tensor1d(xs), tensor1d(As)];
    const wanted = -xs.reduce((total, v, i) => total + f(v, As[i] as number), 0) / xs.length;
    expect(lossOf(s, x, A).dataSync()[0]).toBeCloseTo(wanted, 5);
    const h = 1e-5;
    const slope = (v: number, a: number): number => (f(v + h, a) - f(v - h, a)) / (2 * h);
    const gradient = grad((t: Tensor) => lossOf(s, t, A))(x).dataSync();
    xs.forEach((v, i) => {
      expect(gradient[i]).toBeCloseTo(-slope(v, As[i] as number) / xs.length, 5);
    });
  });

  test('the gradient at the policy itself is the policy gradient −Â/n', () => {
    const A = tensor1d([1, -0.5, 0.25]);
    const g = grad((t: Tensor) => lossOf(s, t, A))(tensor1d([0, 0, 0])).dataSync();
    expect([...g]).toEqual([-1 / 3, 0.5 / 3, -0.25 / 3].map((v) => expect.closeTo(v, 6)));
  });

  test('masked entries count for nothing, in loss and gradient', () => {
    const A = tensor1d([1, 2, -1, 50]);
    const x = tensor1d([0.1, -0.1, 0.2, 9]);
    const mask = tensor1d([1, 1, 1, 0]);
    const masked = lossOf(s, x, A, mask).dataSync()[0];
    const alone = lossOf(s, tensor1d([0.1, -0.1, 0.2]), tensor1d([1, 2, -1])).dataSync()[0] as number;
    expect(masked).toBeCloseTo(alone, 5);
    expect(grad((t: Tensor) => lossOf(s, t, A, mask))(x).dataSync()[3]).toBeCloseTo(0, 12);
  });
});

test('mpo weighs by exp(A/λ), normalised over the batch', () => {
  const [x, A] = [tensor1d([0.3, -0.2]), tensor1d([1, 0])];
  const w = Math.E / (Math.E + 1);
  expect(lossOf(surrogates.mpo(), x, A).dataSync()[0]).toBeCloseTo(-(0.3 * w - 0.2 * (1 - w)), 6);
});

test('a KL in closed form takes the place of the estimate', () => {
  const x = { logProbs: tensor1d([0.1, 0.2]), oldLogProbs: tensor1d([0, 0]), advantages: tensor1d([1, -1]) };
  const kl = tensor1d([0.5, 1]);
  const linear = (0.1 - 0.2) / 2;
  expect(
    surrogates
      .smdpo({ eta: 2, negativeWeight: 'keep' })({ ...x, kl: { forward: kl } })
      .loss.dataSync()[0],
  ).toBeCloseTo(-(linear - 0.75 / 2), 6);
  const k1 = surrogates
    .smdpo({ eta: 2, klEstimator: 'k1', negativeWeight: 'keep' })({ ...x, kl: { forward: kl } })
    .loss.dataSync()[0];
  expect(k1).toBeCloseTo(-(linear + 0.15 / 2), 6); // the merged form: + x/η
  const mdpo = surrogates
    .mdpo({ eta: 2 })({ ...x, kl: { reverse: kl } })
    .loss.dataSync()[0];
  expect(mdpo).toBeCloseTo(-((Math.exp(0.1) - Math.exp(0.2)) / 2 - 0.75 / 2), 6);
});

test('statistics by hand', () => {
  const x = { logProbs: tensor1d([0.3, -0.1, 0]), oldLogProbs: tensor1d([0, 0, 0]), advantages: tensor1d([1, -2, 0]) };
  const { stats } = surrogates.ppoClip()(x);
  const read = (t: Scalar): number => t.dataSync()[0] as number;
  expect(read(stats.clipFraction)).toBeCloseTo(1 / 3, 6); // e^.3 > 1.2
  expect(read(stats.ratioMax)).toBeCloseTo(Math.exp(0.3), 5);
  const k3 = (v: number): number => Math.exp(v) - 1 - v;
  expect(read(stats.klForward)).toBeCloseTo((k3(0.3) + k3(-0.1)) / 3, 6);
  expect(read(surrogates.smdpo()(x).stats.clampedShare)).toBeCloseTo(1 / 3, 6);
  expect(() => surrogates.smdpo({ negativeWeight: 'error' })(x)).toThrow(
    'an advantage below −1/η makes the surrogate unbounded; got -2',
  );
});

test('log-ratios beyond ±20 are held there and counted, those that are masked are not', () => {
  const x = {
    logProbs: tensor1d([25, -30, 19, 0]),
    oldLogProbs: tensor1d([0, 0, 0, 0]),
    advantages: tensor1d([1, 1, 1, 1]),
  };
  const held = (mask?: Tensor): number =>
    surrogates
      .reinforce()({ ...x, ...(mask && { mask }) })
      .stats.heldShare.dataSync<'float32'>()[0] as number;
  expect(held()).toBe(0.5);
  expect(held(tensor1d([1, 0, 1, 0]))).toBe(0.5);
  expect(held(tensor1d([0, 0, 1, 1]))).toBe(0);
  // (20 − 20 + 19 + 0)/4
  expect(surrogates.reinforce()(x).loss.dataSync()[0]).toBeCloseTo(-19 / 4, 5);
});

test('sPPO: the plain clip lets go of what drifted the wrong way, the pessimistic one pulls it back', () => {
  const [x, A] = [tensor1d([-0.5]), tensor1d([1])];
  const slope = (pessimistic: boolean): number =>
    grad((t: Tensor) => lossOf(surrogates.sppo({ pessimistic }), t, A))(x).dataSync()[0] as number;
  expect(slope(false)).toBeCloseTo(0, 12);
  expect(slope(true)).toBe(-1);
});

test('a clip of unequal sides, by hand', () => {
  const [x, A] = [tensor1d([1.3, 1.5, 0.85, 0.95].map(Math.log)), tensor1d([1, 1, -1, -1])];
  const clip = surrogates.ppoClip({ clipEpsilon: { low: 0.1, high: 0.4 } });
  // 1.3 lies inside, 1.5 is cut to 1.4, .85 to .9, .95 lies inside: (1.3 + 1.4 − .9 − .95)/4
  expect(lossOf(clip, x, A).dataSync()[0]).toBeCloseTo(-0.85 / 4, 6);
});

test('sides of a clip change over the run, each by its own line', () => {
  const [x, A] = [tensor1d([1.3, 0.85].map(Math.log)), tensor1d([1, -1])];
  const zero = zerosLike(x);
  const clip = surrogates.ppoClip({ clipEpsilon: { low: { from: 0.2, to: 0 }, high: 0.4 } });
  const at = (progress: number): number =>
    clip({ logProbs: x, oldLogProbs: zero, advantages: A, progress }).loss.dataSync()[0] as number;
  // 1.3 lies inside throughout; .85 lies inside at first, is cut to .9 half-way and to 1 at the end
  expect([at(0), at(0.5), at(1)]).toEqual([0.225, 0.2, 0.15].map((v) => expect.closeTo(-v, 6)));
});

test('rows of tokens: three ways to a mean', () => {
  const x = tensor2d([
    [0.1, 0.2, 9],
    [0.4, 9, 9],
  ]);
  const A = tensor2d([
    [1, 1, 1],
    [2, 2, 2],
  ]);
  const mask = tensor2d([
    [1, 1, 0],
    [1, 0, 0],
  ]);
  const of = (aggregate: 'token-mean' | 'sequence-mean' | 'row-mean'): number =>
    lossOf(surrogates.reinforce({ aggregate }), x, A, mask).dataSync()[0] as number;
  expect(of('token-mean')).toBeCloseTo(-1.1 / 3, 5);
  expect(of('sequence-mean')).toBeCloseTo(-(0.15 + 0.8) / 2, 5);
  expect(of('row-mean')).toBeCloseTo(-1.1 / 2, 5);
});

test('a mask without a token has no mean over tokens', () => {
  const [x, A] = [tensor2d([[0.1, 0.2]]), tensor2d([[1, 1]])];
  for (const aggregate of ['token-mean', 'sequence-mean', 'row-mean'] as const)
    expect(() => lossOf(surrogates.sppo({ aggregate }), x, A, zerosLike(x))).toThrow('sppo: the mask has no token');
  // beside others, a row without one counts 0: half of what the first row alone gives
  const [xs, As] = [
    tensor2d([
      [0.1, 0.2],
      [0.3, 0.4],
    ]),
    tensor2d([
      [1, 1],
      [1, 1],
    ]),
  ];
  for (const aggregate of ['sequence-mean', 'row-mean'] as const) {
    const of = (...given: [Tensor, Tensor, Tensor?]): number =>
      lossOf(surrogates.sppo({ aggregate }), ...given).dataSync()[0] as number;
    expect(
      of(
        xs,
        As,
        tensor2d([
          [1, 1],
          [0, 0],
        ]),
      ),
    ).toBeCloseTo(of(x, A) / 2, 6);
  }
});

test('extreme ratios stay finite; shapes that do not fit are named; tensors are the caller’s', () => {
  const [x, A] = [tensor1d([500, -500]), tensor1d([1, -1])];
  for (const [name, make] of Object.entries(surrogates)) {
    const g = grad((t: Tensor) => lossOf(make() as Surrogate, t, A))(x).dataSync();
    expect([name, [...g].every(Number.isFinite)]).toEqual([name, true]);
  }
  expect(() => surrogates.ratio()({ logProbs: x, oldLogProbs: x, advantages: tensor1d([1]) })).toThrow(
    'ratio: advantages has another shape than logProbs; got [1], wanted [2]',
  );
  const before = memory().numTensors;
  tidy(() => void sum(surrogates.smdpo()({ logProbs: x, oldLogProbs: x, advantages: A }).loss));
  expect(memory().numTensors).toBe(before);
});

test('options out of range, and a sampler that disagrees', () => {
  expect(() => surrogates.ppoClip({ clipEpsilon: 1 })).toThrow('ppoClip.clipEpsilon: out of range; got 1');
  expect(() => surrogates.ppoClip({ clipEpsilon: { low: 0.2, high: -1 } })).toThrow(
    'ppoClip.clipEpsilon.high: out of range',
  );
  expect(() => surrogates.ppoClip({ clipEpsilon: 0 })).toThrow(
    'ppoClip.clipEpsilon: out of range; got 0, wanted more than 0 at the start',
  );
  expect(() => surrogates.ppoClip({ clipEpsilon: { from: 0.2, to: 0 } })).not.toThrow();
  for (const [make, text] of [
    [() => surrogates.ppoClip({ clipEpsilon: { low: 0.2 } as never }), 'ppoClip.clipEpsilon.high: it is missing'],
    [() => surrogates.ppoClip({ clipEpsilon: { low: 0, high: 0.2 } }), 'clipEpsilon.low: out of range; got 0'],
    [
      () => surrogates.ppoClip({ clipEpsilon: null as never }),
      'clipEpsilon: neither a number nor a schedule; got null',
    ],
    [
      () => surrogates.ppoClip({ clipEpsilon: '.2' as never }),
      'clipEpsilon: neither a number nor a schedule; got ".2"',
    ],
    [() => surrogates.sppo({ clipEpsilon: { from: 0.2 } as never }), 'sppo.clipEpsilon.to: out of range'],
    [() => surrogates.mdpo({ eta: null as never }), 'mdpo.eta: neither a number nor a schedule; got null'],
    [() => surrogates.mdpo(null as never), 'mdpo: the options are no object; got "null"'],
    [() => surrogates.mpo([] as never), 'mpo: the options are no object; got "an array"'],
    [() => surrogates.ratio()({ logProbs: [1] } as never), 'ratio: logProbs is no tensor; got "object"'],
    [() => surrogates.ratio()({ logProbs: tensor1d([1]) } as never), 'ratio: oldLogProbs is missing; wanted a tensor'],
  ] as const) {
    expect(make).toThrow(text);
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
  }
  expect(() => surrogates.sppo({ pesimistic: false } as never)).toThrow('Did you mean pessimistic?');
  expect(() => surrogates.ppoClip({ clipEpsilon: { low: 0.2, hihg: 0.3 } as never })).toThrow('Did you mean high?');
  expect(() => surrogates.ratio({ aggregate: 'mean' as never })).toThrow('ratio.aggregate: no such choice');
  expect(() => surrogates.smdpo({ eta: 0 })).toThrow('smdpo.eta: out of range; got 0, wanted a finite number > 0');
  expect(() => surrogates.mpo({ temperature: Number.NaN })).toThrow('mpo.temperature: out of range');
  expect(() => checkSameLogProbs('test', Float32Array.of(0, 2e-4))).toThrow(
    'log-probabilities differ from those of the sampled actions',
  );
  expect(() => checkSameLogProbs('test', Float32Array.of(0, 9e-5))).not.toThrow();
});
