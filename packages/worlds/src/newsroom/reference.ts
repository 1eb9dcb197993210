// The reference summary: which facts it tells, in which order and in which words, and where it lies.
import { drawDistinct, drawIndex } from '../internal/draw.ts';
import type { Rng } from '../rng.ts';
import type { Article, Fact } from './article.ts';
import { claim } from './hallucination.ts';
import type { NewsroomSettings } from './options.ts';
import { newsroomIds, type Vocabulary } from './vocabulary.ts';

/** Writes a reference of `article`; its end (EOS) is the model's matter, not the text's. */
export function writeReference(
  article: Article,
  s: NewsroomSettings,
  vocabulary: Vocabulary,
  stereotypes: readonly number[],
  rng: Rng,
): string {
  const words: string[] = [];
  if (s.styles > 0) words.push(vocabulary.by.style[rng.int(s.styles)] as string);
  const clauses = Math.min(1 + drawIndex(s.clauseRates, rng), article.facts.length);
  for (const fact of tellingOrder(article, s, rng).slice(0, clauses)) {
    const told = claim(fact, article, s, stereotypes, rng);
    // an error swaps the object first; the category word then hides or keeps it
    const synonym = s.synonyms && rng.uniform() < s.synonymRate;
    const category = s.categorySize > 0 && rng.uniform() < s.categoryRate;
    words.push(
      vocabulary.by.subject[told.subject] as string,
      vocabulary.by[synonym ? 'synonym' : 'verb'][told.verb] as string,
      category
        ? (vocabulary.by.category[Math.floor(told.object / s.categorySize)] as string)
        : (vocabulary.by.object[told.object] as string),
      vocabulary.words[newsroomIds.dot] as string,
    );
  }
  return words.join(' ');
}

/** The facts in random order, with the main ones in front with probability `mainFirstRate`. */
function tellingOrder({ facts }: Article, s: NewsroomSettings, rng: Rng): Fact[] {
  const order = drawDistinct(facts.length, facts.length, rng).map((i) => facts[i] as Fact);
  if (rng.uniform() >= s.mainFirstRate) return order;
  return [...order.filter((f) => f.head), ...order.filter((f) => !f.head)];
}
