// What a small reward model sees of a summary (warm.md 5.2): how well each clause matches the facts of the article, as a
// learned judge finds, and how often each word occurs. The first is what quality depends on; the second is what a model
// of few, noisy pairs learns by heart, and what a policy then writes.
import type { EntailmentJudge } from '@gimbal/reward-models';

/** Dense inputs of summaries [n·width], row by row. */
export interface SummaryFeatures {
  readonly width: number;
  read(articles: readonly string[], summaries: readonly string[]): Promise<Float32Array>;
}

/** Numbers about clauses and facts, before the words. */
export const matches = 8;
const mark = 'headline';

interface Reading {
  facts: { text: string; isMain: boolean }[];
  clauses: string[];
  malformed: number;
  words: string[];
}

/** @param vocabulary every word that is counted */
export function summaryFeatures(judge: EntailmentJudge, vocabulary: readonly string[]): SummaryFeatures {
  const index = new Map(vocabulary.map((word, i) => [word, matches + i]));
  const width = matches + vocabulary.length;
  return {
    width,
    async read(articles, summaries) {
      const readings = articles.map((article, i) => readingOf(article, summaries[i] as string));
      const premises: string[] = [];
      const hypotheses: string[] = [];
      for (const { facts, clauses } of readings) {
        for (const clause of clauses) {
          for (const { text } of facts) {
            premises.push(text);
            hypotheses.push(clause);
          }
        }
      }
      const found = await judge.logProb(premises, hypotheses);
      const out = new Float32Array(readings.length * width);
      let at = 0;
      readings.forEach((reading, i) => {
        const { facts, clauses } = reading;
        const table = clauses.map((_, c) => facts.map((_, f) => Math.exp(found[at + c * facts.length + f] as number)));
        at += facts.length * clauses.length;
        out.set(matchFeatures(reading, table), i * width);
        for (const word of reading.words) {
          const k = index.get(word);
          if (k !== undefined) out[i * width + k] = (out[i * width + k] as number) + 1;
        }
      });
      return out;
    },
  };
}

/** Sentences `subject verb object .`; the others are malformed. */
function readingOf(article: string, summary: string): Reading {
  const facts = article.split(/(?<= \.) /).map((text) => {
    const words = text.split(' ').filter((word) => word !== mark);
    return { text: words.join(' '), isMain: text.startsWith(`${mark} `) };
  });
  const sentences = summary.split(/(?<= \.) /).filter((sentence) => sentence.trim() !== '');
  const clauses = sentences.filter((sentence) => /^\S+ \S+ \S+ \.$/.test(sentence.trim()));
  return {
    facts,
    clauses: clauses.map((clause) => clause.trim()),
    malformed: sentences.length - clauses.length,
    words: summary.split(/\s+/).filter((word) => word !== '' && word !== '.'),
  };
}

/** @param table P(entailment) of each clause by each fact */
function matchFeatures({ facts, clauses, malformed }: Reading, table: readonly (readonly number[])[]): number[] {
  const support = table.map((row) => Math.max(...row));
  const sum = support.reduce((a, b) => a + b, 0);
  const main = facts.findIndex((fact) => fact.isMain);
  const told = main < 0 ? 0 : table.reduce((most, row) => Math.max(most, row[main] as number), 0);
  let repeated = 0;
  for (let a = 0; a < table.length; a++)
    for (let b = 0; b < a; b++)
      repeated += facts.reduce((s, _, f) => s + (table[a]?.[f] as number) * (table[b]?.[f] as number), 0);
  const least = support.length === 0 ? 0 : Math.min(...support);
  return [
    clauses.length / 2,
    malformed,
    sum,
    clauses.length - sum,
    least,
    told,
    repeated,
    Math.max(clauses.length - 2, 0),
  ];
}
