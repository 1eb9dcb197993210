// Training a decoder to write text: pretraining on plain text, packed, and supervised fine-tuning on prompts and
// completions, where only the completion's tokens count. The loop, its checkpoints and metrics are tensor-core's.
import {
  ConfigError,
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
import type { LmBatch } from '../data/lm-batch.ts';
import { packRows } from '../data/pack.ts';
import { packWhole } from '../data/padding-free.ts';
import { joinedBatches, rowBatches } from '../data/row-batches.ts';
import type { Dataset } from '../data/rows.ts';
import { type OverflowReport, type TokenRow, tokenRows } from '../data/token-rows.ts';
import type { LanguageModel } from '../decoder/decoder.ts';
import { checkLengths, checkVocabulary } from '../internal/check-training.ts';
import { modelWriter } from '../pretrained/model-writer.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { causalLmLoss } from './causal-lm-loss.ts';
import { evaluateLoss } from './evaluate-loss.ts';
import { trainedPart } from './trained-part.ts';

/** What a trainer of a decoder takes: the loop's options, of which none but the seed is needed, and its own. */
export interface CausalLmOptions
  extends Omit<LoopOptions, keyof typeof causalLmDefaults>,
    Partial<Pick<LoopOptions, keyof typeof causalLmDefaults>> {
  /** The decoder to train. */
  model: LanguageModel;
  /** Where training starts; not changed, not kept. */
  params: Params;
  /** Turns the rows into tokens, at most as many ids as the model has. */
  tokenizer: Tokenizer;
  /** Train this adapter in place of the model's own parameters, which stay as they are; a copy of it is trained. */
  adapter?: LoraAdapter;
  /** Of conversations, learn only what the assistant writes (false). */
  assistantOnly?: boolean;
  /** Rows of text, of prompts and completions, or of conversations. */
  data: Dataset;
  /** Held-out rows: their loss and perplexity are logged as evalLoss and evalPerplexity. */
  evalData?: Dataset;
  /**
   * Fill blocks of `maxLength` tokens. Plain text is laid end to end and cut (its default); of other rows whole ones stand
   * in a block, the longest first, each of which sees only itself (false). `batchSize` counts blocks.
   */
  packing?: boolean;
  /** Lay a batch's rows in one line, each of which sees only itself, so that no padding is computed (as packing). */
  paddingFree?: boolean;
  /** Longest row in tokens; by default, and at most, the model's context. */
  maxLength?: number;
  /** Which end of a row overflow `cut` keeps (`start`). */
  keep?: 'start' | 'end';
}

/** What the trainer uses where nothing is given, beside the loop's own defaults. */
export const causalLmDefaults = { learningRate: 1e-3, batchSize: 16, maxGradNorm: 1 } as const;

/**
 * Trains a decoder on −Σ log p(next token): every token of plain text, only the completion of prompt-completion rows,
 * whole conversations or what the assistant writes of them. With `adapter` the model stays as it is, `params` are the
 * adapter's and a checkpoint's folder `model` is one that PEFT opens.
 * Owns its copy of the parameters until `dispose()`.
 */
export class CausalLmTrainer extends DataTrainer<LmBatch> {
  /** Rows longer than the context, of the training data. */
  readonly overflow: OverflowReport;

  /**
   * @throws ConfigError for options, also unknown ones; DataError for rows that cannot be used; before anything is allocated
   */
  constructor(options: CausalLmOptions);
  /** @internal a loop that was resumed */
  constructor(options: CausalLmOptions, prepared: Prepared, loop: LoopTrainer<LmBatch>);
  constructor(options: CausalLmOptions, prepared = prepare(options), loop = new LoopTrainer(prepared.setup)) {
    super(loop);
    this.overflow = prepared.overflow;
  }

  /**
   * Goes on with a saved run: the next losses are those of the uninterrupted one.
   * @param from a run's folder, or one of its checkpoints
   * @param options those of the run
   * @throws CheckpointError where there is no valid checkpoint, or it is of another configuration
   */
  static async resume(
    from: string,
    options: CausalLmOptions,
    o: { warn?: (message: string) => void } = {},
  ): Promise<CausalLmTrainer> {
    const prepared = prepare(options);
    return new CausalLmTrainer(options, prepared, await LoopTrainer.resume(from, prepared.setup, o));
  }
}

interface Prepared {
  setup: LoopSetup<LmBatch>;
  overflow: OverflowReport;
}

const causalLmNames = optionNames<CausalLmOptions>({
  ...loopNames,
  model: true,
  params: true,
  tokenizer: true,
  adapter: true,
  assistantOnly: true,
  data: true,
  evalData: true,
  packing: true,
  paddingFree: true,
  maxLength: true,
  keep: true,
});

/** Turns rows into batches and options into the loop's setup. */
function prepare(options: CausalLmOptions): Prepared {
  checkKnown('CausalLmTrainer', options, causalLmNames);
  const { model, params, adapter, tokenizer, data, evalData, maxLength, keep, assistantOnly, ...rest } = {
    ...causalLmDefaults,
    ...options,
  };
  const { packing = data.kind === 'text', paddingFree = packing && data.kind !== 'text', ...loop } = rest;
  const { config } = model;
  checkVocabulary('CausalLmTrainer', tokenizer, config);
  const limit = maxLength ?? config.contextLength;
  checkLengths('CausalLmTrainer', { maxLength: limit }, config);
  const fit = (set: Dataset): { rows: readonly TokenRow[]; overflow: OverflowReport } => {
    const fitted = tokenRows(set, tokenizer, {
      limit,
      ...(loop.overflow === undefined ? {} : { overflow: loop.overflow }),
      ...(keep === undefined ? {} : { keep }),
      ...(assistantOnly === undefined || set.kind !== 'conversation' ? {} : { assistantOnly }),
    });
    // tokenRows has checked that there is an end-of-text token
    return packing && set.kind === 'text'
      ? { ...fitted, rows: packRows(fitted.rows, limit, tokenizer.special.eos as number) }
      : fitted;
  };
  const train = fit(data);
  const evaluation = evalData && fit(evalData).rows;
  const pad = config.padId;
  const batching = { batchSize: loop.batchSize, pad, rng: rng(loop.seed).split('data') };
  const blocks = packing && data.kind !== 'text' ? packWhole(train.rows, limit) : train.rows.map((row) => [row]);
  if (packing && data.kind !== 'text' && !paddingFree) {
    const fix = 'Leave paddingFree out: rows that share a block must not see each other';
    throw new ConfigError({ where: 'CausalLmTrainer.paddingFree', what: 'packed rows need it', got: false, fix });
  }
  const part = trainedPart(model, { params, adapter, tokenizer }, modelWriter());
  const setup: LoopSetup<LmBatch> = {
    params: part.params,
    batches: paddingFree ? joinedBatches(blocks, batching) : rowBatches(train.rows, { ...batching, limit }),
    loss: (p, batch, { rng: noise, gradientCheckpointing }) => ({
      sum: causalLmLoss(model, part.whole(p), batch, {
        rng: noise,
        gradientCheckpointing,
        frozenHead: adapter !== undefined,
      }),
      weight: batch.tokens,
    }),
    ...(evaluation && {
      evaluate: async (p: Params) => {
        const { loss, perplexity } = await evaluateLoss(model, part.whole(p), evaluation, {
          batchSize: loop.batchSize,
        });
        return { loss, perplexity };
      },
    }),
    options: loop,
    config: {
      model: config,
      packing,
      ...(paddingFree && { paddingFree }),
      maxLength: limit,
      rows: train.rows.length,
      ...(adapter && { adapter: adapter.config }),
      ...(assistantOnly && { assistantOnly }),
    },
    ...part.saving,
  };
  return { setup, overflow: train.overflow };
}
