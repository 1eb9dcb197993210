// An encoder-decoder: T5, T5 v1.1 and Flan-T5 as pure functions on a tree of parameters whose paths are the names of a
// Hugging Face checkpoint. To trainers and to generation it is a policy like a decoder: the encoder reads the prompt, the
// decoder writes the completion.
import {
  ConfigError,
  checkpoint,
  DataError,
  dropout,
  embedding,
  type LogitPolicy,
  linear,
  type Params,
  type Rng,
  rmsNorm,
  type TokenBatch,
  tokenLogProbs,
} from '@gimbal/tensor-core';
import {
  add,
  clone,
  keep,
  mul,
  reshape,
  sub,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  tensor2d,
  tidy,
} from '@tensorflow/tfjs-core';
import { rowOf } from '../data/token-batch.ts';
import type { ForwardOptions, Recompute } from '../decoder/decoder.ts';
import type { ParameterSpec } from '../decoder/family.ts';
import { packMatrices } from '../decoder/packing.ts';
import { branchAt, initParams, tensorAt } from '../decoder/params.ts';
import type { Steps } from '../generation/decode-tokens.ts';
import { sampleCompletions } from '../generation/sample-tokens.ts';
import { hiddenScore, isPadded, maskOf } from '../internal/padding.ts';
import { type Drop, decoderBlock, encoderBlock, keysAndValues } from './blocks.ts';
import { type Seq2SeqConfig, type Seq2SeqOptions, seq2seqConfig } from './config.ts';
import { seq2seqLayout, seq2seqParameters } from './parameters.ts';
import { relativeBias } from './relative-bias.ts';
import { type KeysAndValues, Seq2SeqState } from './state.ts';

/** An encoder-decoder as pure functions on a tree of parameters; it holds no weights. */
export interface Seq2SeqModel extends LogitPolicy, Omit<Steps, 'stepper'> {
  /** Every option, defaults filled in. */
  readonly config: Seq2SeqConfig;
  /** Names and shapes of the parameters, in the order they are made. */
  readonly parameters: readonly ParameterSpec[];
  /** An encoder reads the prompts: they get the special tokens of a whole text. */
  readonly readsWholePrompts: true;
  /** Fresh parameters. The caller disposes the tree. */
  init(rng: Rng): Params;
  /** The encoder's states [B,S,D] of right-padded rows; those of padding mean nothing. The caller disposes them. */
  encode(params: Params, sources: TokenBatch, o?: ForwardOptions): Tensor3D;
  /** The decoder's normalised states [B,T,D] before each token of `targets`. The caller disposes them. */
  states(params: Params, sources: TokenBatch, targets: TokenBatch, o?: ForwardOptions): Tensor3D;
  /** The output matrix [V,D]: the parameters' own tensor, not to be disposed. */
  head(params: Params): Tensor2D;
  /** See LogitPolicy; a state of this model. */
  begin(params: Params, prompts: TokenBatch, o: { maxNewTokens: number }): Seq2SeqState;
  /** See LogitPolicy. */
  logits(params: Params, prompts: TokenBatch, completions: TokenBatch, o?: Recompute): Tensor3D;
  /** See TokenPolicy. */
  logProbs(params: Params, prompts: TokenBatch, completions: TokenBatch, o?: Recompute): Tensor2D;
  /** See LogitPolicy. */
  hidden?(
    params: Params,
    prompts: TokenBatch,
    completions: TokenBatch,
    o?: Recompute,
  ): { states: Tensor3D; head: Tensor2D };
}

const keepAll: Drop = (x) => x;

/**
 * Makes an encoder-decoder from its description.
 * @throws ConfigError for options that do not fit
 * @example
 * const model = seq2seq({ vocabularySize: tokenizer.size, width: 64, layers: 2 });
 * const params = model.init(rng(0));
 */
