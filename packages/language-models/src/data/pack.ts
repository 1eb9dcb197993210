// Packing: rows one after the other in blocks of equal width, so that pretraining computes no padding. Each row ends in
// the end-of-text token, which also stands in front of the first: every token is a target exactly once.
import type { TokenRow } from './token-rows.ts';

/**
 * Lays rows end to end and cuts them into blocks.
 * @param start the token that the first one is predicted from
 * @returns rows of at most `width` + 1 tokens, each beginning with the last token of the one before; the last may be shorter
 */
export function packRows(rows: readonly TokenRow[], width: number, start: number): TokenRow[] {
  const total = rows.reduce((a, row) => a + row.ids.length, 0);
  const stream = new Int32Array(total + 1);
  stream[0] = start;
  let at = 1;
  for (const { ids } of rows) {
    stream.set(ids, at);
    at += ids.length;
  }
  const blocks: TokenRow[] = [];
  for (let i = 0; i < total; i += width) blocks.push({ ids: stream.subarray(i, i + width + 1), from: 0 });
  return blocks;
}
