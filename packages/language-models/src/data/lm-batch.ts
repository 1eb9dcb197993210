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
  /** Of one line of rows without padding: their lengths, in order; each row sees only itself. */
  readonly segments?: readonly number[];
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
  rows.forEach((row, b) => {
    tokens += fillRow(row, b * width, { inputs, targets, weights });
  });
  return { inputs, targets, weights: tokens === size ? undefined : weights, rows: rows.length, width, tokens };
}

/**
 * Writes a row's inputs, targets and weights from `at` on.
 * @returns how many of its targets count
 */
export function fillRow(
  { ids, from, counts }: { ids: Int32Array; from: number; counts?: Uint8Array },
  at: number,
  { inputs, targets, weights }: { inputs: Int32Array; targets: Int32Array; weights: Float32Array },
): number {
  inputs.set(ids.subarray(0, -1), at);
  targets.set(ids.subarray(1), at);
  let tokens = 0;
  // target t is token t + 1
  for (let t = Math.max(from - 1, 0); t < ids.length - 1; t++) {
    const counted = counts?.[t + 1] ?? 1;
    weights[at + t] = counted;
    tokens += counted;
  }
  return tokens;
}
