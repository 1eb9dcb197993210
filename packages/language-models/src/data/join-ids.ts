// Token ids one after the other. Spreading them as arguments (`Int32Array.of(...ids)`) puts each on the call stack, which
// a long document overflows.

/** The ids of all parts, in order, as one array. */
export function joinIds(...parts: readonly ArrayLike<number>[]): Int32Array {
  const ids = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    ids.set(part, at);
    at += part.length;
  }
  return ids;
}
