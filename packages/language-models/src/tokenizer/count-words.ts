// The words of a training text with their counts: merges never cross a word, so a text of a hundred million characters
// is trained on as some ten thousand words.
import { gpt2Pattern } from './byte-level.ts';

/**
 * Counts the words of GPT-2's pattern, in order of first appearance.
 * @param specialTokens strings that are tokens of their own: they split the text and are not counted
 */
export function countWords(texts: Iterable<string>, specialTokens: readonly string[] = []): Map<string, number> {
  const pattern = new RegExp(gpt2Pattern, 'gu');
  const specials = specialTokens.length > 0 ? new RegExp(specialTokens.map(escapeRegex).join('|'), 'u') : undefined;
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const section of specials ? text.split(specials) : [text]) {
      for (const [word] of section.matchAll(pattern)) counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  return counts;
}

const escapeRegex = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
