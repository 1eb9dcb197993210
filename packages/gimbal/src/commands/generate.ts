// gimbal generate: write with a model folder, one prompt streamed or a file of them in batches.
import { ConfigError, DataError, writeFileAtomic } from '@gimbal/tensor-core';
import { z } from 'zod';
import { type CommandContext, defineCommand } from '../cli/command.ts';
import { duration, quantity } from '../cli/format.ts';
import { checkColumns } from '../options/columns.ts';
import { startCompute } from '../run/compute.ts';
import { refuseUnwritable } from '../run/out-file.ts';
import { batchesByRoom, promptLength } from '../stages/internal/room.ts';

const options = z.object({
  model: z.string().min(1).describe('model folder: config.json, model.safetensors, tokenizer.json'),
  prompt: z.string().optional().describe('the prompt; its completion is printed as it is written'),
  prompts: z
    .string()
    .min(1)
    .optional()
    .describe('a file of prompts: .jsonl with a column prompt, or .txt with one a line'),
  columns: z.record(z.string(), z.string()).optional().describe('name of your column, for example prompt=question'),
  maxNewTokens: z.int().min(1).optional().describe("most tokens to write (default: the model's own limit, else 64)"),
  temperature: z.number().min(0).optional().describe("0 is greedy (default: the model's own, else 1)"),
  topK: z.int().min(0).optional().describe('draw from the k likeliest tokens only; 0 = all'),
  topP: z.number().positive().max(1).optional().describe('draw from the smallest set of this probability; 1 = all'),
  stop: z.array(z.string().min(1)).optional().describe('a completion ends before the first of these texts'),
  continue: z
    .boolean()
    .default(false)
    .describe('go on in the same text, without the separator of prompt and completion'),
  batchSize: z.int().min(1).default(32).describe('prompts at a time'),
  precision: z.enum(['float32', 'bf16']).default('float32').describe('precision of matrix products'),
});
type Options = z.output<typeof options>;
type Context = CommandContext<Options>;

/** One line of the result. */
interface Written {
  prompt: string;
  completion: string;
  tokens: number;
  /** log p of the completion under the model */
  logProb: number;
  end: string;
}

export const command = defineCommand({
  summary: 'Write completions with a model folder.',
  options,
  examples: [
    'gimbal generate --model runs/align-1/model --prompt "nurse hid coat . headline mayor bought apple ."',
    'gimbal generate --model runs/align-1/model --prompts prompts.jsonl --temperature 0 --out completions.jsonl',
  ],
  async run(context) {
    const { options: o, output } = context;
    if ((o.prompt === undefined) === (o.prompts === undefined)) {
      const what = o.prompt === undefined ? 'nothing to complete' : 'both --prompt and --prompts';
      throw new ConfigError({ where: 'gimbal generate', what, wanted: 'either --prompt text or --prompts file' });
    }
    checkColumns('generate', o.columns, ['prompt']);
    if (o.out !== undefined) await refuseUnwritable('generate', o.out);
    const prompts = await readPrompts(o);
    const compute = await startCompute(o);
    if (o.precision === 'bf16' && !compute.bf16) throw noBf16(compute.name);
    const { loadPretrained } = await import('@gimbal/language-models');
    const { disposeTree, rng, withPrecision } = await import('@gimbal/tensor-core');
    const pretrained = await loadPretrained(o.model);
    for (const warning of pretrained.warnings) output.note(`warning ${warning}`);
    const began = performance.now();
    // packed once for all batches, in the precision they will run in
    const packed = withPrecision(o.precision, () => pretrained.model.pack(pretrained.params));
    const written: Written[] = [];
    try {
      const stream = rng(o.seed).split('sampling');
      const fitting = leaveOutLong(prompts, pretrained, o, output);
      const batches = batchesByRoom(
        fitting.map(({ text }) => lengthOf(text, o, pretrained)),
        {
          contextLength: pretrained.model.config.contextLength,
          most: askedTokens(o, pretrained) ?? defaultTokens,
          batchSize: o.batchSize,
        },
      );
      const done: Written[] = [];
      for (const { rows, maxNewTokens } of batches) {
        const texts = rows.map((row) => (fitting[row] as PromptAt).text);
        const at = stream.split(rows[0] as number);
        const some = await withPrecision(o.precision, () => complete(context, pretrained, texts, maxNewTokens, at));
        for (const [i, row] of rows.entries()) done[row] = some[i] as Written;
        // in the order of the prompts, as far as they are written
        for (let next = done[written.length]; next !== undefined; next = done[written.length]) {
          written.push(next);
          print(context, next);
        }
      }
    } finally {
      packed.dispose();
      disposeTree(pretrained.params);
    }
    const tokens = written.reduce((sum, w) => sum + w.tokens, 0);
    const seconds = (performance.now() - began) / 1000;
    output.note(`${tokens} tokens in ${duration(seconds)}, ${quantity(tokens / seconds)} tokens/s`);
    await compute.trace(output);
    if (o.out !== undefined) {
      await writeFileAtomic(o.out, written.map((w) => `${JSON.stringify(w)}\n`).join(''));
      output.note(`written to ${o.out}`);
    }
    return { json: { model: o.model, completions: written } };
  },
});

type Pretrained = Awaited<ReturnType<typeof import('@gimbal/language-models').loadPretrained>>;
type Rng = ReturnType<typeof import('@gimbal/tensor-core').rng>;

