/** Names of what a saved state belongs to: not against anyone who wants two of the same. */

/**
 * A name for numbers, of which the low 32 bits count: multiplied as FNV-1a does (Fowler, Noll, Vo), in several lanes of other
 * starts.
 * @returns 8 hexadecimal digits a lane
 */
export function hashWords(words: Iterable<number>, lanes = 2): string {
  const state = Array.from({ length: lanes }, (_, i) => Math.imul(0x811c9dc5 + i, 0x9e3779b1));
  for (const word of words)
    for (let i = 0; i < lanes; i++) {
      const mixed = (state[i] as number) ^ (word + Math.imul(i, 0x85ebca6b));
      state[i] = Math.imul(mixed ^ (mixed >>> 15), 0x01000193 + 2 * i);
    }
  return state.map((x) => (x >>> 0).toString(16).padStart(8, '0')).join('');
}
