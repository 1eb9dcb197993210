// Lines as an editor counts them: ended by a line feed, with or without a carriage return before it. U+2028, U+2029 and
// U+0085 stand inside JSON strings as they are and end no line. A byte order mark in front is no part of the first line.

export interface Line {
  /** counts from 1 */
  readonly number: number;
  readonly text: string;
}

/** The lines of a text; the last one needs no end. */
export function* linesOf(text: string): Generator<Line, void, undefined> {
  let start = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  for (let number = 1; start < text.length; number++) {
    const feed = text.indexOf('\n', start);
    const end = feed < 0 ? text.length : feed;
    const trimmed = end > start && text.charCodeAt(end - 1) === 13 ? end - 1 : end;
    yield { number, text: text.slice(start, trimmed) };
    start = end + 1;
  }
}