/** One batch; a single prompt's completion is printed for a person as it comes. */
async function complete(
  context: Context,
  model: Pretrained,
  prompts: string[],
  maxNewTokens: number,
  stream: Rng,
): Promise<Written[]> {
  const { options: o, output, signal } = context;
  const { generateStream } = await import('@gimbal/language-models');
  const tokenizer = model.tokenizer ?? missingTokenizer(o.model);
  const g = model.generation;
  const sampling = {
    maxNewTokens,
    temperature: o.temperature ?? g.temperature ?? 1,
    topK: o.topK ?? g.topK ?? 0,
    topP: o.topP ?? g.topP ?? 1,
    stopStrings: o.stop ?? g.stopStrings ?? [],
    ...(g.eosIds === undefined ? {} : { eosIds: g.eosIds }),
    promptSuffix: !o.continue,
    rng: stream,
    signal,
  };
  const live = o.prompt !== undefined && !output.json;
  if (live && o.continue) output.write(o.prompt as string);
  const rows = prompts.map((prompt): Written => ({ prompt, completion: '', tokens: 0, logProb: 0, end: 'length' }));
  for await (const part of generateStream(model.model, model.params, tokenizer, prompts, sampling)) {
    const row = rows[part.row] as Written;
    row.completion += part.text;
    row.tokens++;
    row.logProb += part.logProb;
    if (part.end !== undefined) row.end = part.end;
    if (live) output.write(part.text);
  }
  if (live) output.line();
  return rows;
}

/** A completion of a file's prompt, for a person; a single one has been printed as it came. */
function print({ options: o, output }: Context, { prompt, completion }: Written): void {
  if (o.prompt === undefined && !output.json) output.line(`${output.colors.dim(prompt)}\n${completion}\n`);
}

/** The limit that was asked for, by the user or by the model's folder. */
const askedTokens = (o: Options, model: Pretrained): number | undefined =>
  o.maxNewTokens ?? model.generation.maxNewTokens;

/** without one, and at most what the context leaves room for */
const defaultTokens = 64;

function lengthOf(prompt: string, o: Options, { tokenizer = missingTokenizer(o.model) }: Pretrained): number {
  return promptLength(tokenizer, prompt, !o.continue);
}

interface PromptAt {
  text: string;
  where: string;
}

async function readPrompts(o: Options): Promise<PromptAt[]> {
  if (o.prompt !== undefined) return [{ text: o.prompt, where: '--prompt' }];
  const file = o.prompts as string;
  const all = await textOf(file);
  if (file.endsWith('.txt')) {
    const text = all.replace(/^\ufeff/, '');
    const lines = text.split(/\r?\n/).map((line, i) => ({ text: line, where: `${file}:${i + 1}` }));
    const prompts = lines.filter((line) => line.text !== '');
    if (prompts.length === 0) throw new DataError({ where: file, what: 'there are no prompts', wanted: 'one a line' });
    return prompts;
  }
  const { parseJsonl } = await import('@gimbal/language-models');
  // rows of other kinds serve as prompts too: only their column `prompt` is read
  const columns = o.columns === undefined ? {} : { columns: o.columns };
  const rows = parseJsonl(all, file, { kind: 'prompt', ...columns });
  return rows.rows.map(({ prompt }, i) => ({ text: prompt, where: rows.where(i) }));
}

async function textOf(file: string): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const what = code === 'ENOENT' ? 'no such file' : `cannot be read (${code})`;
    const fix = 'Check the path; it is taken from the working directory';
    throw new ConfigError({ where: `gimbal generate --prompts ${file}`, what, fix, cause });
  }
}

/** Prompts that leave no room in the context are left out and counted; it is an error if none is left. */
function leaveOutLong(
  prompts: readonly PromptAt[],
  model: Pretrained,
  o: Options,
  output: Context['output'],
): PromptAt[] {
  const { contextLength } = model.model.config;
  const least = askedTokens(o, model) ?? 1;
  const room = contextLength - least;
  const long = prompts.filter(({ text }) => lengthOf(text, o, model) > room);
  if (long.length === 0) return [...prompts];
  const first = long[0] as PromptAt;
  if (long.length === prompts.length) {
    throw new DataError({
      where: first.where,
      what:
        prompts.length === 1 ? 'the prompt is longer than the context' : `all ${prompts.length} prompts are too long`,
      wanted: `at most ${Math.max(0, room)} tokens: a context of ${contextLength} less ${least} new ${least === 1 ? 'one' : 'ones'}`,
      fix: 'Shorten the prompt or lower --max-new-tokens',
    });
  }
  output.note(`${long.length} prompts left out, longer than ${room} tokens (first: ${first.where})`);
  return prompts.filter((prompt) => !long.includes(prompt));
}

function missingTokenizer(folder: string): never {
  const fix = 'Put the tokenizer.json of the model into its folder';
  throw new ConfigError({ where: `gimbal generate --model ${folder}`, what: 'the folder has no tokenizer.json', fix });
}

const noBf16 = (backend: string): ConfigError =>
  new ConfigError({
    where: 'gimbal generate --precision',
    what: `the backend ${backend} has no bf16 products on this machine`,
    got: 'bf16',
    wanted: 'float32',
  });
