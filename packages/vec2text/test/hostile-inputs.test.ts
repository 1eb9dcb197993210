// Inputs that are none, at the module, the spaces and the trainers: each is told of by its reason, and no tensor stays behind.
import { rng, useBackend } from '@gimbal/tensor-core';
import { grad, memory, mul, sum, type Tensor2D, tensor2d, tidy } from '@tensorflow/tfjs-core';
import {
  controlSpace,
  encodeTexts,
  gatherRoundTrips,
  InverterTrainer,
  interpolate,
  invert,
  invertAll,
  invertSteps,
  nearestTexts,
  spaceStats,
  specialIds,
  textTokenizer,
  trainedModel,
  type Vec2Text,
  Vec2TextTrainer,
  vec2text,
} from '../src/index.ts';
import { randomModel } from './helpers/toy.ts';

let model: Vec2Text;
beforeAll(async () => {
  await useBackend('auto');
  model = randomModel();
});
afterAll(() => model.dispose());

const reasonOf = (f: () => unknown): string => {
  try {
    f();
  } catch (error) {
    return (error as { reason?: string }).reason ?? String(error);
  }
  return 'nothing thrown';
};

test('token rows: padding alone, ids that are no tokens, other numbers of rows, noise that is no number', () => {
  const { module, params } = model;
  const loss = (input: number[][], target: number[][], o: { zNoise?: number; klCoef?: number } = {}): string =>
    reasonOf(() =>
      tidy(() => {
        const [x, y] = [input, target].map((rows) => tensor2d(rows, undefined, 'int32')) as [Tensor2D, Tensor2D];
        return module.loss(params, { input: x, target: y, ...o }, rng(0)).dataSync();
      }),
    );
  const row = [[5, 2]];
  expect(loss(row, row)).toBe('nothing thrown');
  expect(loss([[0, 0]], row)).toBe('EMPTY_TEXT');
  expect(loss(row, [[0, 0]])).toBe('EMPTY_TEXT');
  expect(loss([...row, ...row], row)).toBe('SHAPE');
  for (const zNoise of [Number.NaN, -1, Number.POSITIVE_INFINITY]) expect(loss(row, row, { zNoise })).toBe('CONFIG');
  expect(loss(row, row, { klCoef: Number.NaN })).toBe('CONFIG');
  for (const id of [99, -1, module.config.vocabSize]) {
    expect(loss([[id, 2]], row)).toBe('UNKNOWN_TOKEN');
    expect(loss(row, [[5, id]])).toBe('UNKNOWN_TOKEN');
    expect(reasonOf(() => tidy(() => module.encode(params, tensor2d([[5, id]], undefined, 'int32'))))).toBe(
      'UNKNOWN_TOKEN',
    );
  }
});

test.each(['ball', 'sphere'] as const)('%s: lengths of 1e20 and of 1e-8 are lengths, and have gradients', (kind) => {
  const space = controlSpace(kind, 3);
  const lengthOf = (x: Float32Array): number => Math.hypot(...x);
  for (const size of [1e20, 1e5, 2]) {
    const u = [0.6 * size, -0.8 * size, 0];
    for (const f of [space.squash, space.project]) {
      const [x, y, z] = f(tensor2d([u])).dataSync();
      expect([x, y, z]).toEqual([expect.closeTo(0.6, 6), expect.closeTo(-0.8, 6), expect.closeTo(0, 6)]);
    }
  }
  for (const size of [1e-5, 1e-8, 1e-11]) {
    const x = space.squash(tensor2d([[0.6 * size, -0.8 * size, 0]])).dataSync<'float32'>();
    if (kind === 'sphere') expect(lengthOf(x)).toBeCloseTo(1, 5);
    else expect(lengthOf(x) / size).toBeCloseTo(1, 5);
  }
  // of u/‖u‖ at (3, 4, 0) along w = (1, 2, 3): (w − (w·d) d)/5, d = (.6, .8, 0), w·d = 2.2 → (−.064, .048, .6)
  const slope = grad((u) => sum(mul(space.squash(u as Tensor2D), tensor2d([[1, 2, 3]]))));
  expect([...slope(tensor2d([[3, 4, 0]])).dataSync()]).toEqual([-0.064, 0.048, 0.6].map((x) => expect.closeTo(x, 5)));
  for (const size of [0, 1e-20, 1e-10, 1e20])
    expect([...slope(tensor2d([[size, -size, size]])).dataSync()].every(Number.isFinite)).toBe(true);
});

