/**
 * A partition of two vocabularies into parts that mean the same of the text that follows, so that both sides have a
 * distribution over it. Tokens that are written alike make a part. One that the other side lacks is written there by a
 * shorter token in front: it belongs with the longest one that it begins with, as "has" does with "ha" where "has" is
 * missing — else the student would be taught to write "ha" in place of "has". What begins with no token of the other side,
 * special tokens among it, is one part together.
 */
import type { SharedCells } from '../rows/aligned-rows.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Names of special tokens and bytes, which begin with what they are not. */
const named = /^<.*>$/s;

/** How a token is written: a space is ▁ to some and Ġ to others. */
const nameOf = (t: Vocabulary, id: number): string | undefined => t.token(id)?.replaceAll('Ġ', '▁');

/** @returns the part of each token of both, the ends of text being one */
export function sharedCells(own: Vocabulary, other: Vocabulary): SharedCells {
  const sides = [own, other] as const;
  const offsets = [0, own.size] as const;
  const elsewhere = own.size + other.size;
  const parent = Int32Array.from({ length: elsewhere + 1 }, (_, i) => i);
  const root = (i: number): number => {
    let at = i;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at] as number] as number;
      at = parent[at] as number;
    }
    return at;
  };
  const join = (a: number, b: number): void => {
    parent[root(a)] = root(b);
  };
  const names = sides.map((t, side) => {
    const found = new Map<string, number>();
    for (let id = 0; id < t.size; id++) {
      const name = nameOf(t, id);
      if (name !== undefined && name !== '' && id !== t.special.eos && !found.has(name))
        found.set(name, id + offsets[side as 0 | 1]);
    }
    return found;
  }) as [Map<string, number>, Map<string, number>];
  for (const [side, t] of sides.entries()) {
    const [mine, theirs] = side === 0 ? names : [names[1], names[0]];
    for (let id = 0; id < t.size; id++) {
      const place = id + offsets[side as 0 | 1];
      const name = nameOf(t, id);
      if (id === t.special.eos) {
        const end = sides[1 - side]?.special.eos;
        join(place, end === undefined ? elsewhere : end + offsets[(1 - side) as 0 | 1]);
      } else if (name === undefined || name === '') join(place, elsewhere);
      else if (mine.get(name) !== place) join(place, mine.get(name) as number);
      else join(place, theirs.get(name) ?? longestBegin(name, theirs) ?? elsewhere);
    }
  }
  // what neither begins with is the first part, also where nothing is
  const cells = new Map([[root(elsewhere), 0]]);
  const cellOf = (place: number): number => {
    const at = root(place);
    const known = cells.get(at) ?? cells.size;
    cells.set(at, known);
    return known;
  };
  const of = (side: 0 | 1): Int32Array =>
    Int32Array.from({ length: sides[side].size }, (_, id) => cellOf(id + offsets[side]));
  return { own: of(0), other: of(1), count: cells.size };
}

/** Place of the longest token that a name begins with. */
function longestBegin(name: string, tokens: ReadonlyMap<string, number>): number | undefined {
  if (named.test(name)) return undefined;
  for (let length = name.length - 1; length > 0; length--) {
    const place = tokens.get(name.slice(0, length));
    if (place !== undefined) return place;
  }
  return undefined;
}

const known = new WeakMap<Vocabulary, WeakMap<Vocabulary, SharedCells>>();

/** The same, once for two vocabularies. */
export function cellsOnce(own: Vocabulary, other: Vocabulary): SharedCells {
  const ofOwn = known.get(own) ?? new WeakMap<Vocabulary, SharedCells>();
  known.set(own, ofOwn);
  const found = ofOwn.get(other) ?? sharedCells(own, other);
  ofOwn.set(other, found);
  return found;
}
