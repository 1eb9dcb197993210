// The loop of generation, on token ids: one step at a time, for a whole batch, from any policy with cached logits.
import {
  ConfigError,
  type DecodeState,
  sampleTokens as drawTokens,
  type LogitPolicy,
  type Params,
  type Rng,
  StoppedError,
  type TokenBatch,
  tokenLogProbs,
} from '@gimbal/tensor-core';
import { type Tensor1D, type Tensor2D, tensor1d, tidy } from '@tensorflow/tfjs-core';

/** How a token is drawn from its logits. */
export interface SamplerOptions {
  /** Logits are divided by it; 0 takes the likeliest token (1). Comes before topK, and that before topP. */
  temperature?: number;
  /** Only the k likeliest tokens can be drawn; 0 = all (0). */
  topK?: number;
  /** Only the smallest set of likeliest tokens whose probability reaches it can be drawn; 1 = all (1). */
  topP?: number;
}

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
  /** Also give each token's log-probability under the model: temperature 1, nothing left out. */
  logProbs?: boolean;
  /** Called with each new token that does not end its row; true ends it there (stop strings). */
  stop?: (row: number, id: number) => boolean;
  /** Stops it between two tokens, with a StoppedError. */
  signal?: AbortSignal;
}

/** The tokens of one step, and their log-probabilities if asked for. */
export interface DrawnTokens {
  /** [B] int32 */
  readonly ids: Tensor1D;
  /** [B], under the model: temperature 1, nothing left out */
  readonly logProbs?: Tensor1D;
}

/** Draws from logits [B,V] with uniform numbers [B]. */
export type DrawTokens = (logits: Tensor2D, uniform: Tensor1D) => DrawnTokens;

/** Steps after the prompt, the same each time: a token in, a token out. */
export interface Stepper extends Disposable {
  /**
   * @param append the [B] tokens to add first; undefined right after the prompts, for a stepper that takes them
   * @returns tensors that belong to the stepper: read them before the next call
   */
  run(append: Int32Array | undefined, uniform: Float32Array): DrawnTokens;
}

/** What a policy of one model can do to generate faster. */
export interface Steps {
  /** Lays the weights out for products with few rows, until the handle is disposed. */
  pack(params: Params): Disposable;
  /** Steps that go on after the first token, with the drawing inside. */
  stepper(params: Params, state: DecodeState, draw: DrawTokens): Stepper;
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
 * StoppedError when the signal asks for it
 */
export async function* decodeTokens(
  policy: LogitPolicy & Partial<Steps>,
  params: Params,
  prompts: TokenBatch,
  o: DecodeTokensOptions,
): AsyncGenerator<DecodeStep, void, undefined> {
  const { maxNewTokens, eosIds = [], padId = 0, signal, stop } = o;
  const { temperature = 1, topK = 0, topP = 1 } = o;
  checkSampler({ temperature, topK, topP });
  const batch = prompts.lengths.length;
  // one draw moves the caller's stream on, so the next call with it differs
  const call = o.rng.split(o.rng.int(2 ** 32));
  const streams = Array.from({ length: batch }, (_, row) => call.split(row));
  const ends = new Set(eosIds);
  const lengths = new Int32Array(batch);
  const ended = new Uint8Array(batch);
  let open = batch;

  using _packed = policy.pack?.(params);
  using state = policy.begin(params, prompts, { maxNewTokens });
  const draw: DrawTokens = (logits, uniform) => {
    const { ids } = drawTokens(logits, uniform, { temperature, topK, topP });
    return o.logProbs ? { ids, logProbs: tokenLogProbs<Tensor1D>(logits, ids) } : { ids };
  };
  const uniform = (): Float32Array => {
    const numbers = new Float32Array(batch);
    // a greedy step looks at no random number
    for (let row = 0; temperature > 0 && row < batch; row++) numbers[row] = (streams[row] as Rng).uniform();
    return numbers;
  };
  using prompt = new PlainStepper(policy, params, state, draw);
  using further = policy.stepper?.(params, state, draw) ?? prompt;
  let append: Int32Array | undefined;
  for (let step = 0; step < maxNewTokens && open > 0; step++) {
    if (signal?.aborted) {
      throw new StoppedError({ where: 'generation', what: `stopped by its signal after ${step} tokens` });
    }
    const drawn = (append === undefined ? prompt : further).run(append, uniform());
    const ids = new Int32Array(await drawn.ids.data());
    const logProbs = drawn.logProbs && new Float32Array(await drawn.logProbs.data());

    for (let row = 0; row < batch; row++) {
      if (ended[row] === 1) {
        ids[row] = padId;
        if (logProbs) logProbs[row] = 0;
        continue;
      }
      const id = ids[row] as number;
      lengths[row] = (lengths[row] as number) + 1;
      if (ends.has(id) || stop?.(row, id)) {
        ended[row] = 1;
        open--;
      }
    }
    append = ids;
    yield { ids, lengths: lengths.slice(), ended: ended.slice(), logProbs };
  }
}

/** Steps of any policy: its next logits, then the drawing. */
class PlainStepper implements Stepper {
  #drawn: DrawnTokens | undefined;

  constructor(
    readonly policy: LogitPolicy,
    readonly params: Params,
    readonly state: DecodeState,
    readonly draw: DrawTokens,
  ) {}

  run(append: Int32Array | undefined, uniform: Float32Array): DrawnTokens {
    this[Symbol.dispose]();
    const { policy, params, state, draw } = this;
    const run = () => ({ ...draw(policy.next(params, state, append), tensor1d(uniform)) });
    this.#drawn = tidy(run as () => never) as DrawnTokens;
    return this.#drawn;
  }

  [Symbol.dispose](): void {
    this.#drawn?.ids.dispose();
    this.#drawn?.logProbs?.dispose();
    this.#drawn = undefined;
  }
}

/** @throws ConfigError for a value out of range */
function checkSampler({ temperature, topK, topP }: Required<SamplerOptions>): void {
  const refuse = (name: string, got: unknown, wanted: string): never => {
    throw new ConfigError({ where: `generation.${name}`, what: 'out of range', got, wanted });
  };
  if (!(temperature >= 0 && Number.isFinite(temperature)))
    refuse('temperature', temperature, 'a number ≥ 0; 0 is greedy');
  if (!(Number.isSafeInteger(topK) && topK >= 0)) refuse('topK', topK, 'a whole number ≥ 0; 0 is no limit');
  if (!(topP > 0 && topP <= 1)) refuse('topP', topP, 'a number in (0, 1]; 1 is no limit');
}
