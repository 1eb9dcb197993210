// The search of an inversion on models that are tables: what is kept, what the corrector is asked, when it stops.
import type { InvertStep } from '../src/inversion/invert.ts';
import type { Inverter } from '../src/inversion/inverter.ts';
import type { InversionRows } from '../src/inversion/policy.ts';
import { specialIds, wordTokenizer } from '../src/text/tokenizers.ts';
import { mockModule } from './helpers/mock-module.ts';

/** Texts are angles to the vector asked for, in degrees: 60 has the cosine ½. */
const cosineOf = (text: string): number => Math.cos((Number(text) * Math.PI) / 180);
/** What the corrector writes of each text, the likeliest first; what it was asked. */
let candidates: Record<string, string[]> = {};
let questions: InversionRows[] = [];
const tokenizer = wordTokenizer(['80', '60', '50', '40', '30', '20', '10']);
mockModule('../../src/inversion/generate.ts', () => ({
  batchSize: 64,
  hypotheses: async (_: Inverter, e: Float32Array) => Array.from({ length: e.length / 2 }, () => '60'),
  generate: async (_: Inverter, __: string, asked: InversionRows, o: { candidates: number }) => {
    questions.push(asked);
    const L = 3;
    const { ids } = asked.hypotheses as { ids: Int32Array };
    return Array.from({ length: ids.length / L }, (_, row) =>
      (candidates[tokenizer.decodeIds(ids.slice(row * L, row * L + 1))] ?? []).slice(0, o.candidates),
    );
  },
}));

const inverter = {
  config: { ...specialIds(tokenizer), maxLength: 3, embeddingDim: 2, embeddingTokens: 1, width: 2, decoderLayers: 1 },
  tokenizer,
  embedder: {
    ...{ name: 'angles', dim: 2, hash: 'angles' },
    embed: async (list: string[]) =>
      Float32Array.from(list.flatMap((text) => [cosineOf(text), Math.sqrt(1 - cosineOf(text) ** 2)])),
  },
  hypothesizer: {},
  corrector: {},
} as unknown as Inverter;
const e = Float32Array.of(1, 0);

const stepsOf = async (o: object): Promise<InvertStep[]> => {
  const { invert } = await import('../src/inversion/invert.ts');
  questions = [];
  const all: InvertStep[] = [];
  for await (const step of invert(inverter, e, o)) all.push(step);
  return all;
};

test('the w nearest different candidates are kept, the likelier or not, and each is asked with its own vector', async () => {
  candidates = { 60: ['80', '40', '50'], 40: ['40', '30'], 80: ['20', '10'], 50: ['10'], 10: ['10'], 20: ['60', '10'] };
  const steps = await stepsOf({ steps: 3, beams: 2 });
  expect(steps.map(({ step, hypotheses }) => [step, hypotheses.map(({ text }) => text)])).toEqual([
    [0, ['60']],
    [1, ['40', '80']], // two of three candidates: 50 is the third likeliest
    [2, ['10', '20']], // of 40, 30, 20, 10
    [3, ['10', '60']], // a text may come again
  ]);
  expect(steps[1]?.hypotheses.map(({ cosine }) => cosine)).toEqual(
    ['40', '80'].map((text) => expect.closeTo(cosineOf(text), 6)),
  );
  const [, second] = questions;
  expect(Array.from(second?.embeddings ?? [])).toEqual([1, 0, 1, 0]);
  expect(Array.from(second?.hypotheses?.embeddings ?? [])).toEqual(
    ['40', '80'].flatMap((text) => [cosineOf(text), Math.sqrt(1 - cosineOf(text) ** 2)]).map((x) => Math.fround(x)),
  );
});

test('patience counts corrections that bring no text nearer; the nearest text is what is left', async () => {
  candidates = { 60: ['50'], 50: ['80'], 80: ['40'], 40: ['60'] };
  const best = (steps: readonly InvertStep[]): (string | undefined)[] => steps.map((step) => step.best.text);
  const all = ['60', '50', '50', '40', '40', '40', '40', '40', '40'];
  expect(best(await stepsOf({ steps: 8 }))).toEqual(all);
  expect(best(await stepsOf({ steps: 8, patience: 1 }))).toEqual(all.slice(0, 3));
  // 60, 50, 80 after which one has brought nothing, 40; then 60 50 80
  expect(best(await stepsOf({ steps: 8, patience: 2 }))).toEqual(all.slice(0, 6));
  // none at all would be steps: 0
  for (const patience of [0, Number.NaN]) {
    const refused = expect.objectContaining({ reason: 'CONFIG', message: expect.stringContaining('invert.patience') });
    await expect(stepsOf({ patience })).rejects.toThrow(refused);
  }
});
