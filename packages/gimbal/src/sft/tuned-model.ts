// A model that `gimbal sft` trains: what a decoder and an encoder-decoder do each in their own way. The command does the rest
// alike.
import type {
  AdaptableConfig,
  CausalLmOptions,
  CausalLmTrainer,
  Dataset,
  EvaluatedLoss,
  GenerationDefaults,
  Seq2SeqTrainer,
  Seq2SeqTrainerOptions,
  Tokenizer,
} from '@gimbal/language-models';
import { ConfigError, type Params } from '@gimbal/tensor-core';
import { refuseGiven } from '../options/refuse-given.ts';
import type { Given } from '../options/resolve.ts';
import { isSeq2Seq } from '../run/is-seq2seq.ts';

/** How rows become batches. */
export type RowHandling = Pick<CausalLmOptions, 'assistantOnly' | 'packing' | 'paddingFree' | 'overflow'>;
type Overflow = Seq2SeqTrainerOptions['overflow'];

/** What the trainers of both architectures take, but for the model and how rows become batches. */
export type TuningOptions = Omit<
  Seq2SeqTrainerOptions,
  'model' | 'params' | 'tokenizer' | 'overflow' | 'maxTargetLength' | 'maxLength'
> & { maxLength: number };

/** A model, opened. */
export interface TunedModel {
  readonly config: AdaptableConfig;
  /** The caller disposes the tree. */
  readonly params: Params;
  readonly tokenizer: Tokenizer | undefined;
  readonly warnings: readonly string[];
  /** The loss of the model as it is; rows longer than `limit` tokens are left out. */
  lossOn(data: Dataset, tokenizer: Tokenizer, o: LossOptions): Promise<EvaluatedLoss>;
  /**
   * A trainer, to be disposed.
   * @param from a checkpoint to go on from
   * @throws ConfigError for options, DataError for rows that cannot be used
   */
  trainer(
    o: TuningOptions & { tokenizer: Tokenizer },
    from: Resumed | undefined,
  ): Promise<CausalLmTrainer | Seq2SeqTrainer>;
  /** Writes a tree of its shape as its folder. */
  save(folder: string, params: Params): Promise<void>;
}

/** Which rows an error speaks of, and the flags that help. */
const heldOut = {
  part: 'held-out',
  fix: 'Raise --max-length, or hold more rows out (--held-out): which they are is drawn before their lengths are looked at',
};

interface LossOptions {
  limit: number;
  batchSize: number;
  signal: AbortSignal;
}

interface Resumed {
  folder: string;
  warn(text: string): void;
}

/**
 * Opens what is to be trained.
 * @param path as `modelPath` gives it
 * @param given what stands on the command line: options that an encoder-decoder has no use for are refused
 * @throws ConfigError for those; what `loadPretrained` and `loadSeq2Seq` throw
 */
export async function openTuned(
  path: string,
  rows: RowHandling,
  given: ReadonlyMap<string, Given>,
): Promise<TunedModel> {
  if (!(await isSeq2Seq(path))) return openDecoder(path, rows);
  const what = 'an encoder-decoder learns pairs, each row by itself';
  refuseGiven('gimbal sft', given, ['packing', 'paddingFree', 'assistantOnly'], what);
  const { overflow } = rows;
  if (overflow === 'split') {
    const [where, wanted] = ['gimbal sft --overflow', 'drop, cut or error'];
    throw new ConfigError({ where, what: 'a pair cannot be split', got: overflow, wanted });
  }
  return openSeq2Seq(path, overflow);
}

async function openDecoder(path: string, { assistantOnly = false, ...rows }: RowHandling): Promise<TunedModel> {
  const lm = await import('@gimbal/language-models');
  const { model, params, generation, ...read } = await lm.loadPretrained(path);
  return {
    ...read,
    config: model.config,
    params,
    lossOn: (data, tokenizer, { limit, ...o }) =>
      lm.evaluateLoss(model, params, lm.tokenRows(data, tokenizer, { limit, assistantOnly, told: heldOut }).rows, o),
    trainer: async (o, from) => {
      const options = { ...o, ...rows, assistantOnly, model, params };
      return from ? lm.CausalLmTrainer.resume(from.folder, options, from) : new lm.CausalLmTrainer(options);
    },
    save: (folder, trained) => lm.savePretrained(folder, model, trained, beside(read.tokenizer, generation)),
  };
}

async function openSeq2Seq(path: string, overflow: Overflow): Promise<TunedModel> {
  const lm = await import('@gimbal/language-models');
  const { model, params, generation, ...read } = await lm.loadSeq2Seq(path);
  return {
    ...read,
    config: model.config,
    params,
    lossOn: (data, tokenizer, { limit, ...o }) =>
      lm.evaluateSeq2Seq(model, params, lm.seq2seqRows(data, tokenizer, { limit, targetLimit: limit }).rows, o),
    trainer: async (o, from) => {
      const options = { ...o, ...(overflow && { overflow }), model, params };
      return from ? lm.Seq2SeqTrainer.resume(from.folder, options, from) : new lm.Seq2SeqTrainer(options);
    },
    save: (folder, trained) => lm.saveSeq2Seq(folder, model, trained, beside(read.tokenizer, generation)),
  };
}

const beside = (tokenizer: Tokenizer | undefined, generation: GenerationDefaults) => ({
  generation,
  ...(tokenizer && { tokenizer }),
});
