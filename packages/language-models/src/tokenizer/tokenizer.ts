// A tokenizer: texts to token ids and back. The pipeline itself is `@huggingface/tokenizers`; this class gives it
// batches, special ids by role, offsets, and the places where it must agree with Python (repair.ts, repair-pipeline.ts).

import { ConfigError, DataError, type TextCodec, type TokenBatch } from '@gimbal/tensor-core';
import { Tokenizer as Pipeline } from '@huggingface/tokenizers';
import { padBatch, rowOf } from '../data/token-batch.ts';
import { messageOf } from '../message-of.ts';
import { checkTokenizerJson } from './check-json.ts';
import { repairTokenizerJson } from './repair.ts';
import { repairPipeline } from './repair-pipeline.ts';
import { alignTokens, type Span } from './spans.ts';
import { templateOf } from './template.ts';
import type { TokenizerConfig, TokenizerJson } from './tokenizer-json.ts';
import { wordCache } from './word-cache.ts';

/** Ids of the special tokens by role; undefined where the tokenizer has none. */
export interface SpecialIds {
  /** Fills up rows. */
  readonly pad: number | undefined;
  /** Begins a text. */
  readonly bos: number | undefined;
  /** Ends a text. */
  readonly eos: number | undefined;
}

/** Texts to token ids and back, as the Hugging Face library does it with the same `tokenizer.json`. Holds no tensors. */
export class Tokenizer implements TextCodec {
  /** The files as read or trained; treat them as frozen. */
  readonly json: TokenizerJson;
  /** `tokenizer_config.json`, or what stands for it. */
  readonly config: TokenizerConfig;
  /** One more than the largest id: the rows a model's embedding must have at least. */
  readonly size: number;
  /** The special ids by role. */
  readonly special: SpecialIds;
  readonly #pipeline: Pipeline;
  #begin: readonly number[] | undefined;
  readonly #specialIds: ReadonlySet<number>;
  /** Ids of a text without special tokens. */
  readonly #plain: (text: string) => readonly number[];

  /**
   * @param json parsed `tokenizer.json`
   * @param config parsed `tokenizer_config.json`
   * @throws DataError if the pipeline cannot be built from them, or for ids or merges that cannot be
   */
  constructor(json: TokenizerJson, config: TokenizerConfig = {}) {
    this.json = json;
    this.config = config;
    checkTokenizerJson(json);
    try {
      // its own copy of the config: the clean-up of spaces is on by default there, off in Python
      this.#pipeline = new Pipeline(repairTokenizerJson(json), { clean_up_tokenization_spaces: false, ...config });
      repairPipeline(this.#pipeline, json);
    } catch (cause) {
      throw new DataError({
        where: 'tokenizer.json',
        what: `the tokenizer cannot be built: ${messageOf(cause)}`,
        fix: 'Save it with Python’s tokenizers library, or train one with trainTokenizer',
        cause,
      });
    }
    const plain = (text: string): number[] => this.#pipeline.encode(text, { add_special_tokens: false }).ids;
    this.#plain = wordCache(json, plain) ?? plain;
    let largest = -1;
    for (const id of this.#pipeline.get_vocab().values()) largest = Math.max(largest, id);
    this.size = largest + 1;
    this.#specialIds = new Set(json.added_tokens.filter((t) => t.special).map((t) => t.id));
    const roleId = (role: 'pad' | 'bos' | 'eos'): number | undefined => {
      const token = config[`${role}_token`];
      const content = typeof token === 'string' ? token : token?.content;
      return content === undefined ? undefined : this.id(content);
    };
    this.special = { pad: roleId('pad'), bos: roleId('bos'), eos: roleId('eos') };
  }

  /**
   * What is written between a prompt and its completion: `''` unless the tokenizer was trained with one. Fine-tuning
   * and generation both add it, so a model is asked in the form it was taught.
   */
  get promptSuffix(): string {
    return this.config.prompt_suffix ?? '';
  }

  /**
   * What stands before every text that is no conversation: the post-processor's beginning, such as a BOS. A chat template
   * writes its own.
   */
  get begin(): readonly number[] {
    if (this.#begin === undefined) {
      const [first] = templateOf(this.json.post_processor).single;
      this.#begin = first && 'ids' in first ? first.ids : [];
    }
    return this.#begin;
  }

  /** The id of a token, written as in the vocabulary; undefined if it is none. */
  id(token: string): number | undefined {
    return this.#pipeline.token_to_id(token) ?? this.json.added_tokens.find(({ content }) => content === token)?.id;
  }

  /** The token of an id, written as in the vocabulary; undefined if there is none. */
  token(id: number): string | undefined {
    return this.#pipeline.id_to_token(id);
  }

  /** Whether the id is a special token, left out of decoded text. */
  isSpecial(id: number): boolean {
    return this.#specialIds.has(id);
  }

  /**
   * The ids of one text. `specialTokens` adds what the post-processor adds, such as a BOS (false: a template or trainer
   * does that).
   */
  encodeText(text: string, { specialTokens = false } = {}): Int32Array {
    return Int32Array.from(specialTokens ? this.#pipeline.encode(text).ids : this.#plain(text));
  }

  /** Encodes texts without special tokens, as right-padded rows. */
  encode(texts: readonly string[]): TokenBatch {
    return padBatch(
      texts.map((text) => this.encodeText(text)),
      this.special.pad ?? 0,
    );
  }

  /** The text of ids; bytes that are no UTF-8 become U+FFFD. Special tokens are left out unless asked for. */
  decodeIds(ids: ArrayLike<number>, { skipSpecialTokens = true } = {}): string {
    const kept: number[] = [];
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] as number;
      if (this.token(id) === undefined) {
        const wanted = `a token id below ${this.size}`;
        throw new DataError({ where: 'tokenizer', what: `position ${i} holds no token`, got: id, wanted });
      }
      if (!skipSpecialTokens || !this.#specialIds.has(id)) kept.push(id);
    }
    // the pipeline refuses an empty list
    return kept.length === 0 ? '' : this.#pipeline.decode(kept, { skip_special_tokens: false });
  }

  /** The text of each row, padding and special tokens left out. */
  decode(tokens: TokenBatch): string[] {
    return Array.from(tokens.lengths, (_, row) => this.decodeIds(rowOf(tokens, row)));
  }

  /**
   * The ids of a text with the stretch of it that each token comes from, in UTF-16 units as `slice` counts them. Tokens
   * that share a character have the same span.
   * @throws ConfigError for a tokenizer that rewrites text before it splits it
   */
  encodeWithSpans(text: string): { ids: Int32Array; spans: Span[] } {
    if (this.json.normalizer !== null || this.json.decoder?.type !== 'ByteLevel') {
      throw new ConfigError({
        where: 'tokenizer.encodeWithSpans',
        what: 'this tokenizer rewrites text, so its tokens have no place in it',
        got: this.json.normalizer?.type ?? this.json.decoder?.type,
        wanted: 'a byte-level tokenizer without a normalizer',
      });
    }
    const { ids, tokens } = this.#pipeline.encode(text, { add_special_tokens: false });
    const added = new Set(this.json.added_tokens.map((t) => t.content));
    return { ids: Int32Array.from(ids), spans: alignTokens(text, tokens, added) };
  }
}
