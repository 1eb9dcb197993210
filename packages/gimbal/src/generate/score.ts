// Scores of written texts against wanted ones, each with the interval that it is known to.
import type { Interval } from '@gimbal/language-models';
import type { RewardFn, Rng } from '@gimbal/tensor-core';
import { rate } from '../stages/internal/intervals.ts';

export const textMetrics = [
  'rouge',
  'bleu',
  'chrf',
  'exact-match',
  'distinct',
  'extractive',
  'coverage',
  'density',
  'length',
  'entailment',
] as const;
export type TextMetric = (typeof textMetrics)[number];

/** What each score is, its unit and which way is better. */
export const legend: { readonly [score: string]: string } = {
  loss: 'nats a token of what counts, lower is better',
  perplexity: 'e^loss: as unsure as among so many tokens, 1 at best',
  rouge1: 'words shared with the reference, F of 0 to 1',
  rouge2: 'pairs of words shared, F of 0 to 1',
  rougeL: 'longest common subsequence of words, F of 0 to 1',
  bleu: 'runs of 1 to 4 words found in the references, 0 to 100',
  chrf: 'runs of 1 to 6 characters shared, F of 0 to 100',
  exactMatch: 'share of answers that are the reference, 0 to 1',
  distinct1: 'different words among all, 0 to 1: low where an answer repeats itself',
  distinct2: 'different pairs of words among all, 0 to 1',
  coverage: 'share of an answer’s words that are copied from the prompt, 0 to 1',
  density: 'mean squared length of copied stretches, words: high where an answer copies',
  compression: 'words of the prompt for each of the answer',
  words: 'of an answer',
  entailed: 'share of answers that the judge finds entailed by the prompt (P above ½), 0 to 1',
};

/** What was asked, what was wanted, what was written. */
export interface Answer {
  prompt: string;
  reference: string;
  prediction: string;
}

/** What texts were worth. */
export interface TextScores {
  /** Of all, by name. */
  scores: { [name: string]: Interval };
  /** Of each answer; BLEU is sacreBLEU's of a sentence. */
  each: { [name: string]: number }[];
}

/**
 * Means and scores of a whole corpus have intervals by the bootstrap; shares of answers have Wilson's.
 * @param draws of the bootstrap; `judge` gives log P(the prompt entails the answer), for `entailment`
 */
export async function scoreTexts(
  answers: readonly Answer[],
  metrics: readonly TextMetric[],
  { draws, rng, judge }: { draws: number; rng: Rng; judge?: RewardFn | undefined },
): Promise<TextScores> {
  const lm = await import('@gimbal/language-models');
  const predictions = answers.map(({ prediction }) => prediction);
  const references = answers.map(({ reference }) => reference);
  const o = (name: string) => ({ samples: draws, rng: rng.split(name) });
  const each: { [name: string]: number }[] = answers.map(() => ({}));
  const keep = (name: string, values: readonly number[]): void => {
    for (const [i, row] of each.entries()) row[name] = values[i] as number;
  };
  const mean = (name: string, values: readonly number[]) => {
    keep(name, values);
    return [[name, lm.bootstrapMean(values, o(name))] as const];
  };
  // drawn again, a share of none or of all would seem to be known exactly
  const share = (name: string, hits: readonly number[]) => {
    keep(name, hits);
    const { value, low, high } = rate(
      hits.reduce((sum, hit) => sum + hit, 0),
      hits.length,
    );
    return [[name, { estimate: value, low, high }] as const];
  };
  const pick = (list: readonly string[], at: readonly number[]): string[] => at.map((i) => list[i] as string);
  const corpus = (name: string, interval: Interval, one: (answer: Answer) => number) => {
    keep(name, answers.map(one));
    return [[name, interval] as const];
  };
  const prompts = answers.map(({ prompt }) => prompt);
  const verdicts = judge && metrics.includes('entailment') ? await judge(prompts, predictions) : [];
  const words = (text: string): number => text.split(/\s+/).filter((word) => word !== '').length;
  const copied = (name: 'coverage' | 'density' | 'compression') =>
    mean(
      name,
      answers.map(({ prompt, prediction }) => lm.extractiveness(prompt, prediction)[name]),
    );
  const score: { [K in TextMetric]: () => readonly (readonly [string, Interval])[] } = {
    rouge: () => {
      const all = lm.rouge(predictions, references);
      const names = ['rouge1', 'rouge2', 'rougeL'] as const;
      return names.flatMap((name) =>
        mean(
          name,
          all.map((each) => each[name]),
        ),
      );
    },
    bleu: () =>
      corpus('bleu', lm.bootstrapBleu(predictions, references, o('bleu')), ({ prediction, reference }) =>
        lm.sentenceBleu(prediction, [reference]),
      ),
    chrf: () =>
      corpus('chrf', lm.bootstrapChrf(predictions, references, o('chrf')), ({ prediction, reference }) =>
        lm.sentenceChrf(prediction, [reference]),
      ),
    'exact-match': () => share('exactMatch', lm.exactMatch(predictions, references)),
    distinct: () =>
      [1, 2].flatMap((n) =>
        corpus(
          `distinct${n}`,
          lm.bootstrap(answers.length, (at) => lm.distinctN(pick(predictions, at), n), o(`distinct${n}`)),
          ({ prediction }) => lm.distinctN([prediction], n),
        ),
      ),
    extractive: () => (['coverage', 'density', 'compression'] as const).flatMap(copied),
    coverage: () => copied('coverage'),
    density: () => copied('density'),
    length: () => mean('words', predictions.map(words)),
    entailment: () =>
      share(
        'entailed',
        verdicts.map((p) => Number(p !== null && p > Math.log(0.5))),
      ),
  };
  const scores = Object.fromEntries(metrics.flatMap((metric) => score[metric]()));
  return { scores, each };
}
