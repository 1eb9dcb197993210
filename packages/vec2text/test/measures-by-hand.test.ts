// Every measure by hand, of a model that is a table: a text has two words, each of them a slot of its meaning.
import { sentenceBleu } from '@gimbal/language-models';
import type { MeasuredRow, MeasureOptions, Measurer } from '../src/index.ts';
import { decodeCodes, encodeTexts, type KnownTexts, known, knownModel } from './helpers/known-model.ts';
import { mockModule } from './helpers/mock-module.ts';

mockModule('../../src/encoding/encode-texts.ts', () => ({ encodeTexts }));
mockModule('../../src/decoding/decode-codes.ts', () => ({ decodeCodes }));
let [fluency, diversity, semanticStructure]: Measurer[] = [];
let samplesOf: typeof import('../src/measures/priors.ts').samplesOf;
beforeAll(async () => {
  ({ samplesOf } = await import('../src/measures/priors.ts'));
  ({ fluency } = await import('../src/measures/fluency.ts'));
  ({ diversity } = await import('../src/measures/diversity.ts'));
  ({ semanticStructure } = await import('../src/measures/structure.ts'));
});

const words = (text: string): string[] => text.toLowerCase().split(' ');
const isSentence = (text: string): boolean => /^[abc] [xyz]$/i.test(text);
const oracles: MeasureOptions<string[]> = {
  valid: isSentence,
  sem: (text) => (isSentence(text) ? words(text) : undefined),
  agree: (a, b) => a.filter((word, i) => word === b[i]).length / 2,
  slots: (m) => m,
  seed: 0,
  samples: 5,
  scales: [1],
};
const codes = { 'a x': [0.5, 0.5], 'a y': [0.5, -0.5], 'b x': [-0.5, 0.5], 'b y': [-0.5, -0.5] } as const;
const rows: MeasuredRow[] = Object.keys(codes).map((text) => ({ text }));

/** Measures and their values; a list of names apart tells which there are. */
async function valuesOf(measure: Measurer | undefined, of: readonly MeasuredRow[], o = oracles) {
  const found = await (measure as Measurer)(knownModel(), of, o);
  return { found, values: Object.fromEntries(Object.entries(found).map(([name, { value }]) => [name, value])) };
}
const about = (x: number): number => expect.closeTo(x, 12) as unknown as number;

/** Near a code its quadrant speaks, near 0 and far away each vector of a call has the text of its number. */
const ofPriors = ([x, y]: readonly number[], nth: number): string => {
  const [a, b] = [Math.abs(x as number), Math.abs(y as number)];
  if (a < 0.1 && b < 0.1) return ['a x', 'a x', 'b y', 'c z', 'q'][nth] as string; // the fitted normal, of deviation .01
  if (Math.abs(a - 0.5) > 0.1 || Math.abs(b - 0.5) > 0.1) return ['q', 'q', 'c z', 'q', 'q'][nth] as string; // uniform
  return (y as number) > 0 ? ((x as number) > 0 ? 'a x' : '') : (x as number) > 0 ? 'a z' : 'broken text now';
};

test('fluency: shares of sentences near codes and of priors, and the scores of the same texts', async () => {
  known.texts = { codes, elsewhere: ofPriors };
  const lm = async (texts: readonly string[]): Promise<number[]> => texts.map((text) => -text.length);
  const { found, values } = await valuesOf(fluency, rows, { ...oracles, lm });
  expect(values).toEqual({
    'validAt(0)': 1,
    'validAt(1)': about(2 / 4),
    'validPrior(uniform)': about(1 / 5),
    'validPrior(gaussian-fit)': about(4 / 5),
    'validPrior(empirical)': 1,
    lmScore: -3,
    'lmScore(uniform)': about(-(4 * 1 + 3) / 5),
    'lmScore(gaussian-fit)': about(-(4 * 3 + 1) / 5),
    'lmScore(empirical)': -3,
  });
  expect([found['validAt(1)']?.n, found['validPrior(uniform)']?.n]).toEqual([4, 5]);
});

