// Small models and rows for gimbal reward and gimbal warm: pairs.jsonl, nli.jsonl, a decoder `base`, an `encoder`.
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  classifier,
  decoder,
  encoderConfig,
  saveClassifier,
  savePretrained,
  Tokenizer,
  trainTokenizer,
} from '@gimbal/language-models';
import { disposeTree, rng, useBackend } from '@gimbal/tensor-core';
import { runMain } from './run-main.ts';

const root = new URL('../src/', import.meta.url);
const colours = ['red', 'blue', 'green', 'black'];

/** A new folder with all of it; the caller removes it. */
export async function rewardFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'gimbal-reward-'));
  await useBackend('auto');
  const rows = Array.from({ length: 60 }, (_, i) => {
    const [x, y] = [colours[i % 4], colours[(i + 1 + (i % 3)) % 4]];
    return { question: `say ${x} ${i}`, better: ` ${x}`, worse: ` ${y}`, source: i % 2 ? 'odd' : 'even' };
  });
  await writeFile(join(dir, 'pairs.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const nli = rows.map((row, i) => ({
    premise: row.question,
    hypothesis: i % 2 ? row.better : row.worse,
    label: i % 2 ? 'entailment' : 'contradiction',
  }));
  await writeFile(join(dir, 'nli.jsonl'), nli.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const tokenizer = trainTokenizer(rows.map((row) => `${row.question}${row.better}`));
  const size = { width: 32, layers: 1, heads: 2, contextLength: 32, eosIds: [tokenizer.special.eos as number] };
  const model = decoder({ vocabularySize: tokenizer.size, ...size });
  const params = model.init(rng(0));
  await savePretrained(join(dir, 'base'), model, params, { tokenizer });
  // an encoder's tokenizer has a template for pairs
  const [a, b] = ['A', 'B'].map((id, type_id) => ({ Sequence: { id, type_id } }));
  const special = tokenizer.json.added_tokens[0] as { id: number; content: string };
  const json = {
    ...tokenizer.json,
    post_processor: {
      type: 'TemplateProcessing',
      single: [a, { SpecialToken: { id: special.content, type_id: 0 } }],
      pair: [a, { SpecialToken: { id: special.content, type_id: 0 } }, b],
      special_tokens: { [special.content]: { id: special.content, ids: [special.id], tokens: [special.content] } },
    },
  };
  const encoder = classifier(
    encoderConfig({ vocabularySize: tokenizer.size, width: 32, layers: 1, heads: 2, contextLength: 32 }),
    ['a', 'b'],
  );
  const encoderParams = encoder.init(rng(0));
  await saveClassifier(join(dir, 'encoder'), encoder, encoderParams, {
    tokenizer: new Tokenizer(json as never, tokenizer.config),
  });
  for (const tree of [params, encoderParams]) disposeTree(tree);
  return dir;
}

export const run = (...argv: string[]) => runMain([...argv, '--json'], root);

/** What a command that ends well prints. @throws Error with what it said where it does not */
export const gimbal = async (...argv: string[]): Promise<Record<string, unknown>> => {
  const { code, stdout, stderr } = await run(...argv);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Record<string, unknown>;
};

/** Which model learns from which pairs. */
export const pairsIn = (dir: string): string[] => [
  ...['--model', join(dir, 'base'), '--data', join(dir, 'pairs.jsonl')],
  ...['--columns', 'prompt=question,chosen=better,rejected=worse'],
];
