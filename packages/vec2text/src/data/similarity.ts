// How near two texts are by their words, without a model.

/** The words of a text: parted by white space, as written. */
export const wordsOf = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

/** A surrogate alone: half a character, which in every file and tokenizer becomes U+FFFD, as all others of its kind. */
export const halfCharacter = /\p{Surrogate}/u;

/** A text as duplicates are found by: Unicode's composed form, one space between words. */
export const normalised = (text: string): string => wordsOf(text.normalize('NFC')).join(' ');

/** F1 of the two multisets of words, in [0, 1]; 0 where one has none. */
export function wordOverlap(a: string, b: string): number {
  const [left, right] = [wordsOf(a), wordsOf(b)];
  const counts = new Map<string, number>();
  for (const word of left) counts.set(word, (counts.get(word) ?? 0) + 1);
  let shared = 0;
  for (const word of right) {
    const count = counts.get(word) ?? 0;
    if (count > 0) shared++;
    counts.set(word, count - 1);
  }
  return shared === 0 ? 0 : (2 * shared) / (left.length + right.length);
}

/** Words to insert, delete or replace to make one text the other (Levenshtein). */
export function wordEdits(a: string, b: string): number {
  const [left, right] = [wordsOf(a), wordsOf(b)];
  let row = Array.from({ length: right.length + 1 }, (_, j) => j);
  left.forEach((word, i) => {
    const next = [i + 1];
    right.forEach((other, j) => {
      const replace = (row[j] as number) + (word === other ? 0 : 1);
      next.push(Math.min(replace, (row[j + 1] as number) + 1, (next[j] as number) + 1));
    });
    row = next;
  });
  return row[right.length] as number;
}

/** A text's number, 16 hexadecimal digits: two FNV-1a hashes of 32 bits over its UTF-16 units. */
export function textId(text: string): string {
  const hash = (seed: number): string => {
    let h = seed;
    for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
    return (h >>> 0).toString(16).padStart(8, '0');
  };
  return hash(0x811c9dc5) + hash(0x9e3779b9);
}