test('the empirical prior is every code alike, and none a second time', async () => {
  known.texts = { codes };
  const all = await encodeTexts(knownModel(), Object.keys(codes));
  const drawn = (seed: number, samples: number) => samplesOf(knownModel(), 'empirical', all, { seed, samples });
  expect((await drawn(0, 400)).sort()).toEqual(Object.keys(codes));
  const first: string[] = [];
  for (let seed = 0; seed < 400; seed++) first.push(...(await drawn(seed, 1)));
  expect(first).toHaveLength(400);
  // a quarter of 400, deviation 8.7: four of them
  for (const text of Object.keys(codes))
    expect(Math.abs(first.filter((other) => other === text).length - 100)).toBeLessThan(35);
});

test('diversity: meanings, n-grams, self-BLEU and entropies of samples; sentences of one code', async () => {
  const sampled = { 'a x': ['c z', 'a x', 'a x', 'a x', 'a x', 'A X', 'b y', 'b y', 'b y', 'b y'] };
  known.texts = { codes, elsewhere: ofPriors, sampled };
  const { found, values } = await valuesOf(diversity, rows);
  expect(values).toMatchObject({
    'validPrior(gaussian-fit)': about(4 / 5),
    'distinctMeanings(gaussian-fit)': about(3 / 4),
    'distinctValid(gaussian-fit)': about(3 / 5),
    'distinct1(gaussian-fit)': about(7 / 9), // a x a x b y c z q
    'distinct2(gaussian-fit)': about(3 / 4),
    'selfBleu(gaussian-fit)': about(2 / 5), // the two that are the same
    // of words ½ ¼ ¼ against ½ ½ in the rows, in both slots
    'slotEntropyRatio(gaussian-fit)': about(1.5),
    'validPrior(uniform)': about(1 / 5),
    'distinctValid(uniform)': about(1 / 5),
    // 1000 samples would be decoded for 200 rows, 5 for two: ten texts each
    paraphrasesDistinct: about((4 + 1) / 20), // c z, a x, A X, b y; a y
    paraphrasesKept: about((5 + 10) / 20), // what the row means, in whatever words
  });
  expect([found.paraphrasesKept?.n, found['selfBleu(gaussian-fit)']?.n]).toEqual([2, 5]);
  expect(values['slotEntropyRatio(uniform)']).toBeUndefined(); // of one valid text
  // four rows are no five samples, each is drawn once: all meanings differ, and as their scores all intervals hold their value
  expect(found['distinctMeanings(empirical)']).toMatchObject({ value: 1, n: 4 });
  expect(found['distinctValid(empirical)']).toMatchObject({ value: 1, n: 4 });
  for (const [name, { value, ci }] of Object.entries(found))
    expect([name, ci[0] <= value && value <= ci[1]]).toEqual([name, true]);
});

test('self-BLEU is sentence BLEU against all the others, its interval that of leaving each text out once', async () => {
  // eight that are much alike, one that is not
  const list = ['a b c d e', 'a b c e e', 'a b c d', 'a b d e', 'b c d e', 'a b c d e', 'b b c e', 'c d e a', 'f g h'];
  known.texts = { codes, elsewhere: (_, nth) => list[nth] as string };
  const mean = (of: readonly number[]): number => of.reduce((a, b) => a + b) / of.length;
  const all = (of: readonly string[]): number =>
    mean(
      of.map((text, i) =>
        sentenceBleu(
          text,
          of.filter((_, j) => j !== i),
        ),
      ),
    ) / 100;
  const without = list.map((_, left) => all(list.filter((_, i) => i !== left)));
  const error = Math.sqrt((8 / 9) * without.reduce((sum, x) => sum + (x - mean(without)) ** 2, 0));
  const { found } = await valuesOf(diversity, rows, { ...oracles, samples: 9 });
  const value = all(list);
  expect(value + 1.96 * error).toBeLessThan(1);
  expect(found['selfBleu(gaussian-fit)']).toEqual({
    value: about(value),
    ci: [about(value - 1.96 * error), about(value + 1.96 * error)],
    n: 9,
  });
  // of two texts one alone has nothing to be like
  const two = (await valuesOf(diversity, rows, { ...oracles, samples: 2 })).found;
  expect(two['selfBleu(gaussian-fit)']).toMatchObject({ ci: [0, 1], n: 2 });
});

