// What `@huggingface/tokenizers` (0.2.0) reads otherwise than the Rust library, put right in the JSON it is given; the
// files on disk stay as they are.
// - JavaScript's `\s` has U+FEFF and lacks U+0085; the Rust library's is Unicode's White_Space. Written out here.
// - `Digits` sees ASCII digits only; the Rust library every \p{N}.
import { gpt2Pattern } from './byte-level.ts';
import type { Stage, TokenizerJson } from './tokenizer-json.ts';

/** The same tokenizer, with pre-tokenizers that JavaScript reads as Rust does. */
export function repairTokenizerJson(json: TokenizerJson): TokenizerJson {
  return { ...json, pre_tokenizer: json.pre_tokenizer && repairPreTokenizer(json.pre_tokenizer) };
}

function repairPreTokenizer(stage: Stage): Stage {
  switch (stage.type) {
    case 'Sequence': {
      const parts = (stage.pretokenizers as Stage[]).map(repairPreTokenizer);
      return { ...stage, pretokenizers: parts };
    }
    case 'ByteLevel':
      // with a prefix space the split would come first and prefix every word: leave that form alone
      if (stage.use_regex === false || stage.add_prefix_space === true) return stage;
      return { type: 'Sequence', pretokenizers: [isolate(gpt2Pattern), { ...stage, use_regex: false }] };
    case 'Split': {
      const { pattern } = stage as { pattern?: { Regex?: string } };
      if (pattern?.Regex === undefined) return stage;
      return { ...stage, pattern: { Regex: writeOutWhiteSpace(pattern.Regex) } };
    }
    case 'Digits':
      return isolate(stage.individual_digits === true ? '\\p{N}' : '\\p{N}+');
    default:
      return stage;
  }
}

const isolate = (regex: string): Stage => ({
  type: 'Split',
  pattern: { Regex: regex },
  behavior: 'Isolated',
  invert: false,
});

/** `\s` as `\p{White_Space}`, `\S` as `\P{White_Space}`, inside classes and out; other escapes stay. */
export const writeOutWhiteSpace = (regex: string): string =>
  regex.replace(/\\([\s\S])/gu, (sequence, letter) =>
    letter === 's' ? '\\p{White_Space}' : letter === 'S' ? '\\P{White_Space}' : sequence,
  );
