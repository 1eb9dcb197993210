// Where in a text a token comes from. The pipeline gives no offsets; for byte-level tokens they follow from the bytes.
import { tokenBytes } from './byte-level.ts';

/** A half-open stretch of a text in UTF-16 units: `text.slice(start, end)`. */
export type Span = readonly [start: number, end: number];

/**
 * Walks text and tokens together.
 * @param added tokens that stand for their own characters
 * @returns one span a token; a token of some bytes of a character gets the whole character
 */
export function alignTokens(text: string, tokens: readonly string[], added: ReadonlySet<string>): Span[] {
  let at = 0; // first unit of the character that the next byte belongs to
  let used = 0; // bytes of that character already given to tokens
  return tokens.map((token) => {
    if (added.has(token)) {
      // an added token may strip spaces beside it: they belong to no token
      const start = text.indexOf(token, at);
      at = start + token.length;
      used = 0;
      return [start, at];
    }
    let left = tokenBytes(token)?.length ?? 0;
    const start = at;
    let end = at;
    while (left > 0 && at < text.length) {
      const point = text.codePointAt(at) as number;
      const units = point > 0xffff ? 2 : 1;
      const bytes = utf8Length(point) - used;
      end = at + units;
      if (bytes > left) {
        used += left;
        break;
      }
      left -= bytes;
      used = 0;
      at = end;
    }
    return [start, end];
  });
}

/** Bytes of a code point in UTF-8; a lone surrogate is written as U+FFFD, three bytes. */
const utf8Length = (point: number): number => (point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4);
