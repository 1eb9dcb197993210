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
  expect(() => frequentWords([], 1)).toThrow('frequentWords.share');
});

test('a pivot of the user’s own text: the way back puts words in, by chance at temperature 1, the likeliest at 0', async () => {
  const { numTensors } = memory();
  let last = 0;
  let first = 0;
  const o = { seed: 0, tokenizer, steps: 80, batchSize: 16, maxLength: 18, width: 32 };
  const pivot = await telegraphPivot(texts, {
    ...o,
    onStep: ({ step, loss }) => {
      if (step === 10) first = loss;
      last = loss;
    },
  });
  expect(last).toBeLessThan(0.75 * first);
  const some = texts.slice(0, 20);
  const there = await pivot.forward.translate(some);
  expect(there[0]?.split(' ').length).toBeLessThan(some[0]?.split(' ').length as number);
  const greedy = await pivot.back.translate(there);
  expect(await pivot.back.translate(there)).toEqual(greedy);
  const drawn = await pivot.back.translate(there, { temperature: 1, rng: rng(1) });
  expect(drawn).not.toEqual(greedy);
  expect(await pivot.back.translate(there, { temperature: 1, rng: rng(1) })).toEqual(drawn);
  await expect(pivot.back.translate(there, { temperature: 1 })).rejects.toThrow('sampling needs a stream');
  expect(await pivot.back.translate(['', 'boy'])).toEqual(['', expect.stringMatching(/./)]);
  // longer than its context of 18 tokens, the end included
  expect(await pivot.back.translate([new Array(18).fill('boy').join(' ')])).toEqual(['']);
  const rows: RoundTrip[] = [];
  for await (const row of buildRoundTrips(some, { pivots: [pivot], seed: 0, maxWords: 17 })) rows.push(row);
  expect(rows.length).toBeGreaterThan(5);
  pivot[Symbol.dispose]();
  expect(memory().numTensors).toBe(numTensors);
  const none = telegraphPivot(['dogs bark', 'cats sleep'], { seed: 0 });
  await expect(none).rejects.toThrow('no text has a word to leave out');
  await expect(trainTranslator({ name: 'x', pairs: [], tokenizer, seed: 0 })).rejects.toThrow('there are no pairs');
});
