// How likely contexts are to go on as given: what multiple choice and cloze tests compare.
import { DataError, type LogitPolicy, type Params } from '@gimbal/tensor-core';
import { padBatch } from '../data/token-batch.ts';

/** A context and how it goes on, as tokens. */
export interface Continuation {
  /** At least one token to predict from. */
  readonly context: ArrayLike<number>;
  /** What is scored, every token of it. */
  readonly continuation: ArrayLike<number>;
}

/**
 * log p(continuation | context) of each pair, in nats. Of a context that is too long the last tokens that fit are kept:
 * the window holds them and all of the continuation but its last token, which is only predicted.
 * @param o.window tokens that the model sees at a time, at most its context
 * @returns the log-probability of each token of the continuation, for each pair
 * @throws DataError for an empty context or continuation, or a continuation longer than the window
 * @example
 * const [yes, no] = await scoreContinuations(model, params, [{ context, continuation: yesIds }, { context, continuation: noIds }], { window: 512 });
 */
export async function scoreContinuations(
  policy: LogitPolicy,
  params: Params,
  pairs: readonly Continuation[],
  o: { window: number; pad?: number },
): Promise<Float32Array[]> {
  const { window, pad = 0 } = o;
  const fitted = pairs.map(({ context, continuation }, i) => {
    const refuse = (what: string, got: unknown, wanted: unknown): never => {
      throw new DataError({ where: `scoreContinuations, pair ${i}`, what, got, wanted });
    };
    if (context.length === 0) refuse('there is no context', 0, 'at least one token to predict from');
    if (continuation.length === 0) refuse('there is no continuation', 0, 'at least one token');
    if (continuation.length > window) {
      refuse('the continuation is longer than the window', continuation.length, `at most ${window} tokens`);
    }
    const room = window - continuation.length + 1; // at least one
    return { prompt: Array.from(context).slice(-room), continuation: Array.from(continuation) };
  });
  if (fitted.length === 0) return [];
  const prompts = padBatch(
    fitted.map(({ prompt }) => prompt),
    pad,
  );
  const completions = padBatch(
    fitted.map(({ continuation }) => continuation),
    pad,
  );
  const logProbs = policy.logProbs(params, prompts, completions);
  const values = (await logProbs.data()) as Float32Array;
  const { width, lengths } = completions;
  const rows = fitted.map((_, b) => values.slice(b * width, b * width + (lengths[b] as number)));
  logProbs.dispose();
  return rows;
}
