// Training an encoder-decoder on prompts and completions. The loop, its checkpoints and metrics are tensor-core's.
import {
  checkKnown,
  DataTrainer,
  type LoopOptions,
  type LoopSetup,
  LoopTrainer,
  loopNames,
  optionNames,
  type Params,
  rng,
} from '@gimbal/tensor-core';
import type { LoraAdapter } from '../adapters/lora.ts';
import { epochBatches } from '../data/row-batches.ts';
import type { Dataset } from '../data/rows.ts';
import type { OverflowReport } from '../data/token-rows.ts';
import { checkLengths, checkVocabulary } from '../internal/check-training.ts';
import { seq2seqWriter } from '../pretrained/model-writer.ts';
import type { Seq2SeqModel } from '../seq2seq/seq2seq.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { evaluateSeq2Seq, seq2seqLoss } from './seq2seq-loss.ts';
import { type Seq2SeqBatch, seq2seqBatch, seq2seqRows } from './seq2seq-rows.ts';
import { trainedPart } from './trained-part.ts';

/** What a trainer of an encoder-decoder takes: the loop's options, of which none but the seed is needed, and its own. */
export interface Seq2SeqTrainerOptions
  extends Omit<LoopOptions, keyof typeof seq2seqDefaults | 'overflow'>,
    Partial<Pick<LoopOptions, keyof typeof seq2seqDefaults>> {
  /** The model to train. */
  model: Seq2SeqModel;
  /** Where training starts; not changed, not kept. */
  params: Params;
  /** Turns the rows into tokens, at most as many ids as the model has. */
  tokenizer: Tokenizer;
  /** Train this adapter in place of the model's own parameters, which stay as they are; a copy of it is trained. */
  adapter?: LoraAdapter;
  /** Prompts, which the encoder reads, and completions, which the decoder learns to write. */
  data: Dataset;
  /** Held-out rows: their loss and perplexity are logged as evalLoss and evalPerplexity. */
  evalData?: Dataset;
  /** Longest source in tokens; by default, and at most, the model's context. */
  maxLength?: number;
  /** Longest target in tokens (as maxLength). */
  maxTargetLength?: number;
  /** What becomes of a longer row (`drop`). */
  overflow?: 'drop' | 'cut' | 'error';
}

/** What the trainer uses where nothing is given, beside the loop's own defaults. */
export const seq2seqDefaults = { learningRate: 1e-3, batchSize: 16, maxGradNorm: 1 } as const;

/**
 * Trains an encoder-decoder on −Σ log p(token of the completion | prompt, tokens before it). With `adapter` the model stays
 * as it is, `params` are the adapter's and a checkpoint's folder `model` is one that PEFT opens.
 * Owns its copy of the parameters until `dispose()`.
 */
export class Seq2SeqTrainer extends DataTrainer<Seq2SeqBatch> {
  /** Rows longer than the limits, of the training data. */
  readonly overflow: OverflowReport;

  /**
   * @throws ConfigError for options, DataError for rows that cannot be used, before anything is allocated
   */
  constructor(options: Seq2SeqTrainerOptions);
  /** @internal a loop that was resumed */
  constructor(options: Seq2SeqTrainerOptions, prepared: Prepared, loop: LoopTrainer<Seq2SeqBatch>);
  constructor(options: Seq2SeqTrainerOptions, prepared = prepare(options), loop = new LoopTrainer(prepared.setup)) {
    super(loop);
    this.overflow = prepared.overflow;
  }

  /**
   * Goes on with a saved run: the next losses are those of the uninterrupted one.
   * @param from a run's folder, or one of its checkpoints
   * @throws CheckpointError where there is no valid checkpoint, or it is of another configuration
   */
  static async resume(
    from: string,
    options: Seq2SeqTrainerOptions,
    o: { warn?: (message: string) => void } = {},
  ): Promise<Seq2SeqTrainer> {
    const prepared = prepare(options);
    return new Seq2SeqTrainer(options, prepared, await LoopTrainer.resume(from, prepared.setup, o));
  }
}

interface Prepared {
  setup: LoopSetup<Seq2SeqBatch>;
  overflow: OverflowReport;
}

const seq2seqNames = optionNames<Seq2SeqTrainerOptions>({
  ...loopNames,
  model: true,
  params: true,
  tokenizer: true,
  adapter: true,
  data: true,
  evalData: true,
  maxLength: true,
  maxTargetLength: true,
});

function prepare(options: Seq2SeqTrainerOptions): Prepared {
  checkKnown('Seq2SeqTrainer', options, seq2seqNames);
  const { model, params, adapter, tokenizer, data, evalData, maxLength, maxTargetLength, overflow, ...loop } = {
    ...seq2seqDefaults,
    ...options,
  };
  const { config } = model;
  checkVocabulary('Seq2SeqTrainer', tokenizer, config);
  const limit = maxLength ?? config.contextLength;
  const targetLimit = maxTargetLength ?? limit;
  checkLengths('Seq2SeqTrainer', { maxLength: limit, maxTargetLength: targetLimit }, config);
  const fitting = { limit, targetLimit, ...(overflow && { overflow }) };
  const train = seq2seqRows(data, tokenizer, fitting);
  const evaluation = evalData && seq2seqRows(evalData, tokenizer, fitting).rows;
  const part = trainedPart(model, { params, adapter, tokenizer }, seq2seqWriter());
  const { batchSize, seed } = loop;
  const setup: LoopSetup<Seq2SeqBatch> = {
    params: part.params,
    batches: epochBatches(train.rows, { batchSize, rng: rng(seed).split('data') }, (rows) =>
      seq2seqBatch(rows, config.padId),
    ),
    loss: (p, batch, { rng: noise, gradientCheckpointing }) => ({
      sum: seq2seqLoss(model, part.whole(p), batch, {
        rng: noise,
        gradientCheckpointing,
        frozenHead: adapter !== undefined,
      }),
      weight: batch.tokens,
    }),
    ...(evaluation && {
      evaluate: async (p: Params) => {
        const { loss, perplexity } = await evaluateSeq2Seq(model, part.whole(p), evaluation, { batchSize });
        return { loss, perplexity };
      },
    }),
    options: { ...loop, ...(overflow && { overflow }) },
    config: {
      model: config,
      maxLength: limit,
      maxTargetLength: targetLimit,
      rows: train.rows.length,
      ...(adapter && { adapter: adapter.config }),
    },
    ...part.saving,
  };
  return { setup, overflow: train.overflow };
}
