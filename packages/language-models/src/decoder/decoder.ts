// A decoder-only language model: pure functions on a parameter tree whose paths are the names of a Hugging Face
// checkpoint. One description gives the blocks of Llama, Mistral, Qwen, Gemma and GPT-2; what differs is in families/.
import {
  ConfigError,
  checkpoint,
  DataError,
  embedding,
  type LogitPolicy,
  linear,
  mergeTrees,
  type PackedWeights,
  type Params,
  partitionTree,
  type Rng,
  type SampleOptions,
  type TokenBatch,
  tokenLogProbs,
} from '@gimbal/tensor-core';
import {
  clone,
  mul,
  reshape,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tanh,
  tensor2d,
  tidy,
} from '@tensorflow/tfjs-core';
import { isAdapterPath } from '../adapters/project.ts';
import { rowOf } from '../data/token-batch.ts';
import type { Steps } from '../generation/decode-tokens.ts';
import { sampleCompletions } from '../generation/sample-tokens.ts';
import { isPadded, maskOf } from '../internal/padding.ts';
import { type DecoderConfig, type DecoderOptions, decoderConfig } from './config.ts';
import { DecoderState } from './decode-state.ts';
import { families } from './families/index.ts';
import type { Pass } from './family.ts';
import { stateTerms, takeKept } from './kept-state.ts';
import { packDecoder } from './packing.ts';
import { initParams } from './params.ts';
import { cachedPass, passOfBlock, wholePass } from './pass.ts';
import { TokenStepper } from './token-stepper.ts';

/** How a pass over a batch is computed. */
export interface ForwardOptions {
  /** Dropout's noise; without it nothing is dropped. */
  rng?: Rng;
  /** Keep only the blocks' inputs for the gradient and compute the rest again (less memory, a third more time). */
  gradientCheckpointing?: boolean;
  /** Lengths of rows that stand one after the other in one line [1,T]: each sees only itself (none: rows are rows). */
  segments?: readonly number[];
}

/** How a policy is differentiated: see `withGradientCheckpointing`. */
export type Recompute = Pick<ForwardOptions, 'gradientCheckpointing'>;

/** A decoder as pure functions on a tree of parameters; it holds no weights. Made by `decoder` or `loadPretrained`. */
export interface LanguageModel extends LogitPolicy, Steps {
  /** Every option, defaults filled in. */
  readonly config: DecoderConfig;
  /** Names and shapes of the parameters, in the order they are made. */
  readonly parameters: readonly { readonly path: string; readonly shape: readonly number[] }[];
  /** Fresh parameters: normal weights of `initializerRange`, those of branches' outputs smaller by √(2 layers). The caller disposes the tree. */
  init(rng: Rng): Params;
  /** ids [B,T] int32, padded on the right → logits [B,T,V]. The caller disposes them. */
  apply(params: Params, ids: Tensor2D, o?: ForwardOptions): Tensor3D;
  /** ids [B,T] → the normalised states [B,T,D] that the head turns into logits. The caller disposes them. */
  states(params: Params, ids: Tensor2D, o?: ForwardOptions): Tensor3D;
  /** The output matrix [V,D]: the parameters' own tensor, not to be disposed. */
  head(params: Params): Tensor2D;
  /**
   * Packs the matrices for products with few rows, as in generation, until the handle is disposed (`sample` and
   * `generate` do it for their own time). Costs the matrices' memory once more. While it lasts, generations in a row
   * go on with the caches and the captured step of the one before, where they fit: one such state at most is held.
   */
  pack(params: Params): PackedWeights;
  /** See LogitPolicy; a state of this model. */
  begin(params: Params, prompts: TokenBatch, o: { maxNewTokens: number }): DecoderState;
  /** See LogitPolicy. */
  logits(params: Params, prompts: TokenBatch, completions: TokenBatch, o?: Recompute): Tensor3D;
  /** See TokenPolicy. */
  logProbs(params: Params, prompts: TokenBatch, completions: TokenBatch, o?: Recompute): Tensor2D;
  /** Absent where the logits are capped: they are then not states · headᵀ. */
  hidden?(
    params: Params,
    prompts: TokenBatch,
    completions: TokenBatch,
    o?: Recompute,
  ): { states: Tensor3D; head: Tensor2D };
}

/**
 * Makes a decoder from its description.
 * @throws ConfigError for options that do not fit
 * @example
 * const model = decoder({ family: 'llama', vocabularySize: tokenizer.size, width: 64, layers: 2 });
 * const params = model.init(rng(0));
 */