export function seq2seq(options: Seq2SeqOptions): Seq2SeqModel {
  const c = seq2seqConfig(options);
  const parameters = seq2seqParameters(c);
  const shared = (params: Params): Tensor => tensorAt(params, 'shared', 'weight');
  const head = (params: Params): Tensor2D =>
    (c.tieEmbeddings ? shared(params) : tensorAt(params, 'lm_head', 'weight')) as Tensor2D;
  const output = c.tieEmbeddings ? 'shared.weight' : 'lm_head.weight';
  const table = (params: Params, stack: string): Tensor =>
    tensorAt(params, stack, 'block', 0, 'layer', 0, 'SelfAttention', 'relative_attention_bias', 'weight');
  const finalNorm = (params: Params, stack: string, x: Tensor3D): Tensor3D =>
    rmsNorm(x, tensorAt(params, stack, 'final_layer_norm', 'weight'), { epsilon: c.normEpsilon });
  const dropping = (o: ForwardOptions, stack: string): Drop => {
    const { rng } = o;
    return rng === undefined || c.dropout === 0
      ? keepAll
      : (x, place) => dropout(x, c.dropout, rng.split(`${stack}.${place}`));
  };
  const placed = (drop: Drop, block: number): Drop =>
    drop === keepAll ? keepAll : (x, at) => drop(x, `${block}.${at}`);
  const toIds = (ids: Int32Array, batch: number): Tensor2D => tensor2d(ids, [batch, ids.length / batch], 'int32');

  const encode = (params: Params, sources: TokenBatch, o: ForwardOptions = {}): Tensor3D => {
    checkBatch('seq2seq: source', sources, c);
    return tidy(() => {
      const drop = dropping(o, 'encoder');
      const time = sources.width;
      const near = relativeBias(table(params, 'encoder'), [time, time], { ...c, bothWays: true, offset: 0 });
      const hidden = hiddenKeys(sources);
      const bias = hidden === undefined ? near : add(near, hidden); // [B or 1,H,S,S]
      let x = drop(embedding(toIds(sources.ids, sources.lengths.length), shared(params)) as Tensor3D, 'embedding');
      for (let i = 0; i < c.layers; i++) {
        const run = (p: Params, y: Tensor3D, b: Tensor): Tensor3D => encoderBlock(p, y, b, c, placed(drop, i));
        const block = branchAt(params, 'encoder', 'block', i);
        const apply = o.gradientCheckpointing ? checkpoint(run) : run;
        const before = x;
        x = tidy(() => apply(block, before, bias));
      }
      return drop(finalNorm(params, 'encoder', x), 'states');
    });
  };

  const states = (params: Params, sources: TokenBatch, targets: TokenBatch, o: ForwardOptions = {}): Tensor3D => {
    checkBatch('seq2seq: target', targets, c, sources.lengths.length);
    return tidy(() => {
      const source = encode(params, sources, o); // [B,S,D]
      const drop = dropping(o, 'decoder');
      const [batch, time] = [targets.lengths.length, targets.width];
      const near = relativeBias(table(params, 'decoder'), [time, time], { ...c, bothWays: false, offset: 0 });
      const own = add(near, laterKeys(time)); // [1,H,T,T]
      let x = drop(embedding(toIds(shiftRight(targets, c.startId), batch), shared(params)) as Tensor3D, 'embedding');
      for (let i = 0; i < c.decoderLayers; i++) {
        const run = (p: Params, y: Tensor3D, s: Tensor3D, b: Tensor): Tensor3D => {
          const across = keysAndValues(branchAt(p, 'layer', 1, 'EncDecAttention'), s, c);
          const hidden = hiddenKeys(sources); // made where it is used: a block that is computed again comes later
          return decoderBlock(p, y, (fresh) => fresh, across, { own: b, across: hidden }, c, placed(drop, i));
        };
        const block = branchAt(params, 'decoder', 'block', i);
        const apply = o.gradientCheckpointing ? checkpoint(run) : run;
        const before = x;
        x = tidy(() => apply(block, before, source, own));
      }
      return scaled(drop(finalNorm(params, 'decoder', x), 'states'));
    });
  };
  const scaled = (x: Tensor3D): Tensor3D => (c.scaleOutput ? mul(x, c.width ** -0.5) : x);
  const toLogits = (params: Params, x: Tensor3D): Tensor3D =>
    linear<Tensor3D>(x, head(params), { weightLayout: 'out-in' });

  const model: Seq2SeqModel = {
    config: c,
    parameters,
    readsWholePrompts: true,
    init: (rng) => initParams(parameters, rng),
    encode,
    states,
    head,
    pack: (params) => packMatrices(params, (path) => (path === output ? 'out-in' : seq2seqLayout(path))),
    logits: (params, prompts, completions, o) => tidy(() => toLogits(params, states(params, prompts, completions, o))),
    logProbs: (params, prompts, completions, o) =>
      tidy(() => {
        const logits = toLogits(params, states(params, prompts, completions, o));
        const shape: [number, number] = [completions.lengths.length, completions.width];
        const logProbs = tokenLogProbs<Tensor2D>(logits, tensor2d(completions.ids, shape, 'int32'));
        // padding has no probability: 0, so that a sum over a row is its sequence's
        return isPadded(completions) ? (mul(logProbs, maskOf(completions)) as Tensor2D) : logProbs;
      }),
    hidden: (params, prompts, completions, o) => ({
      states: states(params, prompts, completions, o),
      head: clone(head(params)),
    }),

    begin(params, prompts, { maxNewTokens }) {
      if (!Number.isSafeInteger(maxNewTokens) || maxNewTokens < 1) {
        const wanted = 'a whole number > 0';
        throw new ConfigError({ where: 'seq2seq.maxNewTokens', what: 'bad count', got: maxNewTokens, wanted });
      }
      const across: KeysAndValues[] = [];
      let hidden: Tensor | undefined;
      tidy(() => {
        const source = encode(params, prompts);
        for (let i = 0; i < c.decoderLayers; i++) {
          const attention = branchAt(params, 'decoder', 'block', i, 'layer', 1, 'EncDecAttention');
          const [keys, values] = keysAndValues(attention, source, c);
          across.push([keep(keys), keep(values)]);
        }
        hidden = hiddenKeys(prompts);
        if (hidden) keep(hidden);
      });
      return new Seq2SeqState(prompts.lengths.length, across, hidden);
    },
    next: (params, state, append) =>
      tidy(() => {
        const s = state as Seq2SeqState;
        const ids = append ?? new Int32Array(s.batch).fill(c.startId);
        const at = { ...c, bothWays: false, offset: s.length };
        const own = relativeBias(table(params, 'decoder'), [1, s.length + 1], at);
        let x = embedding(toIds(ids, s.batch), shared(params)) as Tensor3D; // [B,1,D]
        for (let i = 0; i < c.decoderLayers; i++) {
          const block = branchAt(params, 'decoder', 'block', i);
          const across = s.across[i] as readonly [Tensor, Tensor];
          x = decoderBlock(block, x, (fresh) => s.append(i, fresh), across, { own, across: s.hidden }, c, keepAll);
        }
        s.length++;
        const logits = toLogits(params, scaled(finalNorm(params, 'decoder', x)));
        return reshape(logits, [s.batch, c.vocabularySize]) as Tensor2D;
      }),
    select: (state, rows) => (state as Seq2SeqState).select(rows),
    begun: (prompts) => Array.from(prompts.lengths, () => Int32Array.of(c.startId)),
    sample: (params, prompts, o) =>
      sampleCompletions(model, params, prompts, { ...o, eosIds: c.eosIds, padId: c.padId }),
  };
  return model;
}

