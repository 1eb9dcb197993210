// The measures on a model whose texts are known: rows are what it decodes itself.
import { rng, useBackend } from '@gimbal/tensor-core';
import {
  arithmetic,
  decodeCodes,
  diversity,
  encodeTexts,
  fluency,
  type MeasureOptions,
  semanticStructure,
  universality,
  type Vec2Text,
} from '../src/index.ts';
import { distinctInterval } from '../src/measures/distinct.ts';
import { randomModel } from './helpers/toy.ts';

let model: Vec2Text;
beforeAll(async () => {
  await useBackend('auto');
  model = randomModel();
});
afterAll(() => model.dispose());

const words = (text: string): string[] => text.split(' ').filter((word) => word !== '');
/** A text means its first two words; one without is no sentence. */
const oracles: MeasureOptions<readonly string[]> = {
  valid: (text) => words(text).length >= 2,
  sem: (text) => (words(text).length >= 2 ? words(text).slice(0, 2) : undefined),
  agree: (a, b) => a.filter((word, i) => word === b[i]).length / 2,
  slots: (m) => m,
  seed: 3,
  samples: 20,
  resamples: 30,
};
const texts = ['the boy saw the box', 'a girl found the lamp', 'the old doctor took a stone', 'a red box saw the girl'];
const rows = texts.map((text, i) => ({
  text,
  paraphrase: texts[(i + 1) % 4] as string,
  edit: texts[(i + 2) % 4] as string,
}));

it('compares greedy texts with the sentences', async () => {
  const found = await universality(model, rows, oracles);
  const decoded = (await decodeCodes(model, await encodeTexts(model, texts))).map(({ text }) => text);
  const share = (f: (text: string, i: number) => number): number =>
    decoded.reduce((s, text, i) => s + f(text, i) / 4, 0);
  expect(found.exactMatch?.value).toBeCloseTo(
    share((text, i) => Number(text === texts[i])),
    12,
  );
  const agreeing = (text: string, i: number): number => {
    const [a, b] = [oracles.sem(text), oracles.sem(texts[i] as string)];
    return a && b ? oracles.agree(a, b) : 0;
  };
  expect(found.slotAccuracy?.value).toBeCloseTo(share(agreeing), 12);
  expect(found.meaningMatch?.value).toBeCloseTo(
    share((text, i) => Number(agreeing(text, i) === 1)),
    12,
  );
  expect(Object.keys(found)).toEqual(
    'exactMatch bleu tokenF1 ce meaningMatch slotAccuracy meaningMatchFromParaphrase'.split(' '),
  );
  for (const { value, ci, n } of Object.values(found)) {
    expect(ci[0]).toBeLessThanOrEqual(value + 1e-12);
    expect(ci[1]).toBeGreaterThanOrEqual(value - 1e-12);
    expect(n).toBe(4);
  }
});

it('measures groups apart: the same numbers as of their rows alone, and none of a group of one', async () => {
  const grouped = rows.map((row, i) => ({
    ...row,
    ...(i < 2 && { group: 'short' }),
    ...(i === 3 && { group: 'odd' }),
  }));
  const all = await universality(model, grouped, oracles);
  const alone = await universality(model, rows.slice(0, 2), oracles);
  for (const name of ['exactMatch', 'bleu', 'tokenF1', 'meaningMatch', 'slotAccuracy'])
    expect([name, all[`${name}(short)`]?.value, all[`${name}(short)`]?.n]).toEqual([name, alone[name]?.value, 2]);
  expect(Object.keys(all).filter((name) => name.includes('odd'))).toEqual([]);
  const plain = await universality(model, rows, oracles);
  for (const [name, measure] of Object.entries(plain)) expect([name, all[name]]).toEqual([name, measure]);
});

it('asks analogies: a row is to its edit as the next row with the same word in that slot is to what is decoded', async () => {
  // the first slot of rows 0 and 2 is “the”, of 1 and 3 “a”; edits change it, but for the last, which changes both
  const edits = [
    'a boy saw the box',
    'the girl found the lamp',
    'a old doctor took a stone',
    'the big box saw the girl',
  ];
  const asked = texts.map((text, i) => ({ text, edit: edits[i] as string }));
  const found = await semanticStructure(model, asked, { ...oracles, samples: 1000 });
  const [z, e] = [await encodeTexts(model, texts), await encodeTexts(model, edits)];
  const code = (codes: Float32Array, i: number): Float32Array => codes.slice(4 * i, 4 * i + 4);
  // row, the row it is compared with, what the changed slot is to say
  const wanted = [
    [0, 2, 'a'],
    [1, 3, 'the'],
    [2, 0, 'a'],
  ] as const;
  let [slot, whole] = [0, 0];
  for (const [row, third, word] of wanted) {
    const terms = [
      { z: code(z, third), w: 1 },
      { z: code(e, row), w: 1 },
      { z: code(z, row), w: -1 },
    ];
    const [decoded] = await decodeCodes(model, arithmetic(model.module.space, terms, { project: true }));
    const [first, second] = words(decoded?.text as string);
    if (first !== word || second === undefined) continue;
    slot += 1 / 3;
    if (second === words(texts[third] as string)[1]) whole += 1 / 3;
  }
  expect(found.analogySlot).toMatchObject({ value: expect.closeTo(slot, 12), n: 3 });
  expect(found.analogy).toMatchObject({ value: expect.closeTo(whole, 12), n: 3 });
  const { slots: _, ...without } = oracles;
  expect((await semanticStructure(model, asked, without)).analogy).toBeUndefined();
});

