// Byte-pair encoding's training (Sennrich et al., arXiv 1508.07909): merge the most frequent pair of neighbours, again
// and again. Counts are kept per pair and corrected only in the words that a merge touches; a heap with late correction
// finds the next pair. Ties go to the pair with the smaller ids, so a text has one result: that of Hugging Face's
// BpeTrainer (tokenizers 0.23), which breaks ties alike.
import { Heap } from '../internal/heap.ts';

export interface LearnMergesOptions {
  /** Ids in use when all merges are done. */
  vocabularySize: number;
  /** A pair seen less often is not merged. */
  minFrequency: number;
}

export interface LearnedMerges {
  /** Every token by id: the given ones, then the merged ones. */
  tokens: string[];
  /** Pairs of ids, in the order they were merged. */
  merges: [number, number][];
}

/** Pairs are keyed by one number: ids stay below 2²⁶, so a · 2²⁶ + b is exact. */
const WIDTH = 2 ** 26;

interface Pair {
  readonly a: number;
  readonly b: number;
  count: number;
  /** Words that hold the pair, or once did. */
  readonly words: Set<number>;
}

/**
 * Learns merges.
 * @param words each distinct word as ids of `alphabet`, with its count
 * @param alphabet the tokens that exist already (special ones, then single bytes), by id
 */
export function learnMerges(
  words: readonly { ids: number[]; count: number }[],
  alphabet: readonly string[],
  { vocabularySize, minFrequency }: LearnMergesOptions,
): LearnedMerges {
  const tokens = [...alphabet];
  const idOf = new Map(tokens.map((token, id) => [token, id]));
  const merges: [number, number][] = [];
  const pairs = new Map<number, Pair>();
  // the heap's counts may be old: a popped entry whose count has changed goes back with the new one
  const heap = new Heap<{ pair: Pair; count: number }>((x, y) => {
    if (x.count !== y.count) return x.count > y.count;
    return x.pair.a !== y.pair.a ? x.pair.a < y.pair.a : x.pair.b < y.pair.b;
  });

  const addPair = (a: number, b: number, change: number, word: number): Pair => {
    const key = a * WIDTH + b;
    let pair = pairs.get(key);
    if (!pair) {
      pair = { a, b, count: 0, words: new Set() };
      pairs.set(key, pair);
    }
    pair.count += change;
    if (change > 0) pair.words.add(word);
    return pair;
  };
  words.forEach(({ ids, count }, word) => {
    for (let i = 0; i + 1 < ids.length; i++) addPair(ids[i] as number, ids[i + 1] as number, count, word);
  });
  for (const pair of pairs.values()) heap.push({ pair, count: pair.count });

  while (tokens.length < vocabularySize) {
    const top = heap.pop();
    if (!top) break;
    const { pair } = top;
    if (top.count !== pair.count) {
      if (pair.count > 0) heap.push({ pair, count: pair.count });
      continue;
    }
    if (pair.count < Math.max(minFrequency, 1)) break;

    // two ways to one string share its id
    const token = (tokens[pair.a] as string) + (tokens[pair.b] as string);
    let id = idOf.get(token);
    if (id === undefined) {
      id = tokens.push(token) - 1;
      idOf.set(token, id);
    }
    merges.push([pair.a, pair.b]);

    const grown = new Set<Pair>();
    for (const word of pair.words) {
      const { ids, count } = words[word] as { ids: number[]; count: number };
      mergeInWord(ids, pair, id, (a, b, change) => {
        const changed = addPair(a, b, change * count, word);
        if (change > 0) grown.add(changed);
      });
    }
    pair.count = 0;
    pair.words.clear();
    for (const other of grown) if (other.count > 0) heap.push({ pair: other, count: other.count });
  }
  return { tokens, merges };
}

/** Replaces each a b in `ids` by `id`, in place, and tells which neighbouring pairs vanish (−1) and appear (+1). */
function mergeInWord(
  ids: number[],
  { a, b }: Pair,
  id: number,
  change: (a: number, b: number, change: 1 | -1) => void,
): void {
  let write = 0;
  for (let read = 0; read < ids.length; read++) {
    if (ids[read] !== a || ids[read + 1] !== b) {
      ids[write++] = ids[read] as number;
      continue;
    }
    if (write > 0) {
      const before = ids[write - 1] as number;
      change(before, a, -1);
      change(before, id, 1);
    }
    read++;
    if (read + 1 < ids.length) {
      const after = ids[read + 1] as number;
      change(b, after, -1);
      change(id, after, 1);
    }
    ids[write++] = id;
  }
  ids.length = write;
}