/** Added to the scores of padded keys [B,1,1,S]; undefined where there are none. */
const hiddenKeys = (batch: TokenBatch): Tensor | undefined =>
  isPadded(batch) ? reshape(mul(sub(1, maskOf(batch)), hiddenScore), [-1, 1, 1, batch.width]) : undefined;

/** Added to the scores of keys after their query [1,1,T,T]. */
function laterKeys(time: number): Tensor {
  const values = new Float32Array(time * time);
  for (let i = 0; i < time; i++) values.fill(hiddenScore, i * time + i + 1, (i + 1) * time);
  return reshape(tensor2d(values, [time, time]), [1, 1, time, time]);
}

/** What the decoder reads to predict these tokens: the first token, then they themselves but for the last. */
function shiftRight(targets: TokenBatch, start: number): Int32Array {
  const { width, lengths } = targets;
  const ids = new Int32Array(lengths.length * width);
  for (let b = 0; b < lengths.length; b++) {
    ids[b * width] = start;
    ids.set(rowOf(targets, b).subarray(0, width - 1), b * width + 1);
  }
  return ids;
}

/** @param rows of a target: how many there are to be; targets may be empty */
function checkBatch(where: string, { ids, width, lengths }: TokenBatch, c: Seq2SeqConfig, rows?: number): void {
  const refuse = (what: string, got: unknown, wanted: unknown): never => {
    throw new DataError({ where, what, got, wanted });
  };
  if (rows !== undefined && lengths.length !== rows)
    refuse('sources and targets differ in number', lengths.length, rows);
  const empty = lengths.indexOf(0);
  if (lengths.length === 0 || width === 0) refuse('there is no row', lengths.length, 'at least one, of one token');
  if (rows === undefined && empty >= 0) refuse(`row ${empty} is empty`, 0, 'at least one token');
  if (width > c.contextLength) refuse('a row is longer than the context', width, `at most ${c.contextLength} tokens`);
  const bad = ids.find((id) => id < 0 || id >= c.vocabularySize);
  if (bad !== undefined) refuse('no token of the vocabulary', bad, `0 to ${c.vocabularySize - 1}`);
}
