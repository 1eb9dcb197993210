// gimbal on a small T5 of Python's: trained, merged, asked, compared; refused by name where a decoder is wanted.
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dataset, loadSeq2Seq, loadTokenizer, seq2seqRows } from '@gimbal/language-models';
import { disposeTree, useBackend } from '@gimbal/tensor-core';
import { codecOf } from '../src/rl/chat-prompts.ts';
import { resultOf, runMain } from './run-main.ts';

const root = new URL('../src/', import.meta.url);
const t5 = fileURLToPath(new URL('../../language-models/test/golden/t5-tiny', import.meta.url));
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gimbal-t5-'));
  await useBackend('auto');
  const rows = Array.from({ length: 40 }, (_, i) => ({
    question: `${i % 6} + ${i % 5} =`,
    answer: `${(i % 6) + (i % 5)}`,
  }));
  await writeFile(join(dir, 'rows.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
});
afterAll(() => rm(dir, { recursive: true }));

const gimbal = (...argv: string[]): Promise<Record<string, unknown>> => resultOf(argv, root);

test('an encoder-decoder is compared with others on prompts as it reads them', async () => {
  const prompts = ['the nurse', 'the coat'];
  await writeFile(join(dir, 'asked.jsonl'), prompts.map((prompt) => `${JSON.stringify({ prompt })}\n`).join(''));
  await writeFile(join(dir, 'even.mjs'), 'export default (prompts, a) => a.map(() => 0.5);\n');
  const play = ['--matrix', `one=${t5},other=${t5}`, '--preference', join(dir, 'even.mjs'), '--comparisons', '4'];
  await gimbal('eval', ...play, '--data', join(dir, 'asked.jsonl'), '--max-new-tokens', '4');
  const tokenizer = await loadTokenizer(t5);
  const { ids, width } = codecOf(tokenizer, undefined, true).encode(prompts);
  const { rows } = seq2seqRows(dataset(prompts.map((prompt) => ({ prompt, completion: '' }))), tokenizer, {
    ...{ limit: 64, targetLimit: 64 },
  });
  expect(rows.map((_, i) => [...ids.subarray(i * width, (i + 1) * width)])).toEqual(
    rows.map(({ source }) => [...source, ...Array(width - source.length).fill(tokenizer.special.pad)]),
  );
});

test('an encoder-decoder learns pairs, its adapter is worked into its folder', async () => {
  const rows = ['--data', join(dir, 'rows.jsonl'), '--columns', 'prompt=question,completion=answer'];
  const sft = ['sft', '--model', t5, ...rows, '--learning-rate', '3e-2', '--eval-every', '6'];
  const out = join(dir, 't5');
  const trained = await gimbal(...sft, '--steps', '12', '--out', out);
  expect(trained.heldOutLoss).toBeLessThan((trained.heldOutLossBefore as number) - 0.5);
  const adapter = ['--adapter', join(out, 'adapter')];
  await gimbal('merge', '--model', t5, ...adapter, '--out', join(dir, 't5-merged'));
  const prompt = ['--prompt', '2 + 3 =', '--temperature', '0'];
  const written = await Promise.all(
    [[t5], [t5, ...adapter], [join(dir, 't5-merged')]].map(async ([model, ...more]) => {
      const { completions } = await gimbal('generate', '--model', model as string, ...more, ...prompt);
      return completions;
    }),
  );
  expect(written[2]).toEqual(written[1]);
  expect(written[1]).not.toEqual(written[0]);
  // all weights: a folder, with what the model had beside them
  const whole = await gimbal(...sft, '--lora', '0', '--steps', '3', '--out', join(dir, 't5-whole'));
  expect(whole.heldOutLoss).toBeLessThan(whole.heldOutLossBefore as number);
  const { params, tokenizer } = await loadSeq2Seq(whole.path as string);
  expect(tokenizer).toBeDefined();
  disposeTree(params);

  const refused = async (wanted: RegExp, ...argv: string[]): Promise<void> => {
    const { code, stderr } = await runMain(argv, root);
    expect([code, stderr]).toEqual([2, expect.stringMatching(wanted)]);
  };
  const none = ['--out', join(dir, 't5-none')];
  await refused(/gimbal sft --packing: an encoder-decoder learns pairs/, ...sft, '--packing', ...none);
  await refused(/--overflow: a pair cannot be split/, ...sft, '--overflow', 'split', ...none);
  await refused(/encoder-decoders have no .gguf/, 'merge', '--model', t5, ...adapter, '--out', join(dir, 't5.gguf'));
}, 120_000);

test.each([
  ['rl', '--data', 'prompts.jsonl', '--reward', './none.mjs'],
  ['grpo', '--data', 'prompts.jsonl', '--reward', './none.mjs'],
  ['dpo', '--data', 'none.jsonl'],
  ['nash-md', '--data', 'none.jsonl', '--preference', './none.mjs'],
  ['align', '--data', 'none.jsonl'],
  ['quantize'],
])(
  'gimbal %s refuses an encoder-decoder at once, whatever else is wrong, and says what to do',
  async (name, ...argv) => {
    const out = join(dir, `none-${name}.gguf`);
    const { code, stderr } = await runMain([name, '--model', t5, '--out', out, ...argv], root);
    const fix = name === 'quantize' ? 'saveSeq2Seq' : 'gimbal sft trains it on rows of prompt and completion';
    const said = `gimbal ${name} --model: this is an encoder-decoder \\(T5\\); got .*, wanted a decoder\\. .*${fix}`;
    expect([code, stderr]).toEqual([2, expect.stringMatching(new RegExp(said, 's'))]);
    expect(existsSync(out)).toBe(false);
  },
);
