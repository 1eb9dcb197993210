// Options without types: a misspelt name is refused with the nearest there is, and so is a choice that is none.
import { rng, useBackend } from '@gimbal/tensor-core';
import {
  arithmetic,
  asActionSpace,
  buildRoundTrips,
  centredCosine,
  controlSpace,
  corrupt,
  decodeCodes,
  diversity,
  encodeTexts,
  encodeVec2Text,
  fluency,
  type Inverter,
  InverterTrainer,
  interpolate,
  invertAll,
  joinCodes,
  loadInverter,
  loadVec2Text,
  type MeasureOptions,
  makeInverter,
  nearest,
  nearestTexts,
  optimise,
  perturb,
  sample,
  saveInverter,
  saveVec2Text,
  semanticStructure,
  seq2seqTranslator,
  telegraphPivot,
  textEnv,
  textIndex,
  textTokenizer,
  trainTranslator,
  universality,
  type Vec2Text,
  Vec2TextTrainer,
  wordTokenizer,
} from '../src/index.ts';
import { randomModel } from './helpers/toy.ts';

let model: Vec2Text;
beforeAll(async () => {
  await useBackend('auto');
  model = randomModel();
});
afterAll(() => model.dispose());

const texts = ['the boy saw the box', 'a girl found the lamp', 'the old doctor took a stone'];
const rows = texts.map((text) => ({ text }));
const oracles: MeasureOptions<string> = {
  valid: (text) => text !== '',
  sem: (text) => text || undefined,
  agree: (a, b) => (a === b ? 1 : 0),
  ...{ seed: 0, samples: 4, scales: [0.5], resamples: 5 },
};
/** The error of a call: its message with the reason. */
async function refusedAs(call: () => unknown): Promise<string> {
  try {
    let result = call() as { next?: () => unknown };
    if (typeof result?.next === 'function') result = result.next() as never;
    await result;
  } catch (error) {
    return `${(error as { reason?: string }).reason}: ${(error as Error).message}`;
  }
  return 'nothing thrown';
}
const trainer = (o: object): unknown => {
  const { module, tokenizer } = model;
  return new Vec2TextTrainer({ module, tokenizer, data: texts, objective: { kind: 'ae' }, seed: 0, ...o } as never);
};
const inverter = (o: object): unknown =>
  new InverterTrainer({ texts, tokenizer: model.tokenizer, stage: 'hypothesizer', seed: 0, ...o } as never);
const space = () => model.module.space;
const z = (): Float32Array => new Float32Array(4).fill(0.1);

/** Enough of one to be taken for one. */
const anInverter = {
  ...{ config: { embeddingDim: 4 }, embedder: { embed: () => {} }, tokenizer: {}, hypothesizer: {} },
} as unknown as Inverter;

