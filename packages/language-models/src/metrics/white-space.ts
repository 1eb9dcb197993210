// White space as Python's `str.split` and `str.strip` see it, and so the reference metrics: unlike JavaScript's `\s` it has
// U+001C to U+001F and U+0085, and lacks U+FEFF.

const space = '[\\u0009-\\u000d\\u001c-\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const runs = new RegExp(`${space}+`);
const atEnd = new RegExp(`${space}+$`);

/** The words of a text: Python's `text.split()`. */
export const splitWords = (text: string): string[] => text.split(runs).filter((word) => word !== '');

/** A text without the white space at its end: Python's `text.rstrip()`. */
export const trimEnd = (text: string): string => text.replace(atEnd, '');
