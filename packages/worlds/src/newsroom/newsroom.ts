// The world `newsroom`: articles of a few facts, short references that are often wrong, and an oracle that knows.
// After the benchmark of "Factually Consistent Summarization via Reinforcement Learning with Textual Entailment
// Feedback" (arXiv 2306.00186) in miniature: there only raters know whether a summary is supported; here a function.

import { WorldError } from '../errors.ts';
import type { Rng } from '../rng.ts';
import { type Article, drawArticle, readArticle } from './article.ts';
import { type Entailment, judgeSummary } from './entailment.ts';
import { drawStereotypes } from './hallucination.ts';
import { type JudgeOptions, oracleJudge } from './judge.ts';
import { type NewsroomOptions, type NewsroomSettings, newsroomSettings } from './options.ts';
import { type AnnotateOptions, annotateQualities, cyclicPreference, type PreferenceOptions } from './preference.ts';
import { drawPreferenceRows, type PreferenceRow, type PreferenceRowsOptions } from './preference-rows.ts';
import { scoreQuality } from './quality.ts';
import { writeReference } from './reference.ts';
import { readSummary } from './summary.ts';
import { newsroomIds, newsroomVocabulary } from './vocabulary.ts';

/** Articles, summaries and an oracle that knows which clauses are true. It holds no state: streams are arguments. */
export interface Newsroom {
  /** The options, defaults filled in. */
  readonly settings: NewsroomSettings;
  /** The word of each id. */
  readonly vocabulary: readonly string[];
  /** The ids that are marks, not words. */
  readonly ids: typeof newsroomIds;
  /** The object that each subject is falsely said to act on, by index. */
  readonly stereotypes: readonly number[];
  /** Draws `n` articles. */
  articles(n: number, rng: Rng): Article[];
  /** Writes a reference summary: what a careless journalist would. */
  reference(article: Article, rng: Rng): string;
  /** Draws `n` articles with their references, as rows of prompt and completion. */
  rows(n: number, rng: Rng): { prompt: string; completion: string }[];
  /** Reads an article's text. @throws WorldError (`data`) for a text that is none */
  parse(text: string): Article;
  /** The ids of a text of this world's words. @throws WorldError (`data`) naming an unknown word */
  encode(text: string): Int32Array;
  /** The text of ids, without `<pad>`, `<bos>`, `<sep>` and `<eos>`. */
  decode(ids: ArrayLike<number>): string;
  /** Whether the article supports the summary, clause by clause. Never throws for a summary, whatever it holds. */
  entails(article: Article, summary: string): Entailment;
  /** The quality r* that an ideal reader gives. */
  quality(article: Article, summary: string): number;
  /** A reward function over texts: log(1 − eps) for a supported summary, else log(eps). */
  judge(eps: number, o?: JudgeOptions): (articles: readonly string[], summaries: readonly string[]) => number[];
  /** The index (0 or 1) of the summary that a noisy annotator prefers. */
  annotate(article: Article, y1: string, y2: string, o: AnnotateOptions): 0 | 1;
  /**
   * Draws `n` pairs of references, each of one article, as an annotator labels them; pairs of equal quality are drawn
   * anew.
   * @throws WorldError (`config`) in a world whose references never differ in quality
   */
  preferenceRows(n: number, rng: Rng, o?: PreferenceRowsOptions): PreferenceRow[];
  /** A preference function over texts: P(a ≻ b), with a circle among the styles. */
  preference(
    o?: PreferenceOptions,
  ): (articles: readonly string[], a: readonly string[], b: readonly string[]) => number[];
}

/**
 * Makes the newsroom.
 * @throws WorldError (`config`) for an unknown or impossible option
 * @example
 * const world = newsroom();
 * const [article] = world.articles(1, rng(0));
 * world.entails(article, world.reference(article, rng(1))).label; // 'entailment' for 35 % of references
 */
export function newsroom(o: NewsroomOptions = {}): Newsroom {
  const settings = newsroomSettings(o);
  const vocabulary = newsroomVocabulary(settings);
  const stereotypes = drawStereotypes(settings);

  // rewards are asked for the same articles again and again: read each once, within bounds
  const known = new Map<string, Article>();
  const parse = (text: string): Article => {
    const seen = known.get(text);
    if (seen) return seen;
    const article = readArticle(text, vocabulary);
    if (known.size >= 4096) known.clear();
    known.set(text, article);
    return article;
  };
  const read = (summary: string) => readSummary(summary, vocabulary);
  const reference = (article: Article, rng: Rng) => writeReference(article, settings, vocabulary, stereotypes, rng);
  const quality = (article: Article, summary: string) => scoreQuality(article, read(summary), settings);

  return {
    settings,
    vocabulary: vocabulary.words,
    ids: newsroomIds,
    stereotypes,
    articles: (n, rng) => Array.from({ length: n }, () => drawArticle(settings, vocabulary, rng)),
    reference,
    rows: (n, rng) =>
      Array.from({ length: n }, () => {
        const article = drawArticle(settings, vocabulary, rng);
        return { prompt: article.text, completion: reference(article, rng) };
      }),
    parse,
    encode: vocabulary.encode,
    decode: vocabulary.decode,
    entails: (article, summary) => judgeSummary(article, read(summary), settings),
    quality,
    judge(eps, options = {}) {
      const score = oracleJudge(eps, options, settings);
      return (articles, summaries) => {
        checkPairs('newsroom.judge', articles, summaries);
        return articles.map((text, i) => score(parse(text), read(summaries[i] as string)));
      };
    },
    annotate: (article, y1, y2, options) => annotateQualities(quality(article, y1), quality(article, y2), options),
    preferenceRows: (n, rng, options = {}) => {
      const draw = (): Article => drawArticle(settings, vocabulary, rng);
      return drawPreferenceRows(n, rng, options, { draw, reference, quality });
    },
    preference(options = {}) {
      return (articles, a, b) => {
        checkPairs('newsroom.preference', articles, a);
        checkPairs('newsroom.preference', articles, b);
        return articles.map((text, i) =>
          cyclicPreference(parse(text), read(a[i] as string), read(b[i] as string), options, settings),
        );
      };
    },
  };
}

function checkPairs(where: string, articles: readonly string[], summaries: readonly string[]): void {
  if (articles.length === summaries.length) return;
  const what = 'articles and summaries differ in number';
  throw new WorldError('data', { where, what, got: summaries.length, wanted: articles.length });
}