test.each<[string, (o: object) => unknown, object, string]>([
  ['Vec2TextTrainer', (o) => new Vec2TextTrainer(o as never), { zNiose: 0.1 }, 'zNoise'],
  ['InverterTrainer', inverter, { dropuot: 0.1 }, 'dropout'],
  ['guesses', (guesses) => inverter({ guesses, embedder: { dim: 4 } }), { drwas: 3 }, 'draws'],
  ['encodeTexts', (o) => encodeTexts(model, texts, o), { batchsize: 3 }, 'batchSize'],
  ['decodeCodes', (o) => decodeCodes(model, z(), o), { temprature: 1 }, 'temperature'],
  ['interpolate', (o) => interpolate(space(), z(), z(), 3, o), { mod: 'slerp' }, 'mode'],
  ['perturb', (o) => perturb(space(), z(), { scale: 1, rng: rng(0), ...o }), { unti: 'rms' }, 'unit'],
  ['sample', (o) => sample(space(), 2, { prior: 'uniform', rng: rng(0), ...o }), { stat: 1 }, 'stats'],
  ['arithmetic', (o) => arithmetic(space(), [{ z: z(), w: 1 }], o), { porject: true }, 'project'],
  ['nearest', (o) => nearest(space(), z(), z(), 1, o), { metrc: 'l2' }, 'metric'],
  ['buildRoundTrips', (o) => buildRoundTrips(texts, o as never), { minSimilarty: 0.5 }, 'minSimilarity'],
  ['telegraphPivot', (o) => telegraphPivot(texts, o), { droped: [] }, 'dropped'],
  ['trainTranslator', (o) => trainTranslator({ name: 'x', ...o } as never), { pars: [] }, 'pairs'],
  ['seq2seqTranslator', (o) => seq2seqTranslator(o as never), { perfix: '' }, 'prefix'],
  ['optimise', (o) => optimise(model, () => [], { episodes: 60, rng: rng(0), ...o }), { populaton: 9 }, 'population'],
  ['asActionSpace', (o) => asActionSpace(model, o), { boud: 2 }, 'bound'],
  ['textEnv', (o) => textEnv(model, o as never), { propmts: [] }, 'prompts'],
  ['loadVec2Text', (o) => loadVec2Text('nowhere', o), { confg: {} }, 'config'],
  ['loadVec2Text.config', (config) => loadVec2Text('nowhere', { config }), { spcae: 'box' }, 'space'],
  ['saveVec2Text', (o) => saveVec2Text('nowhere', model, o), { dtpye: 'F32' }, 'dtype'],
  ['encodeVec2Text', (o) => encodeVec2Text(model, o), { dtpye: 'F32' }, 'dtype'],
  ['textTokenizer', (o) => textTokenizer(texts, o), { vocabularysize: 300 }, 'vocabularySize'],
  [
    'corrupt',
    (o) => corrupt(new Int32Array(2), {}, rng(0), { ...model.module.config, ...o }),
    { vocabsize: 3 },
    'vocabSize',
  ],
  ['invertAll', (o) => invertAll(anInverter, z(), o), { patiance: 2 }, 'patience'],
  ...[universality, fluency, diversity, semanticStructure].map(
    (measure, i): [string, (o: object) => unknown, object, string] => [
      ['universality', 'fluency', 'diversity', 'semanticStructure'][i] as string,
      (o) => measure(model, rows, { ...oracles, ...o }),
      { smaples: 9 },
      'samples',
    ],
  ),
])('%s', async (_, call, misspelt, meant) => {
  const [name] = Object.keys(misspelt);
  const said = await refusedAs(() => call(misspelt));
  expect(said).toMatch(new RegExp(`^CONFIG: .*unknown option ${name}.*Did you mean ${meant}\\?`, 's'));
});

test('choices and noise of objectives', async () => {
  expect(await refusedAs(() => trainer({ overflow: 'dorp' }))).toMatch(/^CONFIG: overflow: .*drop/);
  expect(await refusedAs(() => inverter({ overflow: 'cut' }))).toMatch(/^CONFIG: InverterTrainer.overflow/);
  expect(await refusedAs(() => inverter({ stage: 'corector' }))).toMatch(/^CONFIG: InverterTrainer.stage: .*corrector/);
  const objective = (o: object): Promise<string> => refusedAs(() => trainer({ objective: o }));
  expect(await objective({ kind: 'dae', noise: { dorp: 0.3 } })).toMatch(/^CONFIG: .*Did you mean drop\?/);
  expect(await objective({ kind: 'ae', noise: { drop: 0.3 } })).toMatch(/^CONFIG: .*unknown option noise/);
  expect(await objective({ kind: 'mix', weights: { ae: 1 }, nosie: {} })).toMatch(/^CONFIG: .*Did you mean noise\?/);
  expect(await objective({ kind: 'aee' })).toMatch(/^CONFIG: objective.kind/);
  expect(await refusedAs(() => encodeTexts(model, 'a text' as never))).toMatch(/^CONFIG: .*texts are a list/);
});