test('beyond the ends of a turn the length stops at zero; a text has one code in an index', () => {
  const [a, b] = [Float32Array.of(0.5, 0), Float32Array.of(0, 1)];
  // 3·½ − 2·1 < 0: the direction would turn round
  const way = interpolate(controlSpace('ball', 2), a, b, 1, { alphas: [-2], mode: 'slerp', extrapolate: true });
  expect([...way].map(Math.abs)).toEqual([0, 0]);
  const index = { texts: ['the boy', 'the girl'], codes: new Float32Array(12) };
  expect(reasonOf(() => nearestTexts(model, new Float32Array(4), index, 1))).toBe('SHAPE');
});

test('what a trainer cannot use is refused, and nothing is left of it', async () => {
  const { module, tokenizer } = model;
  const texts = ['the boy saw the lamp', 'the girl found the box'];
  const objective = { kind: 'ae' } as const;
  const make = (o: object): unknown =>
    new Vec2TextTrainer({ module, tokenizer, data: texts, objective, seed: 0, batchSize: 2, ...o }).dispose();
  const { numTensors } = memory();
  for (const batchSize of [0, 1.5, -1, Number.NaN]) expect(reasonOf(() => make({ batchSize }))).toBe('CONFIG');
  for (const data of [[null], [undefined], [{ source: 'the boy', candidates: 'the girl' }], [5], [{}]])
    expect(reasonOf(() => make({ data }))).toBe('EMPTY_TEXT');
  expect(reasonOf(() => make({ data: 'the boy' }))).toBe('NO_DATA');
  for (const bad of [undefined, null, 'ae', { kind: 'mix' }, { kind: 'mix', weights: null }])
    expect(reasonOf(() => make({ objective: bad }))).toBe('CONFIG');
  const embedder = { name: 'x', dim: 2, hash: 'x', embed: async (list: string[]) => new Float32Array(2 * list.length) };
  for (const batchSize of [0, 1.5])
    expect(
      reasonOf(() => new InverterTrainer({ embedder, texts, tokenizer, stage: 'hypothesizer', seed: 0, batchSize })),
    ).toBe('CONFIG');
  expect(memory().numTensors).toBe(numTensors);
  for (const row of [{}, null, { source: 'a' }])
    await expect(gatherRoundTrips([row as never])).rejects.toMatchObject({ reason: 'ROUND_TRIP' });
});

test('what is no inverter or tokenizer is refused', async () => {
  const e = Float32Array.of(1, 0);
  const none = [undefined, null, {}, 'runs/x', { config: { embeddingDim: 2 } }] as never[];
  for (const inverter of none) {
    await expect(invertAll(inverter, e)).rejects.toMatchObject({ reason: 'CONFIG', where: 'invertAll' });
    await expect(invert(inverter, e).next()).rejects.toMatchObject({ reason: 'CONFIG', where: 'invert' });
    await expect(invertSteps(inverter, e).next()).rejects.toMatchObject({ reason: 'CONFIG', where: 'invertSteps' });
    expect(reasonOf(() => specialIds(inverter))).toBe('CONFIG');
  }
  expect(() => specialIds(null as never)).toThrow('specialIds: no tokenizer; got "null"');
});

test('half a character is refused: it would have the code of every other half', async () => {
  const tokenizer = textTokenizer(['the boy', 'the 😀 é'], { vocabularySize: 270 });
  const module = vec2text({
    ...{
      vocabSize: tokenizer.size,
      ...specialIds(tokenizer),
      width: 8,
      ffn: 8,
      heads: 1,
      controlDim: 2,
      maxLength: 30,
    },
  });
  const stats = spaceStats(module.space, Float32Array.of(0, 0.5, 0.5, 0));
  using open = trainedModel({ module, params: module.init(rng(0)), tokenizer, stats });
  await encodeTexts(open, ['a😀b', 'a\ufffdb']);
  for (const text of ['a\ud800b', 'a\udc00'])
    await expect(encodeTexts(open, [text])).rejects.toMatchObject({ reason: 'UNKNOWN_TOKEN' });
});