export function decoder(options: DecoderOptions): LanguageModel {
  const config = decoderConfig(options);
  const family = families[config.family];
  const parameters = family.parameters(config);

  /** Through all blocks, without the last normalisation. */
  const blocks = (params: Params, ids: Tensor2D, pass: Pass, gradientCheckpointing = false): Tensor3D => {
    let x = family.embed(params, ids, config, pass);
    for (let i = 0; i < config.layers; i++) {
      const inBlock = passOfBlock(pass, i);
      const block = (layer: Params, y: Tensor3D): Tensor3D => family.block(layer, y, i, config, inBlock);
      const layer = family.layer(params, i);
      const before = x;
      // what no gradient will ask for is freed behind each block, not behind the last
      x = tidy(() => (gradientCheckpointing ? recomputed(block, layer, before) : block(layer, before)));
    }
    return x;
  };

  const states = (params: Params, ids: Tensor2D, o: ForwardOptions = {}): Tensor3D => {
    checkWidth('decoder', o.segments ? o.segments.reduce((a, b) => Math.max(a, b), 0) : ids.shape[1], config);
    return tidy(() => {
      const x = blocks(params, ids, wholePass(config, o.rng, o.segments), o.gradientCheckpointing);
      return family.norm(params, x, config);
    });
  };
  const { finalSoftcap: cap } = config;
  const toLogits = (params: Params, x: Tensor3D): Tensor3D => {
    const z = linear<Tensor3D>(x, family.head(params, config), { weightLayout: 'out-in' });
    return cap === undefined ? z : mul(tanh(mul(z, 1 / cap)), cap);
  };

  /** The states that predict the completions' tokens [B,T,D]. */
  const completionStates = (params: Params, prompts: TokenBatch, completions: TokenBatch, o?: Recompute): Tensor3D =>
    tidy(() => {
      const { ids, width, index } = joinRows(prompts, completions, config);
      const batch = prompts.lengths.length;
      const x = states(params, tensor2d(ids, [batch, width], 'int32'), o);
      const rows = reshape(x, [batch * width, config.width]);
      // rows differ in where their completion starts: take each state by its index
      return embedding(tensor2d(index, [batch, completions.width], 'int32'), rows);
    });

  const model: LanguageModel = {
    config,
    parameters,
    init: (rng) => initParams(parameters, rng),
    states,
    head: (params) => family.head(params, config),
    pack: (params) => packDecoder(params, family, config),
    apply: (params, ids, o) => tidy(() => toLogits(params, states(params, ids, o))),

    logits: (params, prompts, completions, o) =>
      tidy(() => toLogits(params, completionStates(params, prompts, completions, o))),
    logProbs: (params, prompts, completions, o) =>
      tidy(() => {
        const shape: [number, number] = [completions.lengths.length, completions.width];
        const logits = toLogits(params, completionStates(params, prompts, completions, o));
        const logProbs = tokenLogProbs<Tensor2D>(logits, tensor2d(completions.ids, shape, 'int32'));
        // padding has no probability: 0, so that a sum over a row is its sequence's
        return isPadded(completions) ? (mul(logProbs, maskOf(completions)) as Tensor2D) : logProbs;
      }),
    ...(cap === undefined && {
      hidden: (params: Params, prompts: TokenBatch, completions: TokenBatch, o?: Recompute) => ({
        states: completionStates(params, prompts, completions, o),
        head: clone(family.head(params, config)),
      }),
    }),

    begin(params, prompts, { maxNewTokens }) {
      const longest = checkPrompts(prompts, config);
      if (!Number.isSafeInteger(maxNewTokens) || maxNewTokens < 1) {
        const wanted = 'a whole number > 0';
        throw new ConfigError({ where: 'decoder.maxNewTokens', what: 'bad count', got: maxNewTokens, wanted });
      }
      const capacity = longest + maxNewTokens;
      if (capacity > config.contextLength) throw noRoom(longest, maxNewTokens, config);
      const terms = stateTerms(params, prompts.lengths.length, capacity, isPadded({ ...prompts, width: longest }));
      const kept = takeKept(params, terms) as DecoderState | undefined;
      kept?.restart(prompts);
      return kept ?? new DecoderState(params, prompts, capacity, config, terms);
    },
    next: (params, state, append) =>
      tidy(() => {
        const s = state as DecoderState;
        const ids = append ?? s.prompt;
        const time = append === undefined ? s.promptWidth : 1;
        const pass = cachedPass(config, s, s.positions(time));
        const x = blocks(params, tensor2d(ids, [s.batch, time], 'int32'), pass);
        const logits = toLogits(params, family.norm(params, x, config));
        return reshape(logits, [s.batch, config.vocabularySize]) as Tensor2D;
      }),
    select: (state, rows) => (state as DecoderState).select(rows),
    begun: (prompts) => Array.from(prompts.lengths, (_, row) => rowOf(prompts, row)),
    stepper(params, state, draw) {
      const s = state as DecoderState;
      const step = (ids: Tensor2D, positions: Tensor2D, place: Tensor1D, uniform: Tensor1D) => {
        const x = blocks(params, ids, cachedPass(config, s, positions, place));
        const logits = toLogits(params, family.norm(params, x, config));
        return draw(reshape(logits, [s.batch, config.vocabularySize]) as Tensor2D, uniform);
      };
      return new TokenStepper(s, step, draw.draws);
    },
    sample: (params, prompts, o: SampleOptions) =>
      sampleCompletions(model, params, prompts, { ...o, eosIds: config.eosIds, padId: config.padId }),
  };
  return model;
}

