// What a completion is worth: for summaries of the newsroom whether the article entails them, which the world that made
// the article knows; for other completions whether they are the reference.

import type { TextSpan } from '../../report/part.ts';
import type { DataResult } from '../data.ts';

export interface Scorer {
  /** `entailed`, `exact match` */
  name: string;
  /** whether the completion counts */
  hit(prompt: string, completion: string, reference: string): boolean;
  /** the completion in pieces, each with what is known about it */
  spans(prompt: string, completion: string, reference: string): TextSpan[];
  legend: readonly { mark: NonNullable<TextSpan['mark']>; text: string }[];
}

/** The scorer of a data set; undefined for plain text, where there is nothing to score. */
export async function scorerFor(data: DataResult): Promise<Scorer | undefined> {
  if (data.task === 'newsroom') return await newsroomScorer(data);
  return data.task === 'completion' ? exactMatch : undefined;
}

async function newsroomScorer({ world }: DataResult): Promise<Scorer> {
  const { newsroom } = await import('@gimbal/worlds');
  const desk = newsroom(world);
  return {
    name: 'entailed',
    hit: (prompt, completion) => desk.entails(desk.parse(prompt), completion).label === 'entailment',
    spans(prompt, completion) {
      const article = desk.parse(prompt);
      return clauses(completion).map((text): TextSpan => {
        if (text.trim() === '') return { text };
        const judged = desk.entails(article, text);
        if (judged.malformed > 0 || judged.clauses.length === 0) return { text, mark: 'malformed' };
        const marks = { entailment: 'entailed', contradiction: 'contradicted', neutral: 'neutral' } as const;
        return { text, mark: marks[judged.clauses[0]?.label ?? 'neutral'] };
      });
    },
    legend: [
      { mark: 'entailed', text: 'the article says so' },
      { mark: 'contradicted', text: 'the article says otherwise' },
      { mark: 'neutral', text: 'the article does not say' },
      { mark: 'malformed', text: 'no statement' },
    ],
  };
}

/** A summary cut behind each full stop; the space between two clauses is a piece of its own. */
const clauses = (summary: string): string[] => summary.split(/(?<= \.)(\s+)/).filter((piece) => piece !== '');

const exactMatch: Scorer = {
  name: 'exact match',
  hit: (_, completion, reference) => completion.trim() === reference.trim(),
  spans: (_, completion, reference) => [
    { text: completion, ...(completion.trim() === reference.trim() ? { mark: 'right' as const } : {}) },
  ],
  legend: [{ mark: 'right', text: 'equal to the reference' }],
};
