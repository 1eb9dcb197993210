// A prompt with its answers as the tokens a reward or preference model reads. For decoders as in fine-tuning: beginning,
// prompt, suffix, answer, end; for encoders the tokenizer's template for a pair of texts.

import {
  type DecoderConfig,
  type EncoderConfig,
  encodeTexts,
  type TextOrPair,
  type Tokenizer,
} from '@gimbal/language-models';
import { DataError } from '@gimbal/tensor-core';
import { checkTokenizer } from './check-tokenizer.ts';

/** One row of tokens, padding apart. */
export interface EncodedRow {
  /** The tokenizer's special tokens included. */
  readonly ids: Int32Array;
  /** 0 for the first text, 1 for the second (decoders: all 0). */
  readonly types: Int32Array;
}

/** How prompts and answers are read. */
export interface AnswerEncoderOptions {
  /** Longest row in tokens (the model's context, which is also the most). */
  maxLength?: number;
  /** Prompts and answers come from a chat template, which has written every special token (false). */
  templated?: boolean;
}

/** Turns a prompt and one answer, or two that are compared, into a row. */
export interface AnswerEncoder {
  /** Longest row in tokens. */
  readonly limit: number;
  /** The whole row, however long. */
  encode(prompt: string, answers: readonly string[]): EncodedRow;
  /**
   * The row within the limit: of a decoder's, the answers lose their ends and the prompt nothing; of an encoder's, the
   * longer text loses its end. Undefined where the prompt leaves no room.
   */
  cut(prompt: string, answers: readonly string[]): EncodedRow | undefined;
}

/**
 * Makes what turns texts into the rows of a model.
 * @throws ConfigError where the tokenizer has more tokens than the model or the length is out of range; DataError where a
 * decoder's tokenizer has no end-of-text token
 */
export function answerEncoder(
  config: EncoderConfig | DecoderConfig,
  tokenizer: Tokenizer,
  { maxLength, templated = false }: AnswerEncoderOptions = {},
): AnswerEncoder {
  const limit = checkTokenizer('answerEncoder', config, tokenizer, maxLength);
  return 'typeVocabulary' in config ? forEncoder(tokenizer, limit) : forDecoder(tokenizer, limit, templated);
}

function forDecoder(tokenizer: Tokenizer, limit: number, templated: boolean): AnswerEncoder {
  const { eos } = tokenizer.special;
  if (eos === undefined) {
    throw new DataError({
      where: 'tokenizer',
      what: 'it has no end-of-text token, so no answer would end',
      fix: 'Name one as eos_token in tokenizer_config.json',
    });
  }
  const headOf = (prompt: string): number[] => {
    if (templated) return [...tokenizer.encodeText(prompt)];
    return [...tokenizer.begin, ...(prompt === '' ? [] : tokenizer.encodeText(prompt + tokenizer.promptSuffix))];
  };
  const answerOf = (text: string): number[] => {
    const ids = [...tokenizer.encodeText(text)];
    // a template may write a line feed after its end of turn
    if (templated && ids.includes(eos)) return ids.slice(0, ids.lastIndexOf(eos) + 1);
    return [...ids, eos];
  };
  const row = (parts: readonly (readonly number[])[]): EncodedRow => {
    const ids = Int32Array.from(parts.flat());
    return { ids, types: new Int32Array(ids.length) };
  };
  return {
    limit,
    encode: (prompt, answers) => row([headOf(prompt), ...answers.map(answerOf)]),
    cut(prompt, answers) {
      const head = headOf(prompt);
      const parts = answers.map(answerOf);
      const lengths = shorten(
        parts.map((part) => part.length),
        limit - head.length,
      );
      return lengths && row([head, ...parts.map((part, i) => part.slice(0, lengths[i]))]);
    },
  };
}

function forEncoder(tokenizer: Tokenizer, limit: number): AnswerEncoder {
  // one answer beside its prompt, or the second answer beside the prompt with the first
  const textsOf = (prompt: string, answers: readonly string[]): TextOrPair => {
    const [a, b] = answers as [string, string?];
    if (b !== undefined) return [prompt === '' ? a : `${prompt}\n${a}`, b];
    return prompt === '' ? a : [prompt, a];
  };
  const row = (prompt: string, answers: readonly string[], o: { limit?: number }): EncodedRow => {
    const { ids, types } = encodeTexts(tokenizer, [textsOf(prompt, answers)], o);
    return { ids, types: types as Int32Array };
  };
  return {
    limit,
    encode: (prompt, answers) => row(prompt, answers, {}),
    cut: (prompt, answers) => row(prompt, answers, { limit }),
  };
}

/** Lengths that fit into `room`, the longest shortened first; undefined where one would get nothing. */
function shorten(lengths: readonly number[], room: number): number[] | undefined {
  if (room < lengths.length) return undefined;
  const out = [...lengths];
  let over = out.reduce((a, b) => a + b, 0) - room;
  while (over > 0) {
    const longest = out.indexOf(Math.max(...out));
    const next = Math.max(...out.filter((_, i) => i !== longest), 1);
    const step = Math.max(1, Math.min(over, (out[longest] as number) - next));
    out[longest] = (out[longest] as number) - step;
    over -= step;
  }
  return out;
}
