// Preference data with known truth: two summaries of an article, of which an annotator names the better one.
import { WorldError } from '../errors.ts';
import { checkCount } from '../internal/check.ts';
import type { Rng } from '../rng.ts';
import type { Article } from './article.ts';
import { type AnnotateOptions, annotateQualities } from './preference.ts';

/**
 * Kinds of annotators: `oracle` is always right; `careful` chooses by quality and slips once in twenty; `noisy` turns a
 * quarter of its labels round, as in WARM's experiment; `inconsistent` hardly tells good from bad; `random` not at all.
 */
export const annotators = {
  oracle: { sharpness: Number.POSITIVE_INFINITY, swap: 0 },
  careful: { sharpness: 2, swap: 0.05 },
  noisy: { sharpness: Number.POSITIVE_INFINITY, swap: 0.25 },
  inconsistent: { sharpness: 0.5, swap: 0 },
  random: { sharpness: 0, swap: 0 },
} as const satisfies Record<string, Omit<AnnotateOptions, 'rng'>>;

/** Who labels. */
export type PreferenceRowsOptions = Partial<Omit<AnnotateOptions, 'rng'>>;

/** A labelled pair, and what is true of it. */
export interface PreferenceRow {
  /** The article. */
  prompt: string;
  /** The summary that the annotator prefers. */
  chosen: string;
  /** The other one. */
  rejected: string;
  /** Quality of the preferred one less that of the other: below 0 where the annotator is wrong. */
  qualityGap: number;
}

/** What the rows are made with. */
interface Makers {
  draw(): Article;
  reference(article: Article, rng: Rng): string;
  quality(article: Article, summary: string): number;
}

/** Ties in a row after which no pair is expected to differ; where one in a thousand does, all tie once in 20,000 times. */
const mostTies = 10_000;

/** @throws WorldError (`config`) for a count or a rate that makes no sense, and for a world in which every pair ties */
export function drawPreferenceRows(
  n: number,
  rng: Rng,
  { sharpness = annotators.noisy.sharpness, swap = annotators.noisy.swap }: PreferenceRowsOptions,
  { draw, reference, quality }: Makers,
): PreferenceRow[] {
  checkCount('newsroom.preferenceRows', 'n', n, 0);
  const rows: PreferenceRow[] = [];
  let ties = 0;
  while (rows.length < n) {
    const article = draw();
    const pair = [reference(article, rng), reference(article, rng)] as [string, string];
    const [r1, r2] = [quality(article, pair[0]), quality(article, pair[1])];
    if (r1 === r2) {
      // nobody can be right about a tie
      if (++ties >= mostTies) throw allTie();
      continue;
    }
    ties = 0;
    const first = annotateQualities(r1, r2, { sharpness, swap, rng }) === 0;
    rows.push({
      prompt: article.text,
      chosen: pair[first ? 0 : 1],
      rejected: pair[first ? 1 : 0],
      qualityGap: first ? r1 - r2 : r2 - r1,
    });
  }
  return rows;
}

const allTie = (): WorldError =>
  new WorldError('config', {
    where: 'newsroom.preferenceRows',
    what: 'the references of an article are all of one quality',
    got: `${mostTies} ties in a row`,
    wanted: 'pairs of different quality',
    fix: 'Raise stereotypeRate, errorRate or categoryRate, or take more facts than heads.',
  });