it('agrees with the loss of the module on cross-entropy', async () => {
  const { tensor2d } = await import('@tensorflow/tfjs-core');
  const { module, params, tokenizer } = model;
  const { ce } = await universality(model, rows, oracles);
  const width = module.config.maxLength;
  const ids = new Int32Array(4 * width).fill(module.config.padId);
  texts.forEach((text, i) => {
    ids.set([...tokenizer.encodeText(text), module.config.eosId], i * width);
  });
  const batch = tensor2d(ids, [4, width], 'int32');
  const loss = module.loss(params, { input: batch, target: batch }, rng(0));
  expect(ce?.value).toBeCloseTo((await loss.data())[0] as number, 4);
  batch.dispose();
  loss.dispose();
});

// their values: measures-by-hand.test.ts
it('measures fluency, diversity and structure, the same for the same seed, and leaves no tensors', async () => {
  const { memory } = await import('@tensorflow/tfjs-core');
  const all = async () => ({
    ...(await fluency(model, rows, { ...oracles, lm: async (list) => list.map((text) => -text.length) })),
    ...(await diversity(model, rows, oracles)),
    ...(await semanticStructure(model, rows, oracles)),
  });
  const first = await all();
  const before = memory().numTensors;
  expect(await all()).toEqual(first);
  expect(memory().numTensors).toBe(before);
  const other = await diversity(model, rows, { ...oracles, seed: 4 });
  expect(other['distinct1(gaussian-fit)']?.value).not.toBe(first['distinct1(gaussian-fit)']?.value);
  const share = first['distinctMeanings(gaussian-fit)']?.value as number;
  const valid = first['validPrior(gaussian-fit)']?.value as number;
  expect(first['distinctValid(gaussian-fit)']?.value).toBeCloseTo(share * valid, 10);
});

it('counts a tie of the triplet as a failure, and finds a code that is its own paraphrase', async () => {
  const same = texts.map((text) => ({ text, paraphrase: text, edit: text }));
  const { tripletAccuracy, paraphraseRetrieval } = await semanticStructure(model, same, oracles);
  expect([tripletAccuracy?.value, paraphraseRetrieval?.value]).toEqual([0, 1]);
});

it('measures two rows by what needs no more: the one way between them has no interval', async () => {
  const two = await semanticStructure(model, rows.slice(0, 2), oracles);
  expect(two['robustSlots(0.5)']?.n).toBe(2);
  expect([two.interpValid, two.interpMonotone, two.interpConsistency]).toEqual([undefined, undefined, undefined]);
  expect((await semanticStructure(model, rows.slice(0, 3), oracles)).interpValid?.n).toBe(2);
});

it('gives distinct n-grams the interval of leaving each text out once', () => {
  // of 5 words 3 differ; without each text: {b c} 2/2, {a b c} 3/4, {a b} 2/4; their mean is 3/4
  const { value, ci, n } = distinctInterval(['a a b', 'b', 'c'], 1);
  const error = Math.sqrt((2 / 3) * (0.25 ** 2 + 0 + 0.25 ** 2));
  expect([value, n]).toEqual([3 / 5, 3]);
  expect(ci).toEqual([expect.closeTo(3 / 5 - 1.96 * error, 12), 1]); // no share is above 1
  // pairs: aa, ab, of one text alone
  expect(distinctInterval(['a a b', 'b', 'c'], 2).value).toBe(1);
  expect(distinctInterval(['', ''], 1)).toEqual({ value: 0, ci: [0, 0], n: 2 });
});

it('draws rows, not pairs, for the interval of latentSts', async () => {
  // 40 rows of 780 pairs: by pairs the interval would be about as wide as that of 780 numbers
  const subjects = 'boy girl doctor lamp box'.split(' ');
  const list = subjects.flatMap((a) =>
    ['saw', 'found'].flatMap((v) => ['lamp', 'box', 'stone', 'boy'].map((b) => `the ${a} ${v} a ${b}`)),
  );
  const meant: MeasureOptions<readonly string[]> = {
    ...oracles,
    sem: words,
    agree: (a, b) => a.filter((w, i) => w === b[i]).length / 5,
  };
  const { latentSts } = await semanticStructure(
    model,
    list.map((text) => ({ text })),
    { ...meant, scales: [], resamples: 200 },
  );
  expect(latentSts?.n).toBe(40);
  const [low, high] = latentSts?.ci ?? [0, 0];
  // Fisher: 780 independent pairs at ρ = 0 have 3.92 / √777
  expect(high - low).toBeGreaterThan(1.3 * (3.92 / Math.sqrt(777)));
});

it('refuses fewer than two rows', async () => {
  // two rows are one pair of neighbours: too few for what lies between
  expect(await semanticStructure(model, rows.slice(0, 2), oracles)).not.toHaveProperty('interpValid');
  await expect(universality(model, rows.slice(0, 1), oracles)).rejects.toMatchObject({ reason: 'TOO_FEW' });
  await expect(semanticStructure(model, [], oracles)).rejects.toMatchObject({ reason: 'TOO_FEW' });
});
