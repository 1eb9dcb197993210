// What `@huggingface/tokenizers` (0.2.0) does otherwise than the Rust library and its JSON cannot put right (repair.ts does
// the rest): parts of a pipeline are changed after it is built.
// - Added tokens with `single_word` are found inside words too.
// - Runs of `<0xNN>` lose a U+FEFF at their beginning: TextDecoder takes it for a byte order mark.
import type { Tokenizer as Pipeline } from '@huggingface/tokenizers';
import type { TokenizerJson } from './tokenizer-json.ts';

interface Splitter {
  split(text: string): string[];
}

interface Decoder {
  decoders?: Decoder[];
  text_decoder?: TextDecoder;
}

/** The parts of a pipeline that its types do not tell. */
interface Parts {
  splitter_unnormalized: Splitter;
  splitter_normalized: Splitter;
  added_tokens_map: ReadonlyMap<string, { readonly single_word: boolean }>;
  model: { tokens_to_ids: Map<string, number> };
  decoder: Decoder | null;
}

/** Makes a pipeline that was built of this JSON do as Rust does. */
export function repairPipeline(pipeline: Pipeline, json: TokenizerJson): void {
  const parts = pipeline as unknown as Parts;
  if (parts.decoder) keepByteOrderMarks(parts.decoder);
  const single = json.added_tokens.filter((token) => token.single_word);
  if (single.length === 0) return;
  for (const splitter of [parts.splitter_unnormalized, parts.splitter_normalized]) {
    const split = splitter.split.bind(splitter);
    splitter.split = (text) => rejoin(split(text), parts.added_tokens_map);
  }
  // the model itself does not know them: a word that begins like one is no such token
  const vocabulary = json.model.vocab;
  const known = typeof vocabulary === 'object' && vocabulary !== null && !Array.isArray(vocabulary) ? vocabulary : {};
  for (const { content } of single) if (!Object.hasOwn(known, content)) parts.model.tokens_to_ids.delete(content);
}

function keepByteOrderMarks(decoder: Decoder): void {
  for (const part of decoder.decoders ?? []) keepByteOrderMarks(part);
  if (decoder.text_decoder) decoder.text_decoder = new TextDecoder('utf-8', { ignoreBOM: true });
}

/** Rust's `\w`. */
const wordCharacter = '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]';
const endsInWord = new RegExp(`${wordCharacter}$`, 'u');
const beginsWithWord = new RegExp(`^${wordCharacter}`, 'u');

/** Puts tokens that must stand alone, and do not, back into the text beside them. */
function rejoin(pieces: readonly string[], added: Parts['added_tokens_map']): string[] {
  const out: string[] = [];
  let plain = '';
  const flush = (): void => {
    if (plain !== '') out.push(plain);
    plain = '';
  };
  pieces.forEach((piece, i) => {
    const token = added.get(piece);
    const isInWord =
      token?.single_word === true && (endsInWord.test(pieces[i - 1] ?? '') || beginsWithWord.test(pieces[i + 1] ?? ''));
    if (token === undefined || isInWord) plain += piece;
    else {
      flush();
      out.push(piece);
    }
  });
  flush();
  return out;
}