test('structure: meaning under noise, paraphrases against edits, and the way from a row to the next', async () => {
  const others: KnownTexts['codes'] = {
    'A X': [0.52, 0.5],
    'A Y': [0.5, -0.45],
    'B X': [-0.45, 0.5],
    'B Y': [0.1, 0.5], // nearer to a x than to b y, or b x
    'c y': [0.5, -0.49], // nearer to a y than its paraphrase is
    'c x': [-0.5, 0.2],
    'b z': [0.4, 0.4],
  };
  const edits = ['a y', 'c y', 'c x', 'b z'];
  const asked = rows.map(({ text }, i) => ({ text, paraphrase: text.toUpperCase(), edit: edits[i] as string }));
  const way: Record<string, string> = {
    ...{ '0.5,0.25': 'a z', '0.5,0': 'c y', '0.5,-0.25': 'q' }, // a x … a y
    ...{ '0.25,-0.25': 'a y', '0,0': 'a x', '-0.25,0.25': 'c y' }, // a y … b x
    ...{ '-0.5,0.25': 'b x', '-0.5,0': 'q', '-0.5,-0.25': '' }, // b x … b y
  };
  known.texts = { codes: { ...codes, ...others }, elsewhere: (z, nth) => way[z.join()] ?? ofPriors(z, nth) };
  const { found, values } = await valuesOf(semanticStructure, asked);
  expect(values).toMatchObject({
    'robustMeaning(1)': about(1 / 4), // a x
    'robustSlots(1)': about((1 + 1 / 2) / 4), // a x, and of a y the a
    paraphraseRetrieval: about(3 / 4),
    tripletAccuracy: about(3 / 4),
    interpValid: about(2 / 3),
    interpConsistency: about((1 / 2 + 1 + 0) / 3), // of c y the y; a and x; nothing
    // agreement with the start: 1 ½ 0 – ½, 1 1 ½ ½ 0, 1 1 – – ½
    interpMonotone: about((2 / 4 + 4 / 4 + 1 / 4) / 3),
  });
  expect([found.interpMonotone?.n, found.tripletAccuracy?.n, found.latentSts?.n]).toEqual([3, 4, 4]);
  // a model that writes no sentence does not move evenly from one to the other
  known.texts = { codes: { ...codes, ...others }, elsewhere: () => '' };
  expect((await valuesOf(semanticStructure, rows)).values.interpMonotone).toBe(0);
});

test('analogies: by the next row with the same word in the slot that the edit changes', async () => {
  const places: KnownTexts['codes'] = {
    ...{ 'a x': [0.5, 0.5], 'a y': [0.5, 0], 'a z': [0.5, -0.5] },
    ...{ 'b x': [-0.5, 0.5], 'b y': [-0.5, 0], 'b z': [-0.5, -0.75] },
  };
  const asked = ['a x', 'a y', 'a z'].map((text) => ({ text, edit: text.replace('a', 'b') }));
  // a x : b x = a y : (−½, 0), which is b y; a y : b y = a z : (−½, −½), right in the slot alone;
  // a z : b z = a x : (−½, ¼). By the row before it would be (−½, −½), b x, (−½, −¼)
  const elsewhere = (z: readonly number[]): string =>
    ({ '-0.5,-0.5': 'b x', '-0.5,0.25': 'b x', '-0.5,-0.25': 'q' })[z.join()] ?? '';
  known.texts = { codes: places, elsewhere };
  const { values } = await valuesOf(semanticStructure, asked, { ...oracles, scales: [] });
  expect(values).toMatchObject({ analogy: about(2 / 3), analogySlot: 1 });
});

