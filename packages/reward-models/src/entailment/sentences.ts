// A text's sentences, for judges that read one at a time.

/** Words whose full stop ends no sentence. */
const abbreviations = new Set(
  'mr mrs ms dr prof sr jr st vs etc e.g i.e u.s u.k no gen col sen rep gov fig approx'.split(' '),
);

/**
 * The sentences of a text: it is divided after `.`, `!` or `?` (with closing quotes and brackets) before white space, and
 * at line feeds; not after an abbreviation or an initial. Nothing but white space is lost.
 * @example splitSentences('Dr. Roe left. He was tired!') // ['Dr. Roe left.', 'He was tired!']
 */
export function splitSentences(text: string): string[] {
  const out: string[] = [];
  let sentence = '';
  for (const piece of text.split(/(\s+)/)) {
    if (/^\s*$/.test(piece)) {
      if (sentence !== '') sentence += piece;
      if (piece.includes('\n')) flush();
      continue;
    }
    sentence += piece;
    const [word, marks] = endOf(piece);
    if (marks === '') continue;
    const plain = word.replace(/^["'“‘([]+/u, '');
    const isAbbreviation = marks === '.' && (abbreviations.has(plain.toLowerCase()) || /^\p{Lu}$/u.test(plain));
    if (!isAbbreviation) flush();
  }
  flush();
  return out;

  function flush(): void {
    const whole = sentence.trim();
    // a mark that stands alone belongs to what is before it
    if (whole !== '') out.push(whole);
    sentence = '';
  }
}

/** A piece's word and the marks at its end, closing quotes and brackets left out: from its end, in one pass. */
function endOf(piece: string): [word: string, marks: string] {
  let end = piece.length;
  while (end > 0 && `"'”’)]`.includes(piece[end - 1] as string)) end--;
  let start = end;
  while (start > 0 && '.!?'.includes(piece[start - 1] as string)) start--;
  return [piece.slice(0, start), piece.slice(start, end)];
}
