import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rng } from '@gimbal/tensor-core';
import { bootstrapBleu, corpusBleu, sentenceBleu, tokenize13a } from './bleu.ts';
import { bootstrap, bootstrapMean } from './bootstrap.ts';
import { bootstrapChrf, corpusChrf, sentenceChrf } from './chrf.ts';
import { distinctN, exactMatch } from './exact-match.ts';
import { extractiveness } from './extractive.ts';
import { rouge, rougeL, rougeN } from './rouge.ts';
import { selfBleu } from './self-bleu.ts';

const golden = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../test/golden/metrics.golden.json', import.meta.url)), 'utf8'),
) as {
  cases: {
    prediction: string;
    references: string[];
    bleu: number;
    chrf: number;
    rouge: Record<string, [number, number, number]>;
    tokens: string;
  }[];
  corpus: { bleu: number; chrf: number };
};

it.each(golden.cases)('scores $prediction as the reference libraries do', ({ prediction, references, ...wanted }) => {
  expect(tokenize13a(prediction.trimEnd()).join(' ')).toBe(wanted.tokens);
  expect(sentenceBleu(prediction, references)).toBeCloseTo(wanted.bleu, 9);
  expect(sentenceChrf(prediction, references)).toBeCloseTo(wanted.chrf, 9);
  const ours = {
    rouge1: rougeN(prediction, references[0] as string, 1),
    rouge2: rougeN(prediction, references[0] as string, 2),
    rougeL: rougeL(prediction, references[0] as string),
  };
  for (const [name, { precision, recall, f1 }] of Object.entries(ours)) {
    [precision, recall, f1].forEach((x, i) => {
      expect(x).toBeCloseTo(wanted.rouge[name]?.[i] as number, 12);
    });
  }
});

it('knows white space as the reference libraries do, by Python and not by JavaScript', () => {
  // sacreBLEU 2.6.0's scores; the separators U+001C to U+001F and U+0085 part words, U+FEFF does not
  expect(sentenceBleu('a\u001cb c', ['a b c'])).toBeCloseTo(100, 9);
  expect(sentenceChrf('a\u001cb c', ['a b c'])).toBeCloseTo(100, 9);
  expect(sentenceBleu('a\u0085b c d', ['ab c d'])).toBeCloseTo(31.95, 2);
  expect(sentenceChrf('a\u0085b c d', ['ab c d'])).toBeCloseTo(100, 9);
  expect(sentenceBleu('\ufeffthe cat sat on', ['the cat sat on'])).toBeCloseTo(59.46, 2);
  expect(sentenceChrf('\ufeffthe cat sat on', ['the cat sat on'])).toBeCloseTo(97.61, 2);
});

it('scores the whole corpus', () => {
  const [predictions, references] = [
    golden.cases.map((c) => c.prediction),
    golden.cases.map((c) => c.references[0] as string),
  ];
  expect(corpusBleu(predictions, references)).toBeCloseTo(golden.corpus.bleu, 9);
  expect(corpusChrf(predictions, references)).toBeCloseTo(golden.corpus.chrf, 9);
});

it('is held to the shorter of two references that are as near', () => {
  // sacreBLEU 2.6.0 gives 100 for both, whichever reference is first
  expect(sentenceBleu('a b c', ['a b c d', 'a b'])).toBeCloseTo(100, 9);
  expect(corpusBleu(['a b c d e'], [['a b c d', 'a b c d e f']])).toBeCloseTo(100, 9);
  expect(corpusBleu(['a b c d e'], ['a b c d e f'])).toBeCloseTo(100 * Math.exp(1 - 6 / 5), 9);
  // rounding makes it no more than 100
  expect([sentenceBleu('a b c d', ['a b c d']), corpusBleu(['a b c d'], ['a b c d'])]).toEqual([100, 100]);
});

it('gives the interval of a corpus score as it would be counted anew at each draw', () => {
  const predictions = golden.cases.map((c) => c.prediction);
  const references = golden.cases.map((c) => c.references);
  const pick = <T>(list: readonly T[], at: readonly number[]): T[] => at.map((i) => list[i] as T);
  for (const [quick, slow] of [
    [bootstrapBleu, corpusBleu],
    [bootstrapChrf, corpusChrf],
  ] as const) {
    const wanted = bootstrap(predictions.length, (at) => slow(pick(predictions, at), pick(references, at)), {
      samples: 20,
      rng: rng(4),
    });
    expect(quick(predictions, references, { samples: 20, rng: rng(4) })).toEqual(wanted);
    expect(wanted.low).toBeLessThan(wanted.high);
  }
});

it('refuses a prediction without a reference', () => {
  for (const metric of [sentenceBleu, sentenceChrf]) {
    expect(() => metric('a b', [])).toThrow(/prediction 0 has no reference/);
  }
});

