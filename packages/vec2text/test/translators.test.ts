import { rng, useBackend } from '@gimbal/tensor-core';
import { toyLanguages } from '@gimbal/worlds';
import { memory } from '@tensorflow/tfjs-core';
import {
  buildRoundTrips,
  frequentWords,
  type RoundTrip,
  telegraph,
  telegraphPivot,
  trainTranslator,
  wordTokenizer,
} from '../src/index.ts';

const { aish } = toyLanguages({ preset: 'typed' });
const texts = aish.sentences(800, rng(0));
const tokenizer = wordTokenizer(aish.words);

beforeAll(() => useBackend('auto'));

test('the telegraph leaves function words out, with punctuation beside them, and no text empty', async () => {
  const { translate } = telegraph();
  expect(await translate(['The dog was in the garden, and it barked.', 'it is', 'Dogs bark.'])).toEqual([
    'dog garden, barked.',
    'it is',
    'Dogs bark.',
  ]);
  expect(await telegraph(['le', 'la']).translate(['le chat et la souris'])).toEqual(['chat et souris']);
  // a 3, b 2, c 1: a alone is half
  expect(frequentWords(['a b c', 'A b', 'a'], 0.4)).toEqual(['a']);
  expect(frequentWords(['a b c', 'A b', 'a'], 0.6)).toEqual(['a', 'b']);
  // of equal ones the first by the alphabet
  expect(frequentWords(['c b', 'a'], 0.5)).toEqual(['a', 'b']);
  expect(() => frequentWords([], 1)).toThrow('frequentWords.share');
});

test('a trip keeps all kept words in their order; the way back draws what stood between them', async () => {
  const pivot = telegraphPivot(texts);
  const some = texts.slice(0, 40);
  const there = await pivot.forward.translate(some);
  expect(there[0]?.split(' ').length).toBeLessThan(some[0]?.split(' ').length as number);
  const greedy = await pivot.back.translate(there);
  expect(await pivot.back.translate(there)).toEqual(greedy);
  const drawn = await pivot.back.translate(there, { temperature: 1, rng: rng(1) });
  expect(drawn).not.toEqual(greedy);
  expect(await pivot.back.translate(there, { temperature: 1, rng: rng(1) })).toEqual(drawn);
  expect(await pivot.forward.translate(drawn)).toEqual(there);
  await expect(pivot.back.translate(there, { temperature: 1 })).rejects.toThrow('sampling needs a stream');
  // a word that no text has, and texts without a word to keep
  expect((await pivot.back.translate(['xylophones', '', 'the a']))[0]).toMatch(/\bxylophones\b/);
  expect((await pivot.back.translate(['', 'the a'])).slice(0, 2)).toEqual(['', 'the a']);
  const rows: RoundTrip[] = [];
  for await (const row of buildRoundTrips(some, { pivots: [pivot], seed: 0 })) rows.push(row);
  const mean = rows.reduce((sum, { similarity }) => sum + similarity, 0) / rows.length;
  expect(mean).toBeGreaterThan(0.85);
  expect(() => telegraphPivot(['dogs bark', 'cats sleep'])).toThrow('no text has a word to leave out');
});

test('the telegraph keeps what denies; of other texts or words it has another name; bad input is refused', async () => {
  expect(await telegraph().translate(['no dog is not in it'])).toEqual(['no dog not']);
  expect(await telegraph(['THE']).translate(['The dog'])).toEqual(['dog']);
  const [one, same, other, words] = [
    telegraphPivot(['the dog']),
    telegraphPivot(['the dog']),
    telegraphPivot(['the dog', 'a cat']),
    telegraphPivot(['the dog'], { dropped: ['the'] }),
  ].map(({ back }) => back.name);
  expect(same).toBe(one);
  expect(new Set([one, other, words]).size).toBe(3);
  expect(() => telegraphPivot('the dog' as never)).toThrow('no list of texts');
  expect(() => telegraphPivot([null, 'the dog'] as never)).toThrow('no list of texts');
  expect(() => telegraphPivot(undefined as never)).toThrow('no list of texts');
  expect(() => telegraphPivot(['the dog'], { dropped: 'the' })).toThrow('telegraphPivot.dropped: no list of texts');
  expect(() => telegraph('the')).toThrow('no list of texts');
  expect(() => frequentWords('the dog')).toThrow('no list of texts');
  const { back } = telegraphPivot(['the dog']);
  await expect(back.translate(['dog'], { temperature: -1, rng: rng(0) })).rejects.toThrow('temperature');
  await expect(back.translate(['dog'], { temperature: Number.NaN, rng: rng(0) })).rejects.toThrow('temperature');
});

