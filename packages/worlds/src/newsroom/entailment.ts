// The oracle: what an article says is known, so whether it supports a summary is known too.
import type { Article, Fact } from './article.ts';
import type { NewsroomSettings } from './options.ts';
import type { Clause, Summary } from './summary.ts';

/** Whether a text follows from another, is left open by it, or contradicts it. */
export type NliLabel = 'entailment' | 'neutral' | 'contradiction';

/** What an article says of a summary. */
export interface Entailment {
  /** `entailment` when there is a clause, none is malformed and each is entailed; `contradiction` when one contradicts. */
  readonly label: NliLabel;
  /** The well-formed clauses in order; `fact` is the fact that supports or contradicts it, -1 where it is neutral. */
  readonly clauses: readonly { readonly label: NliLabel; readonly fact: number }[];
  /** How many clauses have no readable form. */
  readonly malformed: number;
}

/** The parts of a clause that a judge looks at. */
export type ClausePart = 'subject' | 'verb' | 'object';

/** Judges each clause, then the whole. */
export function judgeSummary(article: Article, summary: Summary, s: NewsroomSettings): Entailment {
  const clauses = summary.clauses.filter((c) => c !== undefined).map((c) => judgeClause(article, c, s));
  const malformed = summary.clauses.length - clauses.length;
  const entailed = summary.clauses.length > 0 && malformed === 0 && clauses.every((c) => c.label === 'entailment');
  const contradicted = clauses.some((c) => c.label === 'contradiction');
  return { label: entailed ? 'entailment' : contradicted ? 'contradiction' : 'neutral', clauses, malformed };
}

/**
 * `entailment` if a fact has the same subject, verb (up to its synonym) and object (or its category), `contradiction`
 * if subject and verb agree with a fact and the object does not, else `neutral`.
 */
export function judgeClause(article: Article, clause: Clause, s: NewsroomSettings): { label: NliLabel; fact: number } {
  const entailing = article.facts.findIndex((fact) => supports(fact, clause, s));
  if (entailing >= 0) return { label: 'entailment', fact: entailing };
  const contradicting = article.facts.findIndex((fact) => supports(fact, clause, s, ['object']));
  return contradicting >= 0 ? { label: 'contradiction', fact: contradicting } : { label: 'neutral', fact: -1 };
}

/** Whether `fact` supports `clause` in every part but those the judge is blind to. */
export function supports(
  fact: Fact,
  clause: Clause,
  s: NewsroomSettings,
  blindTo: readonly ClausePart[] = [],
): boolean {
  const sees = (part: ClausePart): boolean => !blindTo.includes(part);
  if (sees('subject') && clause.subject !== fact.subject) return false;
  if (sees('verb') && clause.verb !== fact.verb) return false;
  if (!sees('object')) return true;
  return clause.category === undefined
    ? clause.object === fact.object
    : clause.category === Math.floor(fact.object / s.categorySize);
}
