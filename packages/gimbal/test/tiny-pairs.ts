// A small model of our own with pairs and a judge, for the commands that learn from preferences.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decoder, savePretrained, trainTokenizer } from '@gimbal/language-models';
import { disposeTree, rng } from '@gimbal/tensor-core';

/** Names of the columns of `pairs.jsonl`. */
export const tinyColumns = 'prompt=question,chosen=better,rejected=worse';

/** Rows as lines of a .jsonl. */
export const lines = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

/** Writes `base`, a model of context 24, `pairs.jsonl`, 40 rows, and `judge.mjs`, who likes the letter e. */
export async function writeTinyPairs(dir: string): Promise<void> {
  const rows = Array.from({ length: 40 }, (_, i) => ({
    question: `${i % 8} is`,
    better: 'an even one',
    worse: 'odd',
  }));
  await writeFile(join(dir, 'pairs.jsonl'), lines(rows));
  await writeFile(
    join(dir, 'judge.mjs'),
    'export default (prompts, a, b) => a.map((x, i) => 1 / (1 + Math.exp(b[i].split("e").length - x.split("e").length)));\n',
  );
  const tokenizer = trainTokenizer(rows.map((row) => `${row.question}\n${row.better} ${row.worse}`));
  const size = { width: 32, layers: 2, heads: 2, contextLength: 24, eosIds: [tokenizer.special.eos as number] };
  const model = decoder({ vocabularySize: tokenizer.size, ...size });
  const params = model.init(rng(0));
  await savePretrained(join(dir, 'base'), model, params, { tokenizer });
  disposeTree(params);
}