test('latentSts asks about 4,000 pairs at most', async () => {
  // 92 rows have 4,186
  const list = Array.from({ length: 92 }, (_, i) => `row ${i}`);
  known.texts = { codes: Object.fromEntries(list.map((text, i) => [text, [Math.cos(i), Math.sin(i)] as const])) };
  let pairs = 0;
  const agree = (): number => {
    pairs++;
    return 0;
  };
  const { slots: _, ...others } = oracles;
  const sem = (text: string): string[] | undefined => (text === '' ? undefined : [text]);
  const asked = { ...others, sem, agree, scales: [], samples: 2, resamples: 2 };
  const { latentSts } = await (semanticStructure as Measurer)(
    knownModel(),
    list.map((text) => ({ text })),
    asked,
  );
  expect(latentSts?.n).toBe(92);
  expect(pairs).toBe(4000 + 2 * 2); // and the two ends of two ways between rows
});

test('latentSts: 1 where vectors lie farther apart the less their meanings share, −1 where they lie nearer', async () => {
  const turned = (degrees: number): readonly [number, number] => [
    Math.cos((degrees * Math.PI) / 180),
    Math.sin((degrees * Math.PI) / 180),
  ];
  known.texts = { codes: { 'a x': turned(0), 'b x': turned(40), 'c z': turned(90) } };
  const three = Object.keys(known.texts.codes).map((text) => ({ text }));
  const same: Record<string, number> = { abxx: 0.6, bcxz: 0.3, acxz: 0 };
  const agree = (a: string[], b: string[]): number => {
    const [low, high] = [a, b].sort() as [string[], string[]];
    return same[`${low[0]}${high[0]}${low[1]}${high[1]}`] ?? 1;
  };
  expect((await valuesOf(semanticStructure, three, { ...oracles, agree })).values.latentSts).toBeCloseTo(1, 12);
  const opposite = (a: string[], b: string[]): number => 1 - agree(a, b);
  const { values } = await valuesOf(semanticStructure, three, { ...oracles, agree: opposite });
  expect(values.latentSts).toBeCloseTo(-1, 12);
});

test('the empirical prior draws every code once before there are no more, some of them where fewer samples are asked for', async () => {
  known.texts = { codes, elsewhere: ofPriors };
  const three = (await valuesOf(diversity, rows, { ...oracles, samples: 3 })).found;
  expect(three['distinctValid(empirical)']).toMatchObject({ value: 1, n: 3 });
  expect(three['distinctValid(gaussian-fit)']?.n).toBe(3);
});

test('an oracle that answers with something else than it should is refused by its name', async () => {
  known.texts = { codes, elsewhere: ofPriors };
  const measures: Record<string, Measurer> = { fluency, diversity, semanticStructure } as Record<string, Measurer>;
  const promised = async (): Promise<never> => 'later' as never;
  const bad: [name: string, answers: (() => unknown)[], of: string[]][] = [
    ['valid', [promised, () => 'no', () => 1, () => undefined], Object.keys(measures)],
    ['sem', [promised, () => null, () => Number.NaN], ['diversity', 'semanticStructure']],
    ['slots', [promised, () => undefined, () => 'ax'], ['diversity', 'semanticStructure']],
  ];
  for (const [name, answers, of] of bad)
    for (const answer of answers)
      for (const measure of of)
        await expect(
          (measures[measure] as Measurer)(knownModel(), rows, { ...oracles, [name]: answer } as never),
        ).rejects.toMatchObject({ reason: 'CONFIG', where: `${measure}.${name}` });
  const told = fluency?.(knownModel(), rows, { ...oracles, valid: promised as never });
  await expect(told).rejects.toThrow(/its answer of ‘a x’ is none.*a promise.*true or false/s);
});
