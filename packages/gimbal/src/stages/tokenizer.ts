// The tokenizer: byte-level BPE trained on the rows, or that of the model the run starts from.
import { z } from 'zod';
import { defineStage } from '../pipeline/stage.ts';
import { stage as data } from './data.ts';
import { storedRows } from './internal/stored-rows.ts';

export interface TokenizerResult {
  /** rows of the embedding it needs */
  size: number;
  /** the model folder the run starts from */
  startFrom?: string;
  /** characters a token stands for, on held-out rows */
  charactersPerToken: number;
}

const options = z.object({
  model: z
    .string()
    .min(1)
    .optional()
    .describe(
      'start from this model, a folder, a .gguf file or a name on the hub: its tokenizer and weights; nothing is pretrained',
    ),
  vocabulary: z
    .int()
    .min(258)
    .max(65_536)
    .optional()
    .describe('tokens at most (default: 1024, of more than 2 MB of text 2048)'),
});

const largeText = 2_000_000;

export const stage = defineStage({
  name: 'tokenizer',
  summary: 'Train a tokenizer on the rows.',
  version: 1,
  needs: ['data'],
  prefix: '',
  options,
  uses: [],
  files: (o) => (o.model === undefined ? [] : [o.model]),
  async run({ options: o, input, dir }): Promise<TokenizerResult> {
    const { loadTokenizer, trainTokenizer } = await import('@gimbal/language-models');
    const { writeFileDurable } = await import('@gimbal/tensor-core');
    const { join } = await import('node:path');
    const { value: found, dir: rowsDir } = input(data);
    const vocabularySize = o.vocabulary ?? (found.characters > largeText && found.task !== 'newsroom' ? 2048 : 1024);
    const train = await storedRows(rowsDir, 'train', found.kind);
    const tokenizer =
      o.model === undefined ? trainTokenizer(textsOf(train.rows), { vocabularySize }) : await loadTokenizer(o.model);
    await writeFileDurable(join(dir, 'tokenizer.json'), JSON.stringify(tokenizer.json));
    await writeFileDurable(join(dir, 'tokenizer_config.json'), JSON.stringify(tokenizer.config));

    let characters = 0;
    let tokens = 0;
    for (const text of textsOf((await storedRows(rowsDir, 'held-out', found.kind)).rows)) {
      characters += text.length;
      tokens += tokenizer.encodeText(text).length;
    }
    // held-out rows may be empty texts
    const result = { size: tokenizer.size, charactersPerToken: characters / Math.max(1, tokens) };
    return o.model === undefined ? result : { ...result, startFrom: o.model };
  },
  describe: (r) =>
    `${r.size} tokens${r.startFrom === undefined ? '' : ` of ${r.startFrom}`}, ${r.charactersPerToken.toFixed(2)} characters each`,
});

/** Every text of the rows: prompts and completions are encoded apart, so they are learned apart. */
function* textsOf(rows: readonly { [column: string]: unknown }[]): Generator<string> {
  for (const row of rows) {
    for (const column of ['text', 'prompt', 'completion']) {
      if (typeof row[column] === 'string') yield row[column] as string;
    }
  }
}
