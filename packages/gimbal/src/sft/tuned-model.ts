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
  TokenRow,
} from '@gimbal/language-models';
import { ConfigError, type Params } from '@gimbal/tensor-core';
import { refuseGiven } from '../options/refuse-given.ts';
import type { Given } from '../options/resolve.ts';
import { isSeq2Seq } from '../run/is-seq2seq.ts';
import type { RowLength } from './split-rows.ts';

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
  /** How long each row is, and whether the overflow policy leaves something of it to learn from within `limit` tokens. */
  lengths(data: Dataset, tokenizer: Tokenizer, limit: number): RowLength[];
  /** The loss of the model as it is; longer rows than `limit` tokens as in training. */
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
    lengths: (data, tokenizer, limit) =>
      lm
        .tokenRows(data, tokenizer, { limit: Number.POSITIVE_INFINITY, assistantOnly })
        .rows.map((row) => ({ tokens: row.ids.length, isUsable: isUsable(row, limit, rows.overflow) })),
    lossOn: (data, tokenizer, { limit, ...o }) =>
      lm.evaluateLoss(
        model,
        params,
        lm.tokenRows(data, tokenizer, { limit, assistantOnly, ...(rows.overflow && { overflow: rows.overflow }) }).rows,
        o,
      ),
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
    lengths(data, tokenizer, limit) {
      const all = { limit: Number.POSITIVE_INFINITY, targetLimit: Number.POSITIVE_INFINITY };
      return lm.seq2seqRows(data, tokenizer, all).rows.map(({ source, target }) => {
        const tokens = Math.max(source.length, target.length);
        return { tokens, isUsable: tokens <= limit || overflow === 'cut' };
      });
    },
    lossOn: (data, tokenizer, { limit, ...o }) => {
      const fit = { limit, targetLimit: limit, ...(overflow && { overflow }) };
      return lm.evaluateSeq2Seq(model, params, lm.seq2seqRows(data, tokenizer, fit).rows, o);
    },
    trainer: async (o, from) => {
      const options = { ...o, ...(overflow && { overflow }), model, params };
      return from ? lm.Seq2SeqTrainer.resume(from.folder, options, from) : new lm.Seq2SeqTrainer(options);
    },
    save: (folder, trained) => lm.saveSeq2Seq(folder, model, trained, beside(read.tokenizer, generation)),
  };
}

/** Whether the trainer learns something from a row. */
function isUsable({ ids, from, counts }: TokenRow, limit: number, overflow: RowHandling['overflow']): boolean {
  if (ids.length <= limit || overflow === 'split') return true;
  // the first token has none before it
  const first = Math.max(from, 1);
  return overflow === 'cut' && first < limit && (counts === undefined || counts.subarray(first, limit).includes(1));
}

const beside = (tokenizer: Tokenizer | undefined, generation: GenerationDefaults) => ({
  generation,
  ...(tokenizer && { tokenizer }),
});
