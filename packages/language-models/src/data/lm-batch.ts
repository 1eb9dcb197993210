// One batch of next-token prediction, as plain arrays.

/** Rows of inputs and of the tokens after them, padded to the longest. */
export interface LmBatch {
  /** [rows · width], what the model sees, padded on the right. */
  readonly inputs: Int32Array;
  /** [rows · width], the token after each input. */
  readonly targets: Int32Array;
  /** [rows · width], 1 where the target counts, 0 where it does not; undefined where all count. */
  readonly weights: Float32Array | undefined;
  /** Rows, ≥ 1. */
  readonly rows: number;
  /** Tokens in a row, padding included: the longest row rounded up to a multiple of 8. */
  readonly width: number;
  /** Targets that count. */
  readonly tokens: number;
}

/** Widths are rounded up to it, so that batches have few different shapes and memory is used again. */
const STEP = 8;

/**
 * A batch of rows, each predicted from its second token on; only tokens from `from` on count.
 * @param pad fills up; its value does not matter
 */
export function batchRows(
  rows: readonly { ids: Int32Array; from: number; counts?: Uint8Array }[],
  pad: number,
  limit: number,
): LmBatch {
  const longest = rows.reduce((a, row) => Math.max(a, row.ids.length - 1), 1);
  const width = Math.min(Math.max(STEP * Math.ceil(longest / STEP), 1), Math.max(limit, longest));
  const size = rows.length * width;
  const [inputs, targets] = [new Int32Array(size).fill(pad), new Int32Array(size).fill(pad)];
  const weights = new Float32Array(size);
  let tokens = 0;
  rows.forEach(({ ids, from, counts }, b) => {
    const first = Math.max(from - 1, 0); // target t is token t + 1
    inputs.set(ids.subarray(0, -1), b * width);
    targets.set(ids.subarray(1), b * width);
    for (let t = first; t < ids.length - 1; t++) {
      const counted = counts?.[t + 1] ?? 1;
      weights[b * width + t] = counted;
      tokens += counted;
    }
  });
  return { inputs, targets, weights: tokens === size ? undefined : weights, rows: rows.length, width, tokens };
}