const embedder = { name: 'chance', dim: 4, hash: 'chance-4', embed: async () => new Float32Array(4) };
const env = { prompts: ['a'], observe: () => z(), reward: () => [1], seed: 0 };
const same = { name: 'same', translate: async (list: string[]) => list };
const build = { pivots: [{ name: 'p', forward: same, back: same }], seed: 0 };
const chance = { episodes: 60, rng: rng(0) };
const many = (): Float32Array => new Float32Array(100_000);
const otherTokenizer = () => wordTokenizer(['one', 'two']);
test.each<[string, () => unknown, RegExp]>([
  ['a tokenizer of another vocabulary', () => trainer({ tokenizer: otherTokenizer() }), /Vec2TextTrainer.tokenizer/],
  ['a tokenizer that is none', () => trainer({ tokenizer: null }), /Vec2TextTrainer.tokenizer/],
  ['a round trip that is no function', () => trainer({ roundTrip: 5 }), /Vec2TextTrainer.roundTrip/],
  [
    'a dtype that is none',
    () => saveVec2Text('nowhere', model, { dtype: 'F99' as never }),
    /dtype.*F99.*F32, F16, BF16/,
  ],
  ['a model in its folder’s place', () => saveVec2Text(model as never, 'nowhere' as never), /saveVec2Text.folder/],
  ['a folder in its model’s place', () => saveVec2Text('nowhere', 'nowhere' as never), /saveVec2Text.model/],
  ['words in one text', () => wordTokenizer('boy'), /wordTokenizer.words/],
  ['texts that are none', () => textTokenizer(null as never), /textTokenizer.texts/],
  ['an environment without observe', () => textEnv(model, { ...env, observe: undefined } as never), /textEnv.observe/],
  ['an environment of one prompt', () => textEnv(model, { ...env, prompts: 5 } as never), /textEnv.prompts/],
  ['terms that are no list', () => arithmetic(space(), z() as never), /arithmetic.terms/],
  ['a term that is none', () => arithmetic(space(), [null] as never), /arithmetic.terms/],
  ['an index of no texts', () => textIndex(model, undefined as never), /textIndex.texts/],
  ['no index', () => nearestTexts(model, z(), undefined as never, 1), /nearestTexts.index/],
  ['rows without the width', () => joinCodes([z(), z()], undefined as never), /joinCodes.dim/],
  ['no corpus', () => buildRoundTrips(undefined as never, build), /buildRoundTrips: no corpus/],
  ['what is seen as nothing', () => textEnv(model, { ...env, observe: () => undefined } as never), /textEnv.observe/],
  ['pairs that are no list', () => trainTranslator({ name: 'x', pairs: 5 } as never), /trainTranslator.pairs/],
  ['no module', () => trainer({ module: null }), /Vec2TextTrainer.module/],
  ['noise by no chance', () => corrupt(new Int32Array(2), {}, 'x' as never, model.module.config), /corrupt.rng/],
  ['noise on nothing', () => corrupt(undefined as never, {}, rng(0), model.module.config), /corrupt.ids/],
  ['a name of chance', () => perturb(space(), z(), { scale: 1, unit: 'absolute', rng: 'x' as never }), /perturb.rng/],
  ['another name of it', () => sample(space(), 2, { prior: 'uniform', rng: 'x' as never }), /sample.rng/],
  [
    'a path in its cache’s place',
    () => buildRoundTrips(texts, { ...build, cache: 'a.jsonl' } as never),
    /^CONFIG: cache/,
  ],
  ['a named similarity', () => buildRoundTrips(texts, { ...build, similarity: 'x' } as never), /^CONFIG: similarity/],
  ['points without end', () => interpolate(controlSpace('box', 1), many(), many(), 2 ** 24), /interpolate.n/],
  ...[{}, new AbortController(), null].flatMap((signal): [string, () => unknown, RegExp][] => {
    const o = { signal } as never;
    const kind = Object.prototype.toString.call(signal);
    return [
      [`${kind} as encodeTexts’ signal`, () => encodeTexts(model, texts, o), /encode.signal/],
      [`${kind} as decodeCodes’ signal`, () => decodeCodes(model, z(), o), /decode.signal/],
      [`${kind} as buildRoundTrips’ signal`, () => buildRoundTrips(texts, { ...build, signal } as never), /signal/],
      [`${kind} as optimise’s signal`, () => optimise(model, () => [], { ...chance, signal } as never), /signal/],
      [`${kind} as textIndex’s signal`, () => textIndex(model, texts, o), /signal/],
    ];
  }),
  ['no embedder to train with', () => inverter({ embedder: null }), /InverterTrainer.embedder/],
  ['no embedder to make an inverter of', () => makeInverter({} as never), /makeInverter.embedder/],
  ['no embedder to save', () => saveInverter('nowhere', { embedder: {} } as never), /saveInverter.embedder/],
  ['no embedder to load', () => loadInverter('nowhere', undefined as never), /loadInverter.embedder/],
  ...[{ hash: undefined }, { hash: '' }, { name: undefined }, { embed: undefined }, { dim: 0 }, { dim: 1.5 }].map(
    (part): [string, () => unknown, RegExp] => [
      `an embedder whose ${Object.entries(part)} is`,
      () => inverter({ embedder: { ...embedder, ...part } }),
      new RegExp(`InverterTrainer.embedder.${Object.keys(part)}`),
    ],
  ),
])('%s is refused', async (_, call, named) => {
  const said = await refusedAs(call);
  expect(said).toMatch(/^CONFIG: /);
  expect(said).toMatch(named);
});

