// Batches without padding: rows one after the other in one line, each of which sees only itself, with positions of its own.
// What a row learns is what it learns beside padding; only the products with padding are gone.
import type { LmBatch } from './lm-batch.ts';
import { fillRow } from './lm-batch.ts';
import type { TokenRow } from './token-rows.ts';

/** Lines are rounded up to it with segments that count nothing, so that batches have few different shapes. */
const STEP = 64;

/**
 * Rows as one line.
 * @param pad fills up; its value does not matter
 * @returns a batch of one row with the lengths of its segments
 */
export function joinedBatch(rows: readonly TokenRow[], pad: number): LmBatch {
  // equal lengths side by side: their attention is one call
  const ordered = rows.toSorted((a, b) => a.ids.length - b.ids.length);
  const lengths = ordered.map(({ ids }) => Math.max(ids.length - 1, 1));
  const total = lengths.reduce((a, b) => a + b, 0);
  const width = STEP * Math.ceil(total / STEP);
  const [inputs, targets] = [new Int32Array(width).fill(pad), new Int32Array(width).fill(pad)];
  const weights = new Float32Array(width);
  let [at, tokens] = [0, 0];
  ordered.forEach((row, i) => {
    tokens += fillRow(row, at, { inputs, targets, weights });
    at += lengths[i] as number;
  });
  // what fills up is no longer than a row, so that it stays within the context
  const longest = lengths.at(-1) ?? 1;
  const segments = [...lengths];
  for (let left = width - total; left > 0; left -= longest) segments.push(Math.min(left, longest));
  return { inputs, targets, weights: tokens === width ? undefined : weights, rows: 1, width, tokens, segments };
}

/**
 * Puts whole rows together into blocks, the longest first, each where the least room is left (best fit decreasing).
 * @param width most inputs of a block; no row may have more
 * @returns the rows of each block
 */
export function packWhole(rows: readonly TokenRow[], width: number): TokenRow[][] {
  const size = ({ ids }: TokenRow): number => Math.max(ids.length - 1, 1);
  const blocks: TokenRow[][] = [];
  // blocks by the room they have left: there are at most `width` different rooms
  const byRoom = new Map<number, number[]>();
  for (const row of rows.toSorted((a, b) => b.ids.length - a.ids.length)) {
    let room = size(row);
    while (room <= width && (byRoom.get(room)?.length ?? 0) === 0) room++;
    const at = room <= width ? ((byRoom.get(room) as number[]).pop() as number) : blocks.push([]) - 1;
    (blocks[at] as TokenRow[]).push(row);
    const left = Math.min(room, width) - size(row);
    const list = byRoom.get(left);
    if (list) list.push(at);
    else byRoom.set(left, [at]);
  }
  return blocks;
}
