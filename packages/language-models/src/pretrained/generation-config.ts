// `generation_config.json`: how a model is meant to be sampled from, unless a call says otherwise.
import { DataError } from '@gimbal/tensor-core';
import { specialIdsFromJson } from '../decoder/huggingface-config.ts';

/** How a model is meant to be sampled from: fields that its folder does not name are absent. */
export interface GenerationDefaults {
  /** Logits are divided by it; 0 is greedy. */
  temperature?: number;
  /** Only so many of the likeliest tokens can be drawn; 0 is all. */
  topK?: number;
  /** Only the likeliest tokens up to this probability can be drawn, in (0, 1]. */
  topP?: number;
  /** Only tokens at least this share as probable as the likeliest can be drawn, in [0, 1]. */
  minP?: number;
  /** Makes tokens that stand in the row already less likely; 1 is no penalty. */
  repetitionPenalty?: number;
  /** Completions that a search goes on with; 1 is no search. */
  beams?: number;
  /** In a search: scores are divided by length to this power. */
  lengthPenalty?: number;
  /** In a search: when a prompt is done. */
  earlyStopping?: boolean | 'never';
  /** No sequence of so many tokens comes twice; 0 is no limit. */
  noRepeatNgramSize?: number;
  /** Most tokens of a completion. */
  maxNewTokens?: number;
  /** Tokens that end a completion. */
  eosIds?: readonly number[];
  /** The token that fills up rows that ended. */
  padId?: number;
  /** A completion ends before the first of these. */
  stopStrings?: readonly string[];
  /** What else the file says: not applied here (see the warnings of its reader), and written back as it was. */
  others?: Readonly<Record<string, unknown>>;
}

/** What is read into fields above, or into the model's config. */
const known: ReadonlySet<string> = new Set(
  (
    'bos_token_id eos_token_id pad_token_id do_sample temperature top_k top_p min_p repetition_penalty num_beams ' +
    'length_penalty early_stopping no_repeat_ngram_size max_new_tokens stop_strings decoder_start_token_id'
  ).split(' '),
);

/** Of the writer, and what says nothing: these are not kept. */
const isIdle = (key: string, value: unknown): boolean =>
  value === null ||
  key === 'transformers_version' ||
  key.startsWith('_') ||
  (key === 'use_cache' && value === true) ||
  (key.startsWith('output_') && value === false);

/** Fields that change what transformers writes and are not applied here, with the value at which they change nothing. */
const unapplied: Readonly<Record<string, unknown>> = {
  forced_bos_token_id: null,
  forced_eos_token_id: null,
  forced_decoder_ids: null,
  min_length: 0,
  min_new_tokens: null,
  typical_p: 1,
  top_h: null,
  epsilon_cutoff: 0,
  eta_cutoff: 0,
  suppress_tokens: null,
  begin_suppress_tokens: null,
  bad_words_ids: null,
  sequence_bias: null,
  force_words_ids: null,
  constraints: null,
  encoder_repetition_penalty: 1,
  encoder_no_repeat_ngram_size: 0,
  exponential_decay_length_penalty: null,
  num_beam_groups: 1,
  diversity_penalty: 0,
  penalty_alpha: null,
  guidance_scale: 1,
  dola_layers: null,
  watermarking_config: null,
  max_time: null,
  remove_invalid_values: false,
};

/** What these defaults ask for and do not get here: a warning in words, or none. */
export function generationWarnings({ others = {}, maxNewTokens }: GenerationDefaults, contextLength: number): string[] {
  const asks = Object.keys(others).filter((key) => {
    const value = others[key] ?? null;
    // counts the prompt too; a context's length is no limit beside the context itself
    if (key === 'max_length') return maxNewTokens === undefined && typeof value === 'number' && value < contextLength;
    const isEmpty = Array.isArray(value) && value.length === 0;
    return Object.hasOwn(unapplied, key) && !isEmpty && value !== unapplied[key];
  });
  return asks.length === 0 ? [] : [`generation_config.json: not applied here: ${asks.join(', ')}`];
}

/**
 * Reads the file as Python does: without `do_sample` decoding is greedy, and with it an absent `top_k` is 50.
 * @throws DataError for a value of a wrong type
 */
export function generationDefaults(json: Record<string, unknown>): GenerationDefaults {
  const number = (key: string): number | undefined => {
    const value = json[key] ?? undefined;
    if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value;
    throw new DataError({ where: `generation_config.json ${key}`, what: 'bad value', got: value, wanted: 'a number' });
  };
  const early = json.early_stopping;
  const samples = json.do_sample === true;
  const stop = json.stop_strings ?? undefined;
  const stopStrings = (Array.isArray(stop) ? stop : stop === undefined ? [] : [stop]).map(String);
  const all = {
    temperature: samples ? (number('temperature') ?? 1) : 0,
    topK: number('top_k') ?? (samples ? 50 : undefined),
    topP: number('top_p'),
    minP: number('min_p'),
    repetitionPenalty: number('repetition_penalty'),
    beams: number('num_beams'),
    lengthPenalty: number('length_penalty'),
    earlyStopping: early === true || early === 'never' ? early : undefined,
    noRepeatNgramSize: number('no_repeat_ngram_size'),
    maxNewTokens: number('max_new_tokens'),
    ...(stopStrings.length > 0 ? { stopStrings } : {}),
  };
  const { eosIds, padId } = specialIdsFromJson(json);
  const others = Object.fromEntries(
    Object.entries(json).filter(([key, value]) => !known.has(key) && !isIdle(key, value)),
  );
  return {
    ...(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as GenerationDefaults),
    ...(eosIds === undefined ? {} : { eosIds }),
    ...(padId === undefined ? {} : { padId }),
    ...(Object.keys(others).length === 0 ? {} : { others }),
  };
}

/** The file for these defaults; sampling from the whole distribution is said outright (`top_k: 0`). */
export function generationConfigJson(d: GenerationDefaults, bosId?: number): Record<string, unknown> {
  const { temperature = 1, topK = 0, topP = 1, eosIds = [], padId } = d;
  return {
    ...d.others,
    bos_token_id: bosId ?? null,
    eos_token_id: eosIds.length === 0 ? null : eosIds.length === 1 ? eosIds[0] : eosIds,
    pad_token_id: padId ?? null,
    ...(temperature === 0 ? { do_sample: false } : { do_sample: true, temperature, top_k: topK, top_p: topP }),
    ...(d.minP === undefined ? {} : { min_p: d.minP }),
    ...(d.repetitionPenalty === undefined ? {} : { repetition_penalty: d.repetitionPenalty }),
    ...(d.beams === undefined ? {} : { num_beams: d.beams }),
    ...(d.lengthPenalty === undefined ? {} : { length_penalty: d.lengthPenalty }),
    ...(d.earlyStopping === undefined ? {} : { early_stopping: d.earlyStopping }),
    ...(d.noRepeatNgramSize === undefined ? {} : { no_repeat_ngram_size: d.noRepeatNgramSize }),
    ...(d.maxNewTokens === undefined ? {} : { max_new_tokens: d.maxNewTokens }),
    ...(d.stopStrings === undefined ? {} : { stop_strings: d.stopStrings }),
  };
}