test('chances of a filling, by hand', async () => {
  const pivot = telegraphPivot(['dog ran', 'dog had ran', 'dog had ran', 'dog is old']);
  // of 12 gaps 9 are empty, 2 had, 1 is
  const frequency = [9 / 12, 2 / 12, 1 / 12];
  // after dog: 1, 2, 1 of 4, and 3 kinds; before ran and between the two: 1, 2, 0 of 3, and 2 kinds
  const weights = frequency.map(
    (q, i) => (((([1, 2, 1][i] as number) + 3 * q) / 7) * ((([1, 2, 0][i] as number) + 2 * q) / 5)) / q,
  );
  const sum = weights.reduce((a, b) => a + b, 0);
  const chances = weights.map((weight, i) => (([1, 2, 0][i] as number) + (2 * weight) / sum) / 5);
  const [batch, stream] = [new Array<string>(20_000).fill('dog ran'), rng(3)];
  // nothing ever stood before dog or after ran
  const shares = async (temperature: number): Promise<number[]> => {
    const texts = await pivot.back.translate(batch, { temperature, rng: stream });
    return ['dog ran', 'dog had ran', 'dog is ran'].map(
      (text) => texts.filter((other) => other === text).length / 20_000,
    );
  };
  const within = (got: readonly number[], wanted: readonly number[]): void => {
    for (const [i, share] of got.entries()) expect(Math.abs(share - (wanted[i] as number))).toBeLessThan(0.015); // 4 deviations
  };
  within(await shares(1), chances);
  const squares = chances.map((chance) => chance ** 2);
  within(
    await shares(0.5),
    squares.map((square) => square / squares.reduce((a, b) => a + b, 0)),
  );
  expect(await pivot.back.translate(['Dog ran'])).toEqual(['Dog had ran']);
});

test('fillings that are known from one side alone, and where neither word is known, by hand', async () => {
  const { back } = telegraphPivot(['dog is old', 'cat had ran', 'cow had ran']);
  const share = async (kept: string, wanted: string): Promise<number> => {
    const drawn = await back.translate(new Array<string>(3000).fill(kept), { temperature: 1, rng: rng(2) });
    return drawn.filter((text) => text === wanted).length / 3000;
  };
  // of 9 gaps 6 are empty, 1 is, 2 had. Between dog, which only “is” followed, and ran, which only “had” stood before:
  //   is  (1 + 1/9)/2 · (0 + 1/9)/3 / (1/9) = 5/27      had  (0 + 2/9)/2 · (2 + 2/9)/3 / (2/9) = 10/27
  expect(await back.translate(['dog ran'])).toEqual(['dog had ran']);
  expect(Math.abs((await share('dog ran', 'dog had ran')) - 2 / 3)).toBeLessThan(0.035); // 4 deviations
  expect(Math.abs((await share('dog ran', 'dog is ran')) - 1 / 3)).toBeLessThan(0.035);
  // between words of no text whatever there was, as often
  expect(Math.abs((await share('fox hid', 'fox hid')) - 6 / 9)).toBeLessThan(0.035);
  expect(Math.abs((await share('fox hid', 'fox had hid')) - 2 / 9)).toBeLessThan(0.035);
  expect(Math.abs((await share('fox hid', 'fox is hid')) - 1 / 9)).toBeLessThan(0.035);
  // capitals tell no word from another, before a gap and after it
  const titled = telegraphPivot(['Dog Is Old', 'Cat Is Old']).back;
  expect(await titled.translate(['dog fox', 'fox old'])).toEqual(['dog Is fox', 'fox Is old']);
});

test('a translator trained on pairs learns, and owns its weights', async () => {
  const { numTensors } = memory();
  const there = await telegraph().translate(texts);
  const losses: number[] = [];
  const translator = await trainTranslator({
    ...{ name: 'back', pairs: texts.map((text, i) => [there[i] as string, text] as const), tokenizer, seed: 0 },
    ...{ steps: 80, batchSize: 16, maxLength: 18, width: 32, onStep: ({ loss }) => losses.push(loss) },
  });
  expect(losses.at(-1)).toBeLessThan(0.75 * (losses[0] as number));
  const greedy = await translator.translate(there.slice(0, 9));
  expect(await translator.translate(there.slice(0, 9))).toEqual(greedy);
  const drawn = await translator.translate(there.slice(0, 9), { temperature: 1, rng: rng(1) });
  expect(drawn).not.toEqual(greedy);
  await expect(translator.translate(there, { temperature: 1 })).rejects.toThrow('sampling needs a stream');
  expect(await translator.translate(['', 'boy'])).toEqual(['', expect.stringMatching(/./)]);
  // longer than its context of 18 tokens, the end included
  expect(await translator.translate([new Array(18).fill('boy').join(' ')])).toEqual(['']);
  translator.dispose();
  expect(memory().numTensors).toBe(numTensors);
  await expect(trainTranslator({ name: 'x', pairs: [], tokenizer, seed: 0 })).rejects.toThrow('there are no pairs');
});
