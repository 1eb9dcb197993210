// Tokenizers with the four special tokens that a model of this package needs: PAD, BOS, EOS and MASK.
import { addedToken, Tokenizer, type TokenizerJson, trainTokenizer } from '@gimbal/language-models';
import { checkKnown } from '../internal/check-names.ts';
import { refusal } from '../internal/refuse.ts';
import type { Vec2TextConfig } from '../model/config.ts';

const special = ['<pad>', '<bos>', '<eos>', '<mask>'] as const;

const roles = { pad_token: special[0], bos_token: special[1], eos_token: special[2], mask_token: special[3] };

/** Ends a text with EOS where special tokens are asked for, so that an encoder-decoder can be trained with it, too. */
const ending = (eosId: number): NonNullable<TokenizerJson['post_processor']> => ({
  type: 'TemplateProcessing',
  single: [{ Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: special[2], type_id: 0 } }],
  pair: [
    { Sequence: { id: 'A', type_id: 0 } },
    { SpecialToken: { id: special[2], type_id: 0 } },
    { Sequence: { id: 'B', type_id: 1 } },
    { SpecialToken: { id: special[2], type_id: 1 } },
  ],
  special_tokens: { [special[2]]: { id: special[2], ids: [eosId], tokens: [special[2]] } },
});

/**
 * A tokenizer of a closed vocabulary, a word an id, words parted by white space; the special tokens are 0 to 3. A word
 * outside it is refused by whatever encodes (`UNKNOWN_TOKEN`).
 * @param words any order, repetitions allowed; ids follow the order of first appearance
 * @throws DataError (`NO_DATA`) for no word; ConfigError for one with white space, or named like a special token
 * @example wordTokenizer('the boy saw the lamp'.split(' ')).size; // 8
 */
export function wordTokenizer(words: Iterable<string>): Tokenizer {
  const where = 'wordTokenizer';
  checkList(where, 'words', words);
  const vocabulary = [...special, ...new Set(words)];
  const bad = vocabulary
    .slice(4)
    .find((word) => word === '' || /\s|\p{Surrogate}/u.test(word) || special.includes(word as '<pad>'));
  if (bad !== undefined) throw refusal('CONFIG', { where, what: 'no word', got: bad, wanted: 'letters without space' });
  if (vocabulary.length === 4) throw refusal('NO_DATA', { where, what: 'there is no word' });
  const json: TokenizerJson = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special.map((content, id) => addedToken(id, content)),
    normalizer: null,
    pre_tokenizer: { type: 'WhitespaceSplit' },
    post_processor: ending(2),
    decoder: null,
    // word pieces without continuations are whole words; there is no token for what is unknown
    model: {
      type: 'WordPiece',
      unk_token: '<unk>',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocabulary.map((word, id) => [word, id])),
    },
  };
  return new Tokenizer(json, { tokenizer_class: 'PreTrainedTokenizerFast', ...roles });
}

/** @throws ConfigError (`CONFIG`) for what is no list: a text alone is one of its letters */
function checkList(where: string, name: string, list: Iterable<string>): void {
  if (typeof list !== 'string' && typeof list?.[Symbol.iterator] === 'function') return;
  throw refusal('CONFIG', {
    where: `${where}.${name}`,
    what: `no list of ${name}`,
    got: list === null ? 'null' : typeof list,
  });
}

/**
 * A byte-level BPE tokenizer of texts, which knows every character.
 * @param o.vocabularySize tokens, the special ones and 256 bytes included (4000)
 * @throws ConfigError, DataError as `trainTokenizer`
 */
export function textTokenizer(texts: Iterable<string>, o: { vocabularySize?: number } = {}): Tokenizer {
  checkKnown('textTokenizer', o, ['vocabularySize']);
  checkList('textTokenizer', 'texts', texts);
  const { vocabularySize = 4000 } = o;
  const [padToken, bos, eosToken, mask] = special;
  const { json, config } = trainTokenizer(texts, { vocabularySize, padToken, eosToken, specialTokens: [bos, mask] });
  return new Tokenizer({ ...json, post_processor: ending(1) }, { ...config, ...roles });
}

/**
 * The ids that a model takes from its tokenizer.
 * @throws ConfigError (`CONFIG`) for no tokenizer, or naming the special token that it lacks
 * @example vec2text({ vocabSize: tokenizer.size, ...specialIds(tokenizer) });
 */
export function specialIds(tokenizer: Tokenizer): Pick<Vec2TextConfig, 'padId' | 'bosId' | 'eosId' | 'maskId'> {
  if (tokenizer?.special == null) {
    const got = tokenizer === null ? 'null' : typeof tokenizer;
    throw refusal('CONFIG', { where: 'specialIds', what: 'no tokenizer', got, wanted: 'of wordTokenizer, say' });
  }
  const { pad, bos, eos } = tokenizer.special;
  const ids = { padId: pad, bosId: bos, eosId: eos, maskId: maskOf(tokenizer) };
  for (const [name, id] of Object.entries(ids)) {
    if (id !== undefined) continue;
    const what = `the tokenizer has no token for ${name}`;
    const fix =
      'Use wordTokenizer or textTokenizer, or name pad_token, bos_token, eos_token and mask_token in its config';
    throw refusal('CONFIG', { where: 'specialIds', what, fix });
  }
  return ids as { padId: number; bosId: number; eosId: number; maskId: number };
}

/** The id of MASK, where the tokenizer has one. */
export function maskOf(tokenizer: Tokenizer): number | undefined {
  const token = tokenizer.config.mask_token as string | { content: string } | null | undefined;
  const mask = typeof token === 'string' ? token : token?.content;
  return mask === undefined ? undefined : tokenizer.id(mask);
}
