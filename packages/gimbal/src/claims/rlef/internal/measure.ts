// What summaries are worth: the true share that is entailed, quality, length, ROUGE, copying.
import { extractiveness, rougeN } from '@gimbal/language-models';
import { type Params, rng } from '@gimbal/tensor-core';
import type { Article, Newsroom } from '@gimbal/worlds';
import { desk, heldOut, isEntailed, type Written, write } from './desk.ts';

export interface Measured {
  /** share that the oracle finds entailed; without an end is not entailed */
  entailed: number;
  /** mean r* */
  quality: number;
  /** words and full stops */
  tokens: number;
  /** ROUGE-1 F1 against a reference of the world, content words only */
  rouge: number;
  /** of each article, in their order: the same reference for every policy, so that policies are compared in pairs */
  rouges: readonly number[];
  coverage: number;
  density: number;
  /** share of the verbs that are synonyms, which no article has */
  synonyms: number;
}

export interface MeasureOptions {
  temperature: number;
  signal: AbortSignal;
  articles?: readonly Article[];
  world?: Newsroom;
  before?: readonly number[];
}

/** Means over 300 held-out articles, of one summary each. */
export async function measure(params: Params, o: MeasureOptions): Promise<Measured> {
  const { articles = heldOut(), world = desk } = o;
  const texts = articles.map(({ text }) => text);
  const written = await write(params, texts, { ...o, seed: `T ${o.temperature}` });
  return measureTexts(articles, written, world);
}

export function measureTexts(articles: readonly Article[], written: readonly Written[], world = desk): Measured {
  const references = rng(7).split('references');
  const mean = (of: (w: Written, article: Article) => number): number =>
    written.reduce((sum, w, i) => sum + of(w, articles[i] as Article), 0) / written.length;
  const copied = written.map((w, i) => extractiveness(content((articles[i] as Article).text), content(w.text)));
  const rouges = written.map(
    (w, i) => rougeN(content(w.text), content(world.reference(articles[i] as Article, references)), 1).f1,
  );
  const { verb, synonym } = verbs(written);
  return {
    entailed: mean((w, article) => Number(w.ended && isEntailed(article, w.text, world))),
    quality: mean((w, article) => world.quality(article, w.text)),
    tokens: mean((w) => words(w.text).length),
    rouge: rouges.reduce((sum, f1) => sum + f1, 0) / rouges.length,
    rouges,
    coverage: copied.reduce((sum, c) => sum + c.coverage, 0) / copied.length,
    density: copied.reduce((sum, c) => sum + c.density, 0) / copied.length,
    synonyms: synonym / Math.max(verb + synonym, 1),
  };
}

const words = (text: string): string[] => text.split(' ').filter((word) => word !== '');

const content = (text: string): string =>
  words(text)
    .filter((word) => word !== '.' && word !== 'headline')
    .join(' ');

const [first = 0] = [desk.vocabulary.indexOf('bought')];
const { verbs: count } = desk.settings;

/** Verbs stand in the vocabulary before their synonyms. */
function verbs(written: readonly Written[]): { verb: number; synonym: number } {
  const found = { verb: 0, synonym: 0 };
  for (const { text } of written) {
    for (const word of words(text)) {
      const at = desk.vocabulary.indexOf(word) - first;
      if (at >= 0 && at < count) found.verb++;
      else if (at >= count && at < 2 * count) found.synonym++;
    }
  }
  return found;
}
