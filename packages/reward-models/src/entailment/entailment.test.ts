// Judges by hand arithmetic: a classifier that counts the hypothesis's words in the premise stands for a trained one.
import { type Classifier, Tokenizer } from '@gimbal/language-models';
import { useBackend } from '@gimbal/tensor-core';
import { tensor2d } from '@tensorflow/tfjs-core';
import { smallEncoder, wordTokenizer } from '../../test/helpers/toy.ts';
import { evaluateSummaries } from '../evaluation/summaries.ts';
import { entailmentReward, filterByJudge, optimalEntailedRate, withControlTokens } from './entailment-reward.ts';
import { classifierJudge, type EntailmentJudge, type JudgeOptions, nliLabels } from './judge.ts';
import { splitSentences } from './sentences.ts';
import { windowsOf } from './windows.ts';

beforeAll(async () => {
  await useBackend('auto');
});

const tokenizer = wordTokenizer({ pairs: true });
let calls = 0;
/** P(entailment) = share of the hypothesis's words that the premise has, as logits (log p, log(1 − p), −∞). */
const overlap = {
  config: smallEncoder(),
  labels: ['entailment', 'neutral', 'contradiction'],
  parameters: [],
  logits: (_: unknown, { ids, width, lengths }: { ids: Int32Array; width: number; lengths: Int32Array }) => {
    calls += lengths.length;
    const rows = Array.from(lengths, (length, b) => {
      const row = [...ids.subarray(b * width, b * width + length)];
      const [premise, hypothesis] = [row.slice(0, row.indexOf(2)), row.slice(row.indexOf(2) + 1)];
      const p = hypothesis.filter((id) => premise.includes(id)).length / hypothesis.length;
      return [Math.log(p + 1e-6), Math.log(1 - p + 1e-6), -50];
    });
    return tensor2d(rows);
  },
} as unknown as Classifier;
const labels = { entailment: 0, neutral: 1, contradiction: 2 };
const judge = (o: Partial<JudgeOptions> = {}): EntailmentJudge =>
  classifierJudge(overlap, {}, tokenizer, { labels, emptyPolicy: 'reject', ...o });
const ask = async (j: EntailmentJudge, premise: string, hypothesis: string): Promise<number> =>
  Math.exp((await j.logProb([premise], [hypothesis]))[0] as number);

