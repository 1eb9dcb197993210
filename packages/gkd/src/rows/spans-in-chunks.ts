/** Chunks of rows that cut no stretch of text in two. */

/**
 * @param spans number of the stretch of each row, rising; −1: none
 * @returns first row and number of rows of each chunk; of more than `most` rows only where a stretch has more
 */
export function chunksOf(rows: number, most: number, spans?: Int32Array): [from: number, count: number][] {
  if (rows === 0) return [[0, 0]];
  const owner = new Int32Array(rows);
  let next = -1;
  // a row without a stretch goes with what follows it
  for (let r = rows - 1; r >= 0; r--) {
    if (spans !== undefined && (spans[r] as number) >= 0) next = spans[r] as number;
    owner[r] = spans === undefined ? r : next;
  }
  const chunks: [number, number][] = [];
  let [from, whole] = [0, 0];
  for (let r = 1; r <= rows; r++) {
    // up to r every stretch is whole, if r is the last row or another begins there
    if (r < rows && owner[r] === owner[r - 1]) continue;
    if (r - from > most && whole > from) {
      chunks.push([from, whole - from]);
      from = whole;
    }
    whole = r;
  }
  if (rows > from) chunks.push([from, rows - from]);
  return chunks;
}