test('an embedder whose every vector is zero is refused before the first step', async () => {
  const config = { width: 8, ffn: 8, heads: 2, maxLength: 8, embeddingTokens: 2 };
  const zero = { ...embedder, embed: async (list: string[]) => new Float32Array(4 * list.length) };
  using made = inverter({ embedder: zero, batchSize: 3, config }) as InverterTrainer;
  expect(await refusedAs(() => made.run({ steps: 1 }))).toMatch(/^DEGENERATE: embedder chance/);
});

test('statistics that are none are told of by the function', async () => {
  for (const stats of [
    null,
    {},
    { ...model.stats, rms: -1 },
    { ...model.stats, cholesky: new Float32Array(3) },
  ] as never[])
    for (const call of [
      () => perturb(space(), z(), { scale: 1, stats, rng: rng(0) }),
      () => sample(space(), 2, { prior: 'gaussian-fit', stats, rng: rng(0) }),
      () => nearest(space(), z(), z(), 1, { stats }),
      () => centredCosine(space(), z(), z(), stats),
    ])
      expect(await refusedAs(call)).toMatch(/^NO_STATS: vec2text: (?:perturb|sample|nearest|centredCosine)/);
});

test('measures take no answer that cannot be one', async () => {
  const asked = (measure: typeof fluency, o: Partial<MeasureOptions<string>>): Promise<string> =>
    refusedAs(() => measure(model, rows, { ...oracles, ...o }));
  expect(await asked(fluency, { lm: async () => [-1, -2] })).toMatch(/^SHAPE: .*lmScore.*got 2/);
  for (const bad of [Number.NaN, Number.NEGATIVE_INFINITY])
    expect(await asked(fluency, { lm: async (list) => list.map(() => bad) })).toMatch(/^NOT_FINITE: .*lmScore/);
  // what a language model does to its list is its own affair
  const emptied = { lm: async (list: readonly string[]) => (list as string[]).splice(0).map(() => -1) };
  expect((await fluency(model, rows, { ...oracles, ...emptied })).lmScore?.value).toBe(-1);
  for (const share of [Number.NaN, 2, -0.5])
    expect(await asked(semanticStructure, { agree: () => share })).toMatch(/^NOT_FINITE: .*agree/);
  for (const o of [{ resamples: 0 }, { samples: 1 }, { scales: [0] }, { sem: undefined as never }])
    expect(await asked(universality, o)).toMatch(/^CONFIG: universality\./);
  // of a single meaning there is no pair
  const one = (text: string): string | undefined => (text === texts[0] ? text : undefined);
  const found = await semanticStructure(model, rows, { ...oracles, sem: one });
  expect(found).not.toHaveProperty('latentSts');
  expect(found.interpMonotone?.n).toBe(2);
});