it('takes empty texts', () => {
  expect(
    corpusBleu(
      ['', '', ''],
      [
        ['a', 'b'],
        ['c', 'd'],
        ['e', 'f'],
      ],
    ),
  ).toBe(0);
  expect(
    corpusChrf(
      ['', '', ''],
      [
        ['a', 'b'],
        ['c', 'd'],
        ['e', 'f'],
      ],
    ),
  ).toBe(0);
  expect(corpusBleu(['hello'], [''])).toBe(0);
  expect(sentenceBleu('yes', ['no'])).toBe(0);
  const [predictions, references] = [
    ['', 'the cat sat on the mat'],
    ['a dog ran', 'the cat sat on the mat'],
  ];
  expect(corpusBleu(predictions, references)).toBeCloseTo(60.65, 2);
  expect(corpusChrf(predictions, references)).toBeCloseTo(80.9, 2);
  expect(rouge([''], ['text'])).toEqual([{ rouge1: 0, rouge2: 0, rougeL: 0 }]);
  expect(exactMatch([''], ['text'])).toEqual([0]);
});

it('refuses unequal numbers, naming both', () => {
  for (const metric of [corpusBleu, corpusChrf, rouge, exactMatch]) {
    expect(() => metric(['a', 'b', 'c'], [['a', 'b', 'c']])).toThrow(/3 predictions, 1 references/);
  }
});

it('matches exactly, or as SQuAD does', () => {
  expect(exactMatch(['The cat.', 'dog '], ['cat', ['cow', 'dog']])).toEqual([0, 1]);
  expect(exactMatch(['The cat.', 'an  Owl'], ['cat', 'owl!'], { normalize: true })).toEqual([1, 1]);
});

it('counts different runs, and what a summary copies', () => {
  expect(distinctN(['a b a', 'a b'], 1)).toBe(2 / 5);
  expect(distinctN(['a b a', 'a b'], 2)).toBe(2 / 3); // ab, ba of ab, ba, ab
  expect(distinctN([''], 1)).toBe(0);
  // fragments "the cat sat" (3) and "mat" (1) of 5 words; 9 words of the article
  expect(extractiveness('the cat sat on the mat , then slept', 'the cat sat near mat')).toEqual({
    coverage: 4 / 5,
    density: 10 / 5,
    compression: 9 / 5,
  });
  expect(extractiveness('text', '')).toEqual({ coverage: 0, density: 0, compression: 0 });
  expect(() => extractiveness(['text'] as never, 'text')).toThrow(/of one text and its summary; got "?a list/);
});

it('gives intervals that hold the mean as often as they say', () => {
  let inside = 0;
  for (let trial = 0; trial < 200; trial++) {
    const stream = rng(trial);
    const values = Array.from({ length: 40 }, () => stream.uniform());
    const { low, high, estimate } = bootstrapMean(values, { samples: 200, rng: stream.split('bootstrap') });
    expect(low).toBeLessThanOrEqual(estimate);
    if (low <= 0.5 && 0.5 <= high) inside++;
  }
  expect(inside).toBeGreaterThan(178); // 190 wanted, σ = 3
  expect(inside).toBeLessThan(200);
  const one = bootstrapMean([3], { rng: rng(0) });
  expect(one).toEqual({ estimate: 3, low: 3, high: 3 });
  expect(() => bootstrap(0, () => 0, { rng: rng(0) })).toThrow(/there are no rows/);
});

describe('selfBleu', () => {
  const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / list.length;
  const eachOf = (list: readonly string[]): number[] =>
    list.map((text, i) =>
      sentenceBleu(
        text,
        list.filter((_, j) => j !== i),
      ),
    );

  it('is sentence BLEU against all others, and with each text left out as prediction and reference', () => {
    const stream = rng(7);
    for (const size of [3, 4, 12]) {
      // words that repeat within a text, texts that repeat, one without a word, lengths that tie
      const texts = Array.from({ length: size }, (_, i) =>
        Array.from({ length: i === 0 ? 0 : 1 + stream.int(7) }, () => 'abc'[stream.int(3)]).join(' '),
      );
      texts[size - 1] = texts[1] as string;
      const { each, without } = selfBleu(texts);
      expect(each).toEqual(eachOf(texts));
      texts.forEach((_, left) => {
        expect(without[left]).toBeCloseTo(mean(eachOf(texts.filter((_, i) => i !== left))), 9);
      });
    }
  });

  it('takes the next closest length where the text of the closest is left out', () => {
    const texts = ['a b', 'a b c', 'a b c d'];
    // without the second: 'a b' against four tokens e^(1 − 4/2), 'a b c d' precisions 2/4, 1/3, 1/4 and 1/4 by smoothing
    const other = 100 * ((2 / 4) * (1 / 3) * (1 / 4) * (1 / 4)) ** (1 / 4);
    expect(selfBleu(texts).without[1]).toBeCloseTo((100 * Math.exp(-1) + other) / 2, 9);
  });

  it('needs two texts, and three to leave one out', () => {
    const all = expect.closeTo(100, 9);
    expect(selfBleu(['a', 'a'])).toEqual({ each: [all, all], without: [] });
    expect(() => selfBleu(['a'])).toThrow(/selfBleu: too few texts/);
  });
});
