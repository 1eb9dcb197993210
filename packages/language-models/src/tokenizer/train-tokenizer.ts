// Trains a byte-level BPE tokenizer on texts, as `tokenizer.json` and `tokenizer_config.json` describe it.
import { ConfigError, DataError } from '@gimbal/tensor-core';
import { byteCharacters, toByteCharacters } from './byte-level.ts';
import { countWords } from './count-words.ts';
import { learnMerges } from './learn-merges.ts';
import { Tokenizer } from './tokenizer.ts';
import { byteLevelBpeJson } from './tokenizer-json.ts';

/** What the tokenizer should become; none is needed. */
export interface TrainTokenizerOptions {
  /** Ids of the tokenizer, special tokens and the 256 bytes included (1024); fewer where the text has no more pairs. */
  vocabularySize?: number;
  /** A pair seen less often is not merged (2). */
  minFrequency?: number;
  /** The padding token, id 0 (`<|pad|>`). */
  padToken?: string;
  /** Ends a text; also its beginning, as in GPT-2 (`<|endoftext|>`), id 1. */
  eosToken?: string;
  /** More special tokens, with the next ids. */
  specialTokens?: readonly string[];
  /** What stands between a prompt and its completion (a line feed). */
  promptSuffix?: string;
  /** Longest row in tokens that the model takes; transformers warns beyond it. */
  maxLength?: number;
}

/**
 * Trains a tokenizer: the same texts and options give the same tokenizer, whatever the order of the texts.
 * @param texts any iterable, read once
 * @throws ConfigError for a vocabulary that cannot hold the bytes, or a special token that is empty or given twice
 * @throws DataError if there is no text
 * @example
 * const tokenizer = trainTokenizer(['the cat sat on the mat'], { vocabularySize: 300 });
 * tokenizer.decodeIds(tokenizer.encodeText('the cat')); // 'the cat'
 */
export function trainTokenizer(texts: Iterable<string>, o: TrainTokenizerOptions = {}): Tokenizer {
  const { vocabularySize = 1024, minFrequency = 2, padToken = '<|pad|>', eosToken = '<|endoftext|>' } = o;
  const { promptSuffix = '\n', maxLength } = o;
  const special = [padToken, eosToken, ...(o.specialTokens ?? [])];
  if (new Set(special).size < special.length || special.includes('')) {
    throw new ConfigError({
      where: 'trainTokenizer',
      what: 'special tokens must be different and not empty',
      got: special,
      fix: 'pad and eos are two tokens here: a model that never trains on its eos never ends',
    });
  }
  const smallest = special.length + byteCharacters.length;
  if (!Number.isSafeInteger(vocabularySize) || vocabularySize < smallest || vocabularySize > 2 ** 24) {
    const wanted = `a whole number from ${smallest} (special tokens and bytes) to 2^24`;
    throw new ConfigError({
      where: 'trainTokenizer.vocabularySize',
      what: 'out of range',
      got: vocabularySize,
      wanted,
    });
  }
  const counts = countWords(texts, special);
  if (counts.size === 0) {
    throw new DataError({
      where: 'trainTokenizer',
      what: 'no text to train on',
      fix: 'Check the data and its columns',
    });
  }

  // special tokens, then the bytes in the order of their characters, as Hugging Face's trainer numbers them
  const alphabet = [...special, ...byteCharacters.toSorted((a, b) => a.charCodeAt(0) - b.charCodeAt(0))];
  const idOf = new Map(alphabet.map((token, id) => [token, id]));
  const words = Array.from(counts, ([word, count]) => ({
    ids: Array.from(toByteCharacters(word), (character) => idOf.get(character) as number),
    count,
  }));
  const { tokens, merges } = learnMerges(words, alphabet, { vocabularySize, minFrequency });

  return new Tokenizer(byteLevelBpeJson(tokens, merges, special), {
    tokenizer_class: 'PreTrainedTokenizerFast',
    bos_token: eosToken,
    eos_token: eosToken,
    pad_token: padToken,
    clean_up_tokenization_spaces: false,
    ...(maxLength === undefined ? {} : { model_max_length: maxLength }),
    prompt_suffix: promptSuffix,
    chat_template: chatTemplate(promptSuffix),
  });
}

/** Python's `apply_chat_template` then writes a user's turn as a prompt is written here, and an answer as it is trained. */
function chatTemplate(suffix: string): string {
  const user = `{{ message['content'] }}{{ ${JSON.stringify(suffix)} }}`;
  const assistant = "{{ message['content'] }}{{ eos_token }}";
  return `{% for message in messages %}{% if message['role'] == 'assistant' %}${assistant}{% else %}${user}{% endif %}{% endfor %}`;
}