/** A block that computes itself again in the backward pass. Beside an adapter the model's own weights are constants. */
function recomputed(block: (layer: Params, x: Tensor3D) => Tensor3D, layer: Params, x: Tensor3D): Tensor3D {
  const { selected, rest } = partitionTree(layer, isAdapterPath);
  if (Object.keys(selected).length === 0) return checkpoint(block)(layer, x);
  return checkpoint((adapter: Params, y: Tensor3D) => block(mergeTrees(adapter, rest), y))(selected, x);
}

/** Each prompt followed by its completion but for the last token, and where the completion's states stand. */
function joinRows(
  prompts: TokenBatch,
  completions: TokenBatch,
  c: DecoderConfig,
): { ids: Int32Array; width: number; index: Int32Array } {
  const batch = prompts.lengths.length;
  if (completions.lengths.length !== batch) {
    throw new DataError({
      where: 'decoder',
      what: 'prompts and completions differ in number',
      got: completions.lengths.length,
      wanted: batch,
    });
  }
  checkPrompts(prompts, c);
  let width = 1;
  for (let b = 0; b < batch; b++) {
    width = Math.max(width, (prompts.lengths[b] as number) + Math.max(completions.lengths[b] as number, 1) - 1);
  }
  checkWidth('decoder: prompt and completion', width, c);
  const ids = new Int32Array(batch * width);
  const index = new Int32Array(batch * completions.width);
  for (let b = 0; b < batch; b++) {
    const length = prompts.lengths[b] as number;
    ids.set(rowOf(prompts, b), b * width);
    ids.set(rowOf(completions, b).subarray(0, -1), b * width + length);
    for (let t = 0; t < completions.width; t++) {
      index[b * completions.width + t] = b * width + Math.min(length - 1 + t, width - 1);
    }
  }
  return { ids, width, index };
}

/** @returns the longest prompt. @throws DataError for one without a token: nothing predicts its first one */
function checkPrompts({ lengths }: TokenBatch, c: DecoderConfig): number {
  const empty = lengths.indexOf(0);
  if (empty >= 0 || lengths.length === 0) {
    throw new DataError({
      where: 'decoder',
      what: lengths.length === 0 ? 'there is no prompt' : `prompt ${empty} is empty`,
      wanted: 'at least one token to predict from',
      fix: 'Start it with the end-of-text or beginning token',
    });
  }
  const longest = lengths.reduce((a, b) => Math.max(a, b), 0);
  checkWidth(`decoder: prompt ${lengths.indexOf(longest)}`, longest, c);
  return longest;
}

/** A prompt that fits, and more new tokens than the context has left. */
function noRoom(longest: number, maxNewTokens: number, { contextLength }: DecoderConfig): DataError {
  const room = contextLength - longest;
  const lower = room > 0 ? `Lower maxNewTokens to ${room}` : 'Shorten the prompt';
  return new DataError({
    where: 'decoder: prompt and maxNewTokens',
    what: 'longer than the context',
    got: `${longest} and ${maxNewTokens} tokens`,
    wanted: `at most ${contextLength} together`,
    fix: `${lower}, or make the model with a larger contextLength`,
  });
}

function checkWidth(where: string, width: number, c: DecoderConfig): void {
  if (width <= c.contextLength) return;
  throw new DataError({
    where,
    what: 'longer than the context',
    got: width,
    wanted: `at most ${c.contextLength} tokens`,
    fix: 'Shorten it, or make the model with a larger contextLength',
  });
}
