// A toy that tests share: a word tokenizer, a small decoder, and answers of which the one that names the prompt's colour
// is better.
import {
  type Dataset,
  type DecoderConfig,
  dataset,
  decoderConfig,
  encoderConfig,
  Tokenizer,
} from '@gimbal/language-models';

const marks = ['<pad>', '<eos>', '<sep>', '<unk>'];
const colours = ['red', 'blue', 'green', 'black'];
const words = [...marks, ...colours, 'say', 'is', 'it', 'not', 'and', 'rock', 'paper', 'scissors', 'user', 'bot'];

/** Words apart by spaces; `eosIsPad` makes end of text and padding one token. */
export const wordTokenizer = ({ eosIsPad = false, pairs = false } = {}): Tokenizer =>
  new Tokenizer(
    {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: marks.map((content, id) => ({
        id,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      })),
      normalizer: null,
      pre_tokenizer: { type: 'WhitespaceSplit' },
      post_processor: pairs
        ? {
            type: 'TemplateProcessing',
            single: [{ Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '<sep>', type_id: 0 } }],
            pair: [
              { Sequence: { id: 'A', type_id: 0 } },
              { SpecialToken: { id: '<sep>', type_id: 0 } },
              { Sequence: { id: 'B', type_id: 1 } },
            ],
            special_tokens: { '<sep>': { id: '<sep>', ids: [2], tokens: ['<sep>'] } },
          }
        : null,
      decoder: { type: 'WordPiece', prefix: '##', cleanup: false },
      model: {
        type: 'WordPiece',
        unk_token: '<unk>',
        continuing_subword_prefix: '##',
        max_input_chars_per_word: 100,
        vocab: Object.fromEntries(words.map((w, i) => [w, i])),
      },
    },
    { pad_token: eosIsPad ? '<eos>' : '<pad>', eos_token: '<eos>' },
  );

export const smallDecoder = (o: Partial<DecoderConfig> = {}): DecoderConfig =>
  decoderConfig({
    family: 'llama',
    vocabularySize: words.length,
    width: 32,
    layers: 2,
    heads: 4,
    contextLength: 16,
    initializerRange: 0.15,
    eosIds: [1],
    ...o,
  });

export const smallEncoder = (): ReturnType<typeof encoderConfig> =>
  encoderConfig({
    vocabularySize: words.length,
    width: 32,
    layers: 2,
    heads: 4,
    contextLength: 16,
    initializerRange: 0.15,
  });

export interface ColourRow {
  prompt: string;
  chosen: string;
  rejected: string;
  [column: string]: unknown;
}

/** say X: `it is X` is better than `it is Y`. */
export const colourRows: ColourRow[] = colours.flatMap((x) =>
  colours.filter((y) => y !== x).map((y) => ({ prompt: `say ${x}`, chosen: `it is ${x}`, rejected: `it is ${y}` })),
);

export const colourPairs: Dataset = dataset(colourRows);
