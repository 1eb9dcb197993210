// Options without types: a misspelt name is refused with the nearest there is, and so is a choice that is none.
import { rng, useBackend } from '@gimbal/tensor-core';
import {
  arithmetic,
  asActionSpace,
  buildRoundTrips,
  decodeCodes,
  diversity,
  encodeTexts,
  fluency,
  type Inverter,
  InverterTrainer,
  interpolate,
  invertAll,
  loadInverter,
  type MeasureOptions,
  makeInverter,
  nearest,
  optimise,
  perturb,
  sample,
  saveInverter,
  semanticStructure,
  seq2seqTranslator,
  telegraphPivot,
  textEnv,
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
  ['invertAll', (o) => invertAll({ config: { embeddingDim: 4 } } as Inverter, z(), o), { patiance: 2 }, 'patience'],
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
const otherTokenizer = () => wordTokenizer(['one', 'two']);
test.each<[string, () => unknown, RegExp]>([
  ['a tokenizer of another vocabulary', () => trainer({ tokenizer: otherTokenizer() }), /Vec2TextTrainer.tokenizer/],
  ['a tokenizer that is none', () => trainer({ tokenizer: null }), /Vec2TextTrainer.tokenizer/],
  ['a round trip that is no function', () => trainer({ roundTrip: 5 }), /Vec2TextTrainer.roundTrip/],
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
