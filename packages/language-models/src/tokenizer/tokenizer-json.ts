// The two files of a tokenizer, as far as we read or write them: `tokenizer.json` of Hugging Face's tokenizers library
// and `tokenizer_config.json` of transformers.

export interface AddedToken {
  id: number;
  content: string;
  single_word: boolean;
  lstrip: boolean;
  rstrip: boolean;
  normalized: boolean;
  /** left out of a text that is decoded with `skipSpecialTokens` */
  special: boolean;
}

/** A part of the pipeline: its `type`, and whatever that type needs. */
export interface Stage {
  type: string;
  [option: string]: unknown;
}

export interface TokenizerJson {
  version: string;
  truncation: unknown;
  padding: unknown;
  added_tokens: AddedToken[];
  normalizer: Stage | null;
  pre_tokenizer: Stage | null;
  post_processor: Stage | null;
  decoder: Stage | null;
  model: Stage;
}

export interface TokenizerConfig {
  tokenizer_class?: string;
  bos_token?: string | { content: string } | null;
  eos_token?: string | { content: string } | null;
  pad_token?: string | { content: string } | null;
  unk_token?: string | { content: string } | null;
  model_max_length?: number;
  clean_up_tokenization_spaces?: boolean;
  chat_template?: unknown;
  /** Gimbal's: what stands between a prompt and its completion (see `Tokenizer.promptSuffix`). */
  prompt_suffix?: string;
  [option: string]: unknown;
}

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
    added_tokens: specialTokens.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
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
