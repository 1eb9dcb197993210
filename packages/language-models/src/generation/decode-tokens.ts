// The loop of generation, on token ids: one step at a time, for a whole batch, from any policy with cached logits.
import {
  type DecodeState,
  sampleTokens as drawTokens,
  eventTurn,
  type LogitPolicy,
  NumericalError,
  type Params,
  type Rng,
  StoppedError,
  type TokenBatch,
  tokenLogProbs,
} from '@gimbal/tensor-core';
import { type Tensor, type Tensor1D, type Tensor2D, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { rowOf } from '../data/token-batch.ts';
import { type LogitsProcessor, repetitionPenalty as penalise } from './logits-processors.ts';
import { drawProcessed } from './process-logits.ts';
import { checkSampler, type SamplerOptions } from './sampler-options.ts';

/** How a batch of token rows goes on. */
export interface DecodeTokensOptions extends SamplerOptions {
  /** Most tokens a row gets, ≥ 1. */
  maxNewTokens: number;
  /** Tokens that end a row; the one that did is part of the row. */
  eosIds?: readonly number[];
  /** Fills rows that have ended (0). */
  padId?: number;
  /** Where the draws come from; each row has a stream of its own, so its neighbours do not matter. */
  rng: Rng;
  /** The number of the first row, where the batch is part of a larger one: row i draws from the stream firstRow + i (0). */
  firstRow?: number;
  /** Also give each token's log-probability under the model: temperature 1, nothing left out. */
  logProbs?: boolean;
  /** Change the logits of each row before its token is drawn, in this order, after the repetition penalty. */
  logitsProcessors?: readonly LogitsProcessor[];
  /** Called with each new token that does not end its row; true ends it there (stop strings). */
  stop?: (row: number, id: number) => boolean;
  /** Stops it between two tokens, with a StoppedError. */
  signal?: AbortSignal;
}

/** What a step computes: tensors by name. */
export type StepTensors = { readonly [name: string]: Tensor | undefined };

/** The tokens of one step, and their log-probabilities if asked for. */
export interface DrawnTokens extends StepTensors {
  /** [B] int32 */
  readonly ids: Tensor1D;
  /** [B], under the model: temperature 1, nothing left out */
  readonly logProbs?: Tensor1D;
}

/** Draws from logits [B,V] with uniform numbers [B], or gives them out to be drawn from elsewhere. */
export interface DrawTokens<T extends StepTensors> {
  (logits: Tensor2D, uniform: Tensor1D): T;
  /** A name that only functions share which compute the same: a captured step may then serve several generations. */
  readonly draws?: string;
}

/** Steps after the prompt, the same each time: a token in, a token out. */
export interface Stepper<T extends StepTensors> extends Disposable {
  /**
   * Adds a token to every row and computes the next.
   * @param append the [B] tokens to add first; undefined right after the prompts, for a stepper that takes them
   * @returns tensors that belong to the stepper: read them before the next call
   */
  run(append: Int32Array | undefined, uniform: Float32Array): T;
}

/** What a policy of one model can do beside the contract: generate faster, and search. */
export interface Steps {
  /** Lays the weights out for products with few rows, until the handle is disposed. */
  pack(params: Params): Disposable;
  /** Steps that go on after the first token, with the drawing inside. */
  stepper<T extends StepTensors>(params: Params, state: DecodeState, draw: DrawTokens<T>): Stepper<T>;
  /** Goes on with these rows of the batch, in this order; a row may be left out or come more than once. */
  select(state: DecodeState, rows: Int32Array): void;
  /** Whether prompts are whole texts to it, as to an encoder, and get the special tokens of one (false). */
  readonly readsWholePrompts?: boolean;
  /** The tokens that each row begins with: its prompt, or the decoder's first token where an encoder reads the prompt. */
  begun(prompts: TokenBatch): readonly Int32Array[];
}

/** One step of a batch. */
export interface DecodeStep {
  /** `[B]`: the new token of each row; `padId` in rows that had ended before. */
  readonly ids: Int32Array;
  /** `[B]`: how many tokens each row has so far. */
  readonly lengths: Int32Array;
  /** `[B]`: 1 = the row has ended, by a token of `eosIds` or by `stop`. */
  readonly ended: Uint8Array;
  /** [B], if asked for; 0 in rows that had ended before. */
  readonly logProbs: Float32Array | undefined;
}

/**
 * Generates until every row has ended or has `maxNewTokens` tokens. The caches live as long as the iteration.
 * @throws ConfigError for options out of range, DataError for an empty prompt or one too long for the context,
 * NumericalError where the model gives no probabilities (looked at after the prompt, and at every token with `logProbs`),
 * StoppedError when the signal asks for it
 */
export async function* decodeTokens(
  policy: LogitPolicy & Partial<Steps>,
  params: Params,
  prompts: TokenBatch,
  o: DecodeTokensOptions,
): AsyncGenerator<DecodeStep, void, undefined> {
  const { maxNewTokens, eosIds = [], padId = 0, firstRow = 0, signal, stop } = o;
  const { temperature = 1, topK = 0, topP = 1, minP = 0, repetitionPenalty = 1 } = o;
  checkSampler({ temperature, topK, topP, minP, repetitionPenalty });
  const sampler = { temperature, topK, topP, minP };
  const batch = prompts.lengths.length;
  // one draw moves the caller's stream on, so the next call with it differs
  const call = o.rng.split(o.rng.int(2 ** 32));
  const streams = Array.from({ length: batch }, (_, row) => call.split(firstRow + row));
  const ends = new Set(eosIds);
  const lengths = new Int32Array(batch);
  const ended = new Uint8Array(batch);
  let open = batch;

  using _packed = policy.pack?.(params);
  using state = policy.begin(params, prompts, { maxNewTokens });
  const drawWith = (withLogProbs: boolean): DrawTokens<DrawnTokens> => {
    const draw = (logits: Tensor2D, uniform: Tensor1D): DrawnTokens => {
      const { ids } = drawTokens(logits, uniform, sampler);
      return withLogProbs ? { ids, logProbs: tokenLogProbs<Tensor1D>(logits, ids) } : { ids };
    };
    return Object.assign(draw, { draws: JSON.stringify([sampler, withLogProbs]) });
  };
  const processors = [...(repetitionPenalty === 1 ? [] : [penalise(repetitionPenalty)]), ...(o.logitsProcessors ?? [])];
  // where logits are changed in JavaScript they leave the step, and are drawn from after it
  const written = processors.length > 0 ? begunRows(policy, prompts).map((ids) => [...ids]) : undefined;
  const stepWith = (withLogProbs: boolean): DrawTokens<StepTensors> =>
    written ? Object.assign((logits: Tensor2D) => ({ logits }), { draws: 'logits' }) : drawWith(withLogProbs);
  const step = stepWith(o.logProbs ?? false);
  const uniform = (): Float32Array => {
    const numbers = new Float32Array(batch);
    // a greedy step looks at no random number
    for (let row = 0; temperature > 0 && row < batch; row++) numbers[row] = (streams[row] as Rng).uniform();
    return numbers;
  };
  // the first step always reads log-probabilities: a model that computes NaN is noticed there, at the price of one number a row
  using prompt = new PlainStepper(policy, params, state, stepWith(true));
  using further = policy.stepper?.(params, state, step) ?? new PlainStepper(policy, params, state, step);
  let append: Int32Array | undefined;
  for (let t = 0; t < maxNewTokens && open > 0; t++) {
    await eventTurn();
    if (signal?.aborted) {
      throw new StoppedError({ where: 'generation', what: `stopped by its signal after ${t} tokens` });
    }
    const numbers = uniform();
    const out = (append === undefined ? prompt : further).run(append, numbers);
    const { ids, logProbs: known } = written
      ? await drawProcessed(out.logits as Tensor2D, numbers, {
          processors,
          written,
          ended,
          sampler,
          logProbs: o.logProbs || t === 0,
        })
      : await read(out as DrawnTokens);
    refuseNaN(known, ended, t);
    const logProbs = o.logProbs ? known : undefined;

    for (let row = 0; row < batch; row++) {
      if (ended[row] === 1) {
        ids[row] = padId;
        if (logProbs) logProbs[row] = 0;
        continue;
      }
      const id = ids[row] as number;
      lengths[row] = (lengths[row] as number) + 1;
      written?.[row]?.push(id);
      if (ends.has(id) || stop?.(row, id)) {
        ended[row] = 1;
        open--;
      }
    }
    append = ids;
    yield { ids, lengths: lengths.slice(), ended: ended.slice(), logProbs };
  }
}

/** The tokens that each row begins with. */
export const begunRows = (policy: Partial<Steps>, prompts: TokenBatch): readonly Int32Array[] =>
  policy.begun?.(prompts) ?? Array.from(prompts.lengths, (_, row) => rowOf(prompts, row));

/** @throws NumericalError for a row that goes on whose token has no probability: its logits hold NaN, or nothing finite */
function refuseNaN(logProbs: Float32Array | undefined, ended: Uint8Array, tokens: number): void {
  const row = logProbs?.findIndex((x, i) => Number.isNaN(x) && ended[i] === 0) ?? -1;
  if (row >= 0) throw noProbabilities(row, tokens);
}

/** The error of a row whose logits are no distribution. */
export const noProbabilities = (row: number, tokens: number): NumericalError =>
  new NumericalError({
    where: `generation, row ${row}`,
    what: `the model gives no probabilities after ${tokens} tokens: its logits hold NaN or +Infinity, or are all −Infinity`,
    fix: 'Look for weights that are too large or no numbers; nothing that is drawn from such a model means anything',
  });

async function read(drawn: DrawnTokens): Promise<{ ids: Int32Array; logProbs: Float32Array | undefined }> {
  const ids = new Int32Array(await drawn.ids.data());
  return { ids, logProbs: drawn.logProbs && new Float32Array(await drawn.logProbs.data()) };
}

/** Steps of any policy: its next logits, then the drawing. */
class PlainStepper<T extends StepTensors> implements Stepper<T> {
  #drawn: T | undefined;

  constructor(
    readonly policy: LogitPolicy,
    readonly params: Params,
    readonly state: DecodeState,
    readonly draw: DrawTokens<T>,
  ) {}

  run(append: Int32Array | undefined, uniform: Float32Array): T {
    this[Symbol.dispose]();
    const { policy, params, state, draw } = this;
    const run = () => ({ ...draw(policy.next(params, state, append), tensor1d(uniform)) });
    const drawn = tidy(run as () => never) as T;
    this.#drawn = drawn;
    return drawn;
  }

  [Symbol.dispose](): void {
    for (const tensor of Object.values(this.#drawn ?? {})) tensor?.dispose();
    this.#drawn = undefined;
  }
}
