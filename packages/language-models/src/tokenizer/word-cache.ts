// Most words of a text are seen again: with GPT-2's splitting each word is encoded once and remembered (six times
// faster than asking the pipeline for every text). Only for tokenizers whose words are independent of their neighbours.
import { gpt2Pattern } from './byte-level.ts';
import type { TokenizerJson } from './tokenizer-json.ts';

/** Bounds the memory of a cache; it starts afresh beyond. */
const CAPACITY = 2 ** 16;

/**
 * An encoder of texts by remembered words.
 * @param encode the pipeline: ids of a text without special tokens
 * @returns undefined if this tokenizer does not split as GPT-2's does, or rewrites text first
 */
export function wordCache(json: TokenizerJson, encode: (text: string) => readonly number[]): typeof encode | undefined {
  const { pre_tokenizer: split, normalizer, added_tokens: added } = json;
  const gpt2 = split?.type === 'ByteLevel' && split.use_regex !== false && split.add_prefix_space !== true;
  if (!gpt2 || normalizer !== null) return undefined;

  const pattern = new RegExp(gpt2Pattern, 'gu');
  const known = new Map<string, readonly number[]>();
  return (text) => {
    // an added token splits a text before the pattern does: such texts are rare, the pipeline takes them
    if (added.some(({ content }) => text.includes(content))) return encode(text);
    const ids: number[] = [];
    for (const word of text.match(pattern) ?? []) {
      let part = known.get(word);
      if (!part) {
        if (known.size >= CAPACITY) known.clear();
        part = encode(word);
        known.set(word, part);
      }
      for (const id of part) ids.push(id);
    }
    return ids;
  };
}
