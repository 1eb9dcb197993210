/**
 * Rows of several lengths without padding: one after the other in one line, each of which sees only itself, with positions
 * of its own. What each token's state is does not change; the products with padding are gone.
 */
import { type LanguageModel, rowOf } from '@gimbal/language-models';
import { DataError, embedding, type LogitPolicy, type Params, type TokenBatch } from '@gimbal/tensor-core';
import { reshape, type Tensor, type Tensor2D, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';

/** A policy that reads such lines: a decoder whose head is one matrix, or one with an adapter. */
export type PackingPolicy = LogitPolicy & Pick<LanguageModel, 'states' | 'head'>;

/** Whether a policy is one; encoder-decoders and capped logits are not. */
export const packs = (policy: LogitPolicy): policy is PackingPolicy =>
  'states' in policy && policy.hidden !== undefined && !('readsWholePrompts' in policy);

/** Lines are rounded up to it with rows that nobody asks for, so that they have few different widths. */
const step = 64;

/** A line, and where in it stands what predicts each token. */
export interface PackedLine {
  /** `[width]` */
  ids: Int32Array;
  /** lengths of its rows, the shortest first, those that fill up last */
  segments: number[];
  /** place of the state that predicts each token of the completions, completion after completion `[R]` */
  index: Int32Array;
}

/** Prompts, each with its completion but for the last token, in one line. @throws DataError for a prompt without a token */
export function packedLine(prompts: TokenBatch, completions: TokenBatch): PackedLine {
  const B = prompts.lengths.length;
  const length = (b: number): number =>
    (prompts.lengths[b] as number) + Math.max(completions.lengths[b] as number, 1) - 1;
  const empty = prompts.lengths.indexOf(0);
  if (empty >= 0)
    throw new DataError({ where: `prompt ${empty}`, what: 'it has no token', wanted: 'at least one to predict from' });
  // equal lengths side by side: their attention is one call
  const order = Array.from({ length: B }, (_, b) => b).sort((a, b) => length(a) - length(b));
  const segments = order.map(length);
  const total = segments.reduce((a, b) => a + b, 0);
  const width = step * Math.ceil(total / step);
  const ids = new Int32Array(width);
  const starts = new Int32Array(B);
  let at = 0;
  for (const b of order) {
    starts[b] = at;
    const prompt = rowOf(prompts, b);
    ids.set(prompt, at);
    ids.set(rowOf(completions, b).subarray(0, -1), at + prompt.length);
    at += length(b);
  }
  // what fills up is no longer than a row, so that it stays within the context
  const longest = segments.at(-1) ?? 1;
  for (let left = width - total; left > 0; left -= longest) segments.push(Math.min(left, longest));
  const index: number[] = [];
  for (const [b, count] of completions.lengths.entries())
    for (let t = 0; t < count; t++) index.push((starts[b] as number) + (prompts.lengths[b] as number) - 1 + t);
  return { ids, segments, index: Int32Array.from(index) };
}

/**
 * States that predict the completions' tokens, completion after completion, padding left out; differentiable in `params`.
 * @returns `[R, D]`; the caller disposes it
 */
export function packedStates(
  model: PackingPolicy,
  params: Params,
  prompts: TokenBatch,
  completions: TokenBatch,
): Tensor2D {
  const { ids, segments, index } = packedLine(prompts, completions);
  return tidy(() => {
    const states = model.states(params, tensor2d(ids, [1, ids.length], 'int32'), { segments });
    const flat = reshape(states, [ids.length, states.shape[2]]);
    return embedding<Tensor2D>(tensor1d(index, 'int32') as Tensor, flat);
  });
}
