// The two files of a tokenizer, as far as we read or write them: `tokenizer.json` of Hugging Face's tokenizers library
// and `tokenizer_config.json` of transformers.

/** A token that is found in a text before it is split into words. */
export interface AddedToken {
  /** Its id. */
  id: number;
  /** Its text. */
  content: string;
  /** Whether it counts only where no letter, digit or underscore stands beside it. */
  single_word: boolean;
  /** Whether it takes the white space before it. */
  lstrip: boolean;
  /** Whether it takes the white space after it. */
  rstrip: boolean;
  /** Whether it is looked for in the normalised text. */
  normalized: boolean;
  /** left out of a text that is decoded with `skipSpecialTokens` */
  special: boolean;
}

/** A part of the pipeline: its `type`, and whatever that type needs. */
export interface Stage {
  type: string;
  [option: string]: unknown;
}

/** `tokenizer.json`, as Hugging Face's tokenizers library writes it. */
export interface TokenizerJson {
  /** Of the format: 1.0. */
  version: string;
  /** Not applied here: rows are cut where they are fitted. */
  truncation: unknown;
  /** Not applied here: batches are padded where they are made. */
  padding: unknown;
  /** Tokens beside the vocabulary's own, the special ones among them. */
  added_tokens: AddedToken[];
  /** Rewrites a text before it is split; null: it stays as it is. */
  normalizer: Stage | null;
  /** Splits a text into words. */
  pre_tokenizer: Stage | null;
  /** Adds special tokens, such as a beginning. */
  post_processor: Stage | null;
  /** Makes text of tokens. */
  decoder: Stage | null;
  /** Turns a word into tokens: the vocabulary, and for BPE the merges. */
  model: Stage;
}

/** `tokenizer_config.json` of transformers, as far as it is read here. */
export interface TokenizerConfig {
  /** The class that Python makes of it. */
  tokenizer_class?: string;
  /** The token that begins a text. */
  bos_token?: string | { content: string } | null;
  /** The token that ends a text. */
  eos_token?: string | { content: string } | null;
  /** The token that fills up rows. */
  pad_token?: string | { content: string } | null;
  /** The token of what has no other; byte-level tokenizers need none. */
  unk_token?: string | { content: string } | null;
  /** Longest row in tokens that the model takes. */
  model_max_length?: number;
  /** Whether decoding removes spaces before punctuation (false). */
  clean_up_tokenization_spaces?: boolean;
  /** How a conversation is written, in Jinja. */
  chat_template?: unknown;
  /** Gimbal's: what stands between a prompt and its completion (see `Tokenizer.promptSuffix`). */
  prompt_suffix?: string;
  [option: string]: unknown;
}

/** A token found as it stands, whatever is beside it. @param special whether decoding may leave it out (true) */
export const addedToken = (id: number, content: string, special = true): AddedToken => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special,
});

/** The `tokenizer.json` of a byte-level BPE. */
export function byteLevelBpeJson(
  tokens: readonly string[],
  merges: readonly (readonly [number, number])[],
  specialTokens: readonly string[],
): TokenizerJson {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens.map((content, id) => addedToken(id, content)),
    normalizer: null,
    pre_tokenizer: { ...byteLevel },
    post_processor: { ...byteLevel, trim_offsets: false },
    decoder: { ...byteLevel },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: merges.map(([a, b]) => [tokens[a] as string, tokens[b] as string]),
    },
  };
}
