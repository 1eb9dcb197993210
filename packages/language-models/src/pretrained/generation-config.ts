// `generation_config.json`: how a model is meant to be sampled from, unless a call says otherwise.
import { DataError } from '@gimbal/tensor-core';
import { specialIdsFromJson } from '../decoder/huggingface-config.ts';

export interface GenerationDefaults {
  temperature?: number;
  topK?: number;
  topP?: number;
  maxNewTokens?: number;
  eosIds?: readonly number[];
  padId?: number;
  stopStrings?: readonly string[];
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
  const samples = json.do_sample === true;
  const stop = json.stop_strings ?? undefined;
  const stopStrings = (Array.isArray(stop) ? stop : stop === undefined ? [] : [stop]).map(String);
  const all = {
    temperature: samples ? (number('temperature') ?? 1) : 0,
    topK: number('top_k') ?? (samples ? 50 : undefined),
    topP: number('top_p'),
    maxNewTokens: number('max_new_tokens'),
    ...(stopStrings.length > 0 ? { stopStrings } : {}),
  };
  const { eosIds, padId } = specialIdsFromJson(json);
  return {
    ...(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as GenerationDefaults),
    ...(eosIds === undefined ? {} : { eosIds }),
    ...(padId === undefined ? {} : { padId }),
  };
}

/** The file for these defaults; sampling from the whole distribution is said outright (`top_k: 0`). */
export function generationConfigJson(d: GenerationDefaults, bosId?: number): Record<string, unknown> {
  const { temperature = 1, topK = 0, topP = 1, eosIds = [], padId } = d;
  return {
    bos_token_id: bosId ?? null,
    eos_token_id: eosIds.length === 0 ? null : eosIds.length === 1 ? eosIds[0] : eosIds,
    pad_token_id: padId ?? null,
    ...(temperature === 0 ? { do_sample: false } : { do_sample: true, temperature, top_k: topK, top_p: topP }),
    ...(d.maxNewTokens === undefined ? {} : { max_new_tokens: d.maxNewTokens }),
    ...(d.stopStrings === undefined ? {} : { stop_strings: d.stopStrings }),
  };
}
