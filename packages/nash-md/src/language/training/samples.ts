/** What a step learns from: completions of the policy and of its opponent, in plain arrays. */
import { selectRows, type TokenRollout } from '@gimbal/fma-pg';
import type { TokenBatch } from '@gimbal/tensor-core';

/** Completions of one player, B rows of width T. */
export interface Side {
  /** the completions */
  tokens: TokenBatch;
  /** 1 = token of the completion, its end included `[B·T]` */
  mask: Float32Array;
  /** log μ of each token `[B·T]`, 0 at padding */
  reference: Float32Array;
  /** log π_t of each token `[B·T]` as it was when they were sampled; for losses that compare with it */
  previous?: Float32Array;
}

/** Completions of B prompts, and who is preferred. */
export interface Samples {
  /** one a row */
  prompts: TokenBatch;
  /** the policy's; with a loss on pairs the first completion */
  own: Side;
  /** the opponent's, or the second completion; undefined where it is not learned from */
  other?: Side;
  /** P(y ≻ y') `[B]`; with a tournament the mean over the opponent's completions of the same prompt */
  wins: Float32Array;
  /** P(y' ≻ y) `[B]`, or the mean over the policy's completions of the same prompt */
  otherWins: Float32Array;
  /** P(y ≻ y') of the pair in a row itself `[B]` */
  pairs: Float32Array;
}

/** Rows `from` to `to`. */
export function selectSamples(s: Samples, from: number, to: number): Samples {
  const cut = (x: Float32Array): Float32Array => x.slice(from, to);
  return {
    prompts: selectRows(s.prompts, from, to),
    own: selectSide(s.own, from, to),
    ...(s.other && { other: selectSide(s.other, from, to) }),
    wins: cut(s.wins),
    otherWins: cut(s.otherWins),
    pairs: cut(s.pairs),
  };
}

function selectSide({ tokens, mask, reference, previous }: Side, from: number, to: number): Side {
  const { width } = tokens;
  const cut = (x: Float32Array): Float32Array => x.slice(from * width, to * width);
  return {
    tokens: selectRows(tokens, from, to),
    mask: cut(mask),
    reference: cut(reference),
    ...(previous && { previous: cut(previous) }),
  };
}

/** The side of a rollout, its log-probabilities given. */
export const sideOf = (
  { completions, mask }: TokenRollout,
  reference: Float32Array,
  previous?: Float32Array,
): Side => ({
  tokens: completions,
  mask,
  reference,
  ...(previous && { previous }),
});

type Plain = { [key: string]: unknown };

/** Samples as JSON, for a checkpoint between two updates on them. Every float32 survives. */
export const packSamples = (s: Samples): unknown =>
  JSON.parse(JSON.stringify(s, (_, v: unknown) => (ArrayBuffer.isView(v) ? listed(v) : v)));

/** The inverse of `packSamples`. */
export const unpackSamples = (packed: unknown): Samples =>
  JSON.parse(JSON.stringify(packed), (_, v: Plain) =>
    typeof v === 'object' && v !== null && 'typed' in v ? typed(v as { typed: string; list: number[] }) : v,
  ) as Samples;

const kinds = { Int32Array, Float32Array, Uint8Array } as const;

const listed = (view: ArrayBufferView): Plain => ({
  typed: view[Symbol.toStringTag as never],
  list: Array.from(view as unknown as ArrayLike<number>),
});

const typed = ({ typed: kind, list }: { typed: string; list: number[] }): ArrayBufferView =>
  kinds[kind as keyof typeof kinds].from(list);
