// A translator that is an encoder-decoder of language-models: trained here, or an open checkpoint.

import { dataset, generate, type Seq2SeqModel, Seq2SeqTrainer, seq2seq, type Tokenizer } from '@gimbal/language-models';
import { cloneTree, disposeTree, optionNames, type Params, rng, schedules } from '@gimbal/tensor-core';
import type { Translator } from '../data/round-trip.ts';
import { checkKnown } from '../internal/check-names.ts';
import { checkSignal } from '../internal/check-signal.ts';
import { refusal } from '../internal/refuse.ts';
import { checkSize } from '../space/check-size.ts';

/** An encoder-decoder with its weights. */
export interface TranslatorParts {
  /** What it writes, or its own name. */
  name: string;
  /** The model. */
  model: Seq2SeqModel;
  /** Its weights; they stay the caller's. */
  params: Params;
  /** Its tokenizer. */
  tokenizer: Tokenizer;
  /** Stands before every text, as T5 was taught: `translate English to German: ` (none). */
  prefix?: string;
  /** Most tokens of a translation (64). */
  maxNewTokens?: number;
  /** Texts at a time (64). */
  batchSize?: number;
}

const partNames = optionNames<TranslatorParts>({
  ...{ name: true, model: true, params: true, tokenizer: true, prefix: true, maxNewTokens: true, batchSize: true },
});

/**
 * A translator of an encoder-decoder. At temperature 0, its default, it takes the likeliest token; else it needs a stream. Of a
 * text longer than the model's context, such as a translation that never ended, nothing comes: the empty text.
 * @example
 * const t5 = await loadSeq2Seq('t5-small');
 * const forward = seq2seqTranslator({ name: 'german', ...t5, prefix: 'translate English to German: ' });
 */
export function seq2seqTranslator(parts: TranslatorParts): Translator {
  const { name, model, params, tokenizer, prefix = '', maxNewTokens = 64, batchSize = 64 } = parts;
  checkKnown('seq2seqTranslator', parts, partNames);
  checkSize('seq2seqTranslator.maxNewTokens', maxNewTokens);
  checkSize('seq2seqTranslator.batchSize', batchSize);
  return {
    name,
    async translate(texts, { temperature = 0, rng: stream, signal } = {}) {
      if (temperature > 0 && stream === undefined)
        throw refusal('CONFIG', { where: `${name}.rng`, what: 'sampling needs a stream', wanted: 'rng: rng(seed)' });
      checkSignal(name, signal);
      const out = texts.map(() => '');
      const fits = (text: string): boolean => tokenizer.encodeText(prefix + text).length < model.config.contextLength; // and the end
      const some = texts.flatMap((text, i) => (text.trim() !== '' && fits(text) ? [i] : []));
      for (let at = 0; at < some.length; at += batchSize) {
        const rows = some.slice(at, at + batchSize);
        const done = await generate(
          model,
          params,
          tokenizer,
          rows.map((i) => prefix + texts[i]),
          {
            temperature,
            maxNewTokens,
            rng: stream ?? rng(0),
            ...(signal && { signal }),
          },
        );
        rows.forEach((i, j) => {
          out[i] = (done[j] as { text: string }).text.trim();
        });
      }
      return out;
    },
  };
}

/** What a translator is trained with. */
export interface TrainTranslatorOptions {
  /** What it writes. */
  name: string;
  /** Texts and their translations. */
  pairs: readonly (readonly [from: string, to: string])[];
  /** Knows the words of both; `wordTokenizer` or `textTokenizer`. */
  tokenizer: Tokenizer;
  /** Updates (2000). */
  steps?: number;
  /** Width of the model (64). */
  width?: number;
  /** Blocks of encoder and decoder (1). */
  layers?: number;
  /** Longest text in tokens (64). */
  maxLength?: number;
  /** Pairs at a time (64). */
  batchSize?: number;
  /** At its highest (3e-3). */
  learningRate?: number;
  /** Of the run. */
  seed: number;
  /** Told of every step. */
  onStep?: (step: { step: number; loss: number; secondsLeft: number }) => void;
  /** Stops at a step; the translator is what it learned so far. */
  signal?: AbortSignal;
}

const trainNames = optionNames<TrainTranslatorOptions>({
  ...{ name: true, pairs: true, tokenizer: true, steps: true, width: true, layers: true, maxLength: true },
  ...{ batchSize: true, learningRate: true, seed: true, onStep: true, signal: true },
});

/** A translator that owns its weights. */
export interface OwnedTranslator extends Translator, Disposable {
  /** Model, weights and tokenizer, to save with `saveSeq2Seq`; the weights stay the translator's. */
  readonly parts: Pick<TranslatorParts, 'model' | 'params' | 'tokenizer'>;
  /** Frees the weights; safe to call twice. */
  dispose(): void;
}

/**
 * Trains a small encoder-decoder on pairs. For a run that is saved and resumed use `Seq2SeqTrainer` and `seq2seqTranslator`.
 * @throws ConfigError, DataError for options and pairs that cannot be used
 */
export async function trainTranslator(o: TrainTranslatorOptions): Promise<OwnedTranslator> {
  const { name, pairs, tokenizer, steps = 2000, width = 64, layers = 1, maxLength = 64, batchSize = 64 } = o;
  const { learningRate = 3e-3, seed, onStep, signal } = o;
  checkKnown('trainTranslator', o, trainNames);
  checkSize('trainTranslator.steps', steps);
  checkSignal('trainTranslator', signal);
  if (!Array.isArray(pairs))
    throw refusal('CONFIG', { where: 'trainTranslator.pairs', what: 'no list of pairs', got: typeof pairs });
  if (pairs.length === 0) throw refusal('NO_DATA', { where: 'trainTranslator', what: 'there are no pairs' });
  const { pad, eos } = tokenizer.special;
  const model = seq2seq({
    vocabularySize: tokenizer.size,
    contextLength: maxLength,
    width,
    layers,
    tieEmbeddings: false,
    ...(pad !== undefined && { padId: pad }),
    ...(eos !== undefined && { eosIds: [eos] }),
  });
  const first = model.init(rng(seed).split('init'));
  const warmup = Math.min(100, Math.floor(steps / 10));
  let params: Params;
  try {
    using trainer = new Seq2SeqTrainer({
      model,
      params: first,
      tokenizer,
      data: dataset(pairs.map(([prompt, completion]) => ({ prompt, completion }))),
      learningRate: schedules.cosine({ peak: learningRate, steps, warmup, final: learningRate / 20 }),
      batchSize,
      seed,
      logEvery: 10,
    });
    for await (const step of trainer.train({ steps, ...(signal && { signal }) })) onStep?.(step);
    params = cloneTree(trainer.params);
  } finally {
    disposeTree(first);
  }
  let live = true;
  const dispose = (): void => {
    if (live) disposeTree(params);
    live = false;
  };
  const parts = { model, params, tokenizer };
  return {
    ...seq2seqTranslator({ name, ...parts, maxNewTokens: maxLength }),
    parts,
    dispose,
    [Symbol.dispose]: dispose,
  };
}