describe('a classifier as a judge', () => {
  it('gives log P(entailment), with a floor, and an empty text what the policy says', async () => {
    expect(await ask(judge(), 'red cat is', 'red is')).toBeCloseTo(1, 4);
    expect(await ask(judge(), 'red is', 'red blue')).toBeCloseTo(0.5, 4);
    expect(await ask(judge(), 'red is', 'blue green')).toBeCloseTo(1e-3, 6);
    expect(await ask(judge({ pMin: 0.03 }), 'red is', 'blue')).toBeCloseTo(0.03, 6);
    expect(await ask(judge(), 'red', ' ')).toBeCloseTo(1e-3, 6);
    expect(() => judge({ batchSize: 0 })).toThrow(/judge.batchSize: out of range; got 0/);
    expect(() => judge({ maxLength: Number.NaN })).toThrow(/judge.maxLength: out of range/);
    expect(await ask(judge({ emptyPolicy: 'accept' }), 'red', '')).toBe(1);
  });

  it('finds a text empty that the tokenizer takes nothing from', async () => {
    const normalizer = { type: 'Replace', pattern: { String: '\u200b' }, content: '' };
    const strip = new Tokenizer({ ...tokenizer.json, normalizer } as never, { pad_token: '<pad>', eos_token: '<eos>' });
    for (const aggregate of ['whole', 'summac', 'minClause'] as const) {
      const j = classifierJudge(overlap, {}, strip, { labels, emptyPolicy: 'reject', aggregate });
      expect(await ask(j, 'red is', '\u200b')).toBeCloseTo(1e-3, 6);
      // nor is a part of it a sentence
      expect(await ask(j, 'red is', 'red is\n\u200b')).toBeCloseTo(1, 4);
      await expect(ask(j, '\u200b', 'red')).rejects.toThrow(/the premise is empty/);
    }
  });

  it('sums up sentences: summac takes the mean of the best, minClause the worst', async () => {
    const article = 'red is. blue is.';
    const j = (aggregate: JudgeOptions['aggregate']) => judge({ ...(aggregate && { aggregate }) });
    const summary = 'red is.\ngreen black';
    expect(await ask(j('minClause'), article, summary)).toBeLessThan(0.01);
    expect(await ask(j('summac'), article, 'red is.\nblue is.')).toBeCloseTo(1, 4);
    expect(await ask(j('summac'), article, 'red is.\nblack and it')).toBeCloseTo(0.5, 3);
  });

  it('reads a long premise in overlapping windows, each word of it, and never cuts', async () => {
    const fill = Array(20).fill('not').join(' ');
    calls = 0;
    // a context of 16 shows 12 words beside a separator and three words
    expect(await ask(judge(), `${fill} red is it`, 'red is it')).toBeCloseTo(1, 4);
    expect(calls).toBe(3);
    expect(await ask(judge(), `not not not not not red is it ${fill}`, 'red is it')).toBeCloseTo(1, 4);
    await expect(ask(judge({ longPremise: 'error' }), fill, 'red')).rejects.toThrow(
      /the premise is longer than the judge/,
    );
    await expect(ask(judge(), 'red is', fill)).rejects.toThrow(
      /row 0: the hypothesis is longer than the judge; got "20 tokens"/,
    );
    const windows = windowsOf(
      Int32Array.from({ length: 23 }, (_, i) => i),
      6,
    );
    expect([...new Set(windows.flatMap((w) => [...w]))]).toHaveLength(23);
    expect(windows.every((w) => w.length === 6)).toBe(true);
  });

  it('abstains on a hypothesis it has no room for, where that is asked, and says how long it is', async () => {
    const long = Array(20).fill('red').join(' ');
    const seen: [number, number][] = [];
    const o = { tooLong: 'abstain' as const, onTooLong: (n: number, most: number) => void seen.push([n, most]) };
    const [premises, hypotheses] = [
      ['red is', 'red is', 'red is'],
      ['red', long, ''],
    ];
    const found = await judge(o).logProb(premises, hypotheses);
    expect([...found].map(Number.isNaN)).toEqual([false, true, false]);
    // a context of 16 less one separator and a window of 4
    expect(seen).toEqual([[20, 11]]);
    const rewards = await entailmentReward(judge(o))(premises, hypotheses);
    expect(rewards).toEqual([found[0], null, found[2]]);
    // one sentence that does not fit is enough
    expect(await ask(judge({ ...o, aggregate: 'minClause' }), 'red is', `red.\n${long}`)).toBeNaN();
    const rows = [{ prompt: 'red', completion: long }];
    await expect(filterByJudge(rows, judge(o))).rejects.toThrow(/judge classifier, row 0: the judge abstains/);
    // a premise is read in windows whatever becomes of hypotheses
    expect(await ask(judge(o), `${long} is it`, 'is it')).toBeCloseTo(1, 4);
    expect(() => judge({ tooLong: 'cut' as never })).toThrow(/judge.tooLong: unknown/);
    expect(() => judge({ emptypolicy: 'reject' } as never)).toThrow(/unknown option emptypolicy.*emptyPolicy/s);
    expect(() => judge({ maxLength: 17 })).toThrow(/judge.maxLength: out of range; got 17, wanted 4 to .* 16/);
  });

  it('refuses labels that nobody gave or that are others, an empty premise, and stops when asked', async () => {
    expect(() => judge({ labels: undefined as never })).toThrow(/nothing says which class is entailment/);
    expect(() => judge({ labels: { entailment: 2, neutral: 1, contradiction: 0 } })).toThrow(
      /class 2 has another name in the checkpoint; got "entailment", wanted contradiction/,
    );
    expect(() => judge({ labels: { entailment: 0, other: 1 } })).toThrow(/not the classes of this model/);
    expect(() => judge({ pMin: 0 })).toThrow(/pMin: out of range/);
    expect(() => judge({ emptyPolicy: undefined as never })).toThrow(/emptyPolicy: unknown/);
    await expect(ask(judge(), ' ', 'red')).rejects.toThrow(/row 0: the premise is empty/);
    await expect(judge().logProb(['red'], [])).rejects.toThrow(/differ in number/);
    await expect(judge().logProb(['red'], ['red'], { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ERR_STOPPED',
    });
    expect(nliLabels({ labels: ['CONTRADICTION', 'neutral', 'Entailment'] })).toEqual({
      entailment: 2,
      neutral: 1,
      contradiction: 0,
    });
    expect(nliLabels({ labels: ['entailment', 'not_entailment'] })).toEqual({ entailment: 0, other: 1 });
    expect(() => nliLabels({ labels: ['LABEL_0', 'LABEL_1', 'LABEL_2'] })).toThrow(/does not say which class/);
  });
});

it('divides text into sentences, not after abbreviations and initials', () => {
  expect(splitSentences('Dr. Roe left. He (J. Roe) was "tired." So?! Yes\nA new line . and more')).toEqual([
    'Dr. Roe left.',
    'He (J. Roe) was "tired."',
    'So?!',
    'Yes',
    'A new line .',
    'and more',
  ]);
  expect(splitSentences('mayor bought apple . pilot sold drum .')).toEqual([
    'mayor bought apple .',
    'pilot sold drum .',
  ]);
  expect(splitSentences('  ')).toEqual([]);
});

describe('entailment rewards', () => {
  const rows = [
    { prompt: 'red is', completion: 'red' },
    { prompt: 'red is', completion: 'blue' },
  ];

  it('filter rows, mark them, and refuse what a judge cannot mean', async () => {
    expect(await filterByJudge(rows, judge())).toEqual({ kept: [rows[0]], keptFraction: 0.5 });
    await expect(filterByJudge(rows.slice(1), judge())).rejects.toThrow(/no row is kept; got "0 of 1"/);
    await expect(filterByJudge(rows, judge(), { threshold: 1 })).rejects.toThrow(/threshold: out of range/);
    const tokens = { entailed: '<yes>', notEntailed: '<no>' };
    const marked = await withControlTokens(rows, judge(), tokens);
    expect(marked.map((row) => row.prompt)).toEqual(['red is <yes>', 'red is <no>']);
    await expect(withControlTokens([{ prompt: 'a <no>', completion: 'b' }], judge(), tokens)).rejects.toThrow(
      /row 0: the text holds a control token already; got "<no>"/,
    );
    expect((await entailmentReward(judge())(['red is'], ['red']))[0]).toBeCloseTo(0, 4);
    const broken = (value: number): EntailmentJudge => ({ name: 'x', logProb: async () => Float32Array.of(value) });
    for (const value of [0.5, Number.NaN, Number.NEGATIVE_INFINITY]) {
      await expect(entailmentReward(broken(value))(['a'], ['b'])).rejects.toThrow(/judge x, row 0: no logarithm/);
    }
  });

  it('have the optimum of rlef 2.2', () => {
    const at = (alpha: number) => Number(optimalEntailedRate(0.15, 0.03, alpha).toFixed(3));
    expect([at(0.9), at(0.5), at(0.3), at(1)]).toEqual([0.206, 0.851, 0.998, 0.15]);
    expect(optimalEntailedRate(0, 0.03, 0.1)).toBe(0);
    expect(() => optimalEntailedRate(0.5, 0, 0.5)).toThrow(/out of range/);
  });

  it('report faithfulness beside its price', async () => {
    const report = await evaluateSummaries(
      [
        { article: 'red is it', summary: 'red is', references: ['red is it'] },
        { article: 'red is it', summary: 'blue', references: ['red is'] },
      ],
      judge(),
    );
    expect(report.entailed.value).toBe(0.5);
    expect(report.coverage.value).toBe(0.5);
    expect(report.density.value).toBe(1); // one fragment of two words, and none
    expect(report.length.value).toBe(1.5);
    expect(report.rouge1.value).toBeCloseTo(0.4, 9); // F1 of 2 of 2 and 2 of 3 is .8
    const rows = [{ article: 'red is it', summary: 'red is', references: ['red is it'] }];
    const second = (score: number[]) => ({ consistency: { name: 'Q²', score: async () => score } });
    expect((await evaluateSummaries(rows, judge(), second([0.25]))).consistency?.value).toBe(0.25);
    await expect(evaluateSummaries(rows, judge(), second([2]))).rejects.toThrow(/consistency Q², row 0: .*got 2/);
    await expect(evaluateSummaries(rows, judge(), second([]))).rejects.toThrow(
      /another number of scores; got 0, wanted 1/,
    );
    for (const found of [Float32Array.of(0.5), Float32Array.of(Number.NaN), new Float32Array(2)]) {
      const odd: EntailmentJudge = { name: 'odd', logProb: async () => found };
      await expect(evaluateSummaries(rows, odd)).rejects.toThrow(/judge odd.*(?:no logarithm|another number)/);
    }
    await expect(evaluateSummaries([], judge())).rejects.toThrow(/there are no rows/);
    const none = [{ article: 'a', summary: 'b', references: [] }];
    await expect(evaluateSummaries(none, { name: 'x', logProb: async () => Float32Array.of(0) })).rejects.toThrow(
      /prediction 0 has no reference/,
    );
  });
});

it('a long run of marks is one sentence, found in one pass', () => {
  const long = `${'!'.repeat(100_000)}x`;
  expect(splitSentences(long)).toEqual([long]);
  const four = ['"Go!!"', 'he said.', '("Yes.")', 'Dr. Roe?!'];
  expect(splitSentences(four.join(' '))).toEqual(four);
});
