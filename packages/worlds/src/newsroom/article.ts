// An article: `[headline] subject verb object .` for each fact. Text and facts say the same; each is made from the other.
import { WorldError } from '../errors.ts';
import { drawDistinct } from '../internal/draw.ts';
import type { Rng } from '../rng.ts';
import type { NewsroomSettings } from './options.ts';
import { newsroomIds, splitWords, type Vocabulary } from './vocabulary.ts';

/** One statement of an article, as indices of its words within their classes. */
export interface Fact {
  /** Who acts. */
  readonly subject: number;
  /** What is done. */
  readonly verb: number;
  /** What it is done to. */
  readonly object: number;
  /** Whether it is a main fact, marked as a headline. */
  readonly head: boolean;
}

/** An article as text, as ids and as what it says. */
export interface Article {
  /** Its words, with spaces between. */
  readonly text: string;
  /** The id of each word. */
  readonly ids: Int32Array;
  /** What it says, in its order. */
  readonly facts: readonly Fact[];
}

/** Subjects distinct, objects distinct, verbs free; the main facts are drawn uniformly. */
export function drawArticle(s: NewsroomSettings, vocabulary: Vocabulary, rng: Rng): Article {
  const subjects = drawDistinct(s.subjects, s.facts, rng);
  const objects = drawDistinct(s.objects, s.facts, rng);
  const verbs = subjects.map(() => rng.int(s.verbs));
  const heads = new Set(drawDistinct(s.facts, s.heads, rng));
  const facts = subjects.map((subject, i) => ({
    subject,
    verb: verbs[i] as number,
    object: objects[i] as number,
    head: heads.has(i),
  }));
  return writeArticle(facts, vocabulary);
}

/** The article that states `facts`, in their order. */
function writeArticle(facts: readonly Fact[], { by, words, encode }: Vocabulary): Article {
  const head = words[newsroomIds.head] as string;
  const dot = words[newsroomIds.dot] as string;
  const text = facts
    .flatMap((f) => [...(f.head ? [head] : []), by.subject[f.subject], by.verb[f.verb], by.object[f.object], dot])
    .join(' ');
  return { text, ids: encode(text), facts };
}

/**
 * Reads an article's text back.
 * @throws WorldError (`data`) for an empty article or a sentence of another form
 */
export function readArticle(text: string, vocabulary: Vocabulary): Article {
  const dot = vocabulary.words[newsroomIds.dot] as string;
  const facts: Fact[] = [];
  let sentence: string[] = [];
  for (const word of splitWords(text)) {
    if (word !== dot) {
      sentence.push(word);
      continue;
    }
    facts.push(readFact(sentence, vocabulary));
    sentence = [];
  }
  if (sentence.length > 0) facts.push(readFact(sentence, vocabulary));
  if (facts.length === 0) {
    throw new WorldError('data', {
      where: 'newsroom',
      what: 'empty article',
      wanted: '[headline] subject verb object .',
    });
  }
  return { text, ids: vocabulary.encode(text), facts };
}

function readFact(sentence: readonly string[], { classify, words }: Vocabulary): Fact {
  const head = sentence[0] === words[newsroomIds.head];
  const [s, v, o, ...rest] = (head ? sentence.slice(1) : sentence).map((word) => classify(word));
  if (s?.kind === 'subject' && v?.kind === 'verb' && o?.kind === 'object' && rest.length === 0) {
    return { subject: s.index, verb: v.index, object: o.index, head };
  }
  throw new WorldError('data', {
    where: 'newsroom',
    what: 'a sentence of the article cannot be read',
    got: sentence.join(' '),
    wanted: '[headline] subject verb object',
  });
}
