// gimbal generate: a conversation at a terminal, one prompt streamed, or a file of them in batches.
import { ConfigError, DataError, type RewardFn, writeFileAtomic } from '@gimbal/tensor-core';
import { z } from 'zod';
import { type CommandContext, defineCommand } from '../cli/command.ts';
import { bytes, counted, duration, figure, quantity } from '../cli/format.ts';
import { jsonLine } from '../cli/json-line.ts';
import { bestOfReward, type Candidate, checkBestOf, pickBest } from '../generate/best-of.ts';
import { carriedColumns } from '../generate/carried-columns.ts';
import { asTurn, heldWeights, openModel, type ReadPrompt, type Writer } from '../generate/open-model.ts';
import { type PromptAt, readPrompts } from '../generate/read-prompts.ts';
import { checkBeams, defaultTokens, samplingOf, samplingOptions } from '../generate/sampling.ts';
import { checkColumns } from '../options/columns.ts';
import { refuseBf16, startCompute } from '../run/compute.ts';
import { hubOptions } from '../run/hub.ts';
import { refuseOtherThanLines, refuseReplacing } from '../run/out-file.ts';
import { batchesByRoom, promptLength } from '../stages/internal/room.ts';

const options = z.object({
  model: z
    .string()
    .min(1)
    .describe('model folder (config.json, model.safetensors, tokenizer.json), a .gguf file, or a name on the hub'),
  adapter: z.string().min(1).optional().describe("an adapter's folder, of PEFT or of gimbal sft"),
  prompt: z.string().optional().describe('the prompt; its completion is printed as it is written'),
  data: z
    .string()
    .min(1)
    .optional()
    .describe('a file of prompts: .jsonl, .csv or .parquet with a column prompt, or .txt with one a line'),
  columns: z.record(z.string(), z.string()).optional().describe('name of your column, for example prompt=question'),
  system: z.string().optional().describe('what a conversation begins with, for models with a chat template'),
  ...samplingOptions.shape,
  bestOf: z.int().min(1).optional().describe('draw so many of each prompt and keep the one that --reward likes best'),
  reward: z
    .array(z.string())
    .optional()
    .describe(
      'a reward model’s folder, entailment:folder, ensemble:a+b, length:20..40, repetition, world:newsroom or ./file.mjs, with options as gimbal rl takes them; several are summed, as a=0.5,b',
    ),
  continue: z
    .boolean()
    .default(false)
    .describe('go on in the same text, without chat template or separator of prompt and completion'),
  batchSize: z.int().min(1).default(32).describe('prompts at a time'),
  precision: z.enum(['float32', 'bf16']).default('float32').describe('precision of matrix products'),
  weights: z
    .enum(heldWeights)
    .optional()
    .describe('what matrices are held in (default: as in a .gguf file, float32 of any other)'),
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
  /** with --best-of: of the completion, and every sample with its own */
  reward?: number;
  candidates?: Candidate[];
}

export const command = defineCommand({
  summary: 'Talk to a model, or write completions with it.',
  options,
  examples: [
    'gimbal generate --model SmolLM2-135M-Instruct.Q4_1.gguf          a conversation at the terminal',
    'gimbal generate --model runs/align-1/model --prompt "nurse hid coat . headline mayor bought apple ."',
    'gimbal generate --model runs/align-1/model --data prompts.jsonl --temperature 0 --out completions.jsonl',
    'gimbal generate --model runs/align-1/model --data prompts.jsonl --best-of 16 --reward runs/warm-1',
  ],
  async run(given) {
    const { output, signal } = given;
    const o = { ...given.options, samples: given.options.bestOf ?? given.options.samples };
    const context = { ...given, options: o };
    if (o.prompt !== undefined && o.data !== undefined) {
      const wanted = '--prompt text, --data file, or neither for a conversation';
      throw new ConfigError({ where: 'gimbal generate', what: 'both --prompt and --data', wanted });
    }
    checkColumns('generate', o.columns, ['prompt']);
    if (o.out !== undefined) {
      refuseOtherThanLines('generate', o.out);
      await refuseReplacing('generate', o.out, o.data);
    }
    const isChat = o.prompt === undefined && o.data === undefined;
    const picks = checkBestOf(given.options, isChat);
    if (isChat && (o.samples > 1 || (o.beams ?? 1) > 1)) {
      const what = 'a conversation has one answer at a time';
      throw new ConfigError({
        where: 'gimbal generate',
        what,
        fix: 'Give --prompt or --data, or leave out --samples and --beams',
      });
    }
    checkBeams('generate', o);
    const prompts = o.data === undefined ? [] : await readPrompts(o.data, o.columns);
    if (o.prompt !== undefined) prompts.push({ text: o.prompt, where: '--prompt' });
    const compute = await startCompute(o);
    refuseBf16('gimbal generate', o.precision, compute);
    const { heldBytes, rng, withPrecision } = await import('@gimbal/tensor-core');
    using model = await openModel(o.model, 'gimbal generate', {
      adapter: o.adapter,
      weights: o.weights,
      hub: hubOptions(output, signal),
    });
    for (const warning of model.warnings) output.note(`warning ${warning}`);
    output.note(`weights: ${bytes(heldBytes(model.params))}`);
    checkBeams('generate', o, model.generation);
    const stream = rng(o.seed).split('sampling');
    if (picks && (await samplingOf(o, model.generation)).temperature === 0) {
      const fix = 'Give --temperature above 0';
      throw new ConfigError({ where: 'gimbal generate --best-of', what: 'the model’s own samples are greedy', fix });
    }
    const reward = picks ? await bestOfReward(o.reward as string[]) : undefined;
    // packed once for all batches, in the precision they will run in
    using _packed = withPrecision(o.precision, () => model.policy.pack(model.params));
    if (isChat) {
      const { chat } = await import('../generate/chat.ts');
      const request = { model, output, sampling: o, system: o.system, rng: stream, signal, waits: given.waits };
      const messages = await withPrecision(o.precision, () => chat({ ...request, input: process.stdin }));
      if (o.out !== undefined) await writeFileAtomic(o.out, `${JSON.stringify({ messages })}\n`);
      return { json: { model: o.model, messages } };
    }
    const began = performance.now();
    const { written, columns } = await withPrecision(o.precision, () =>
      completeAll(context, model, prompts, stream, reward),
    );
    const all = written.flatMap((w): { tokens: number }[] => w.candidates ?? [w]);
    const tokens = all.reduce((sum, w) => sum + w.tokens, 0);
    const seconds = (performance.now() - began) / 1000;
    output.note(`${counted(tokens, 'token')} in ${duration(seconds)}, ${quantity(tokens / seconds)} tokens/s`);
    if (reward !== undefined) output.note(await pickedNote(written, o.samples));
    await compute.trace(output);
    if (o.out !== undefined) {
      await writeFileAtomic(o.out, written.map((row, i) => jsonLine(row, columns[i])).join(''));
      output.note(`written to ${o.out}`);
    }
    return { json: { model: o.model, completions: written.map((row, i) => ({ ...columns[i], ...row })) } };
  },
});

type Rng = ReturnType<typeof import('@gimbal/tensor-core').rng>;

/** What choosing was worth, and how far it moved from the model. */
async function pickedNote(written: readonly Written[], n: number): Promise<string> {
  const { bonKl } = await import('@gimbal/reward-models');
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const drawn = written.flatMap((w) => w.candidates?.flatMap(({ reward: r }) => (r === null ? [] : [r])) ?? []);
  const kept = mean(written.map((w) => w.reward as number));
  return `best of ${n}: reward ${figure(kept)}, of all samples ${figure(mean(drawn))}; KL to the model at most ${figure(bonKl(n))} nats`;
}

/** What the output says of a completion. */
const ofOutput = new Set(['prompt', 'completion', 'tokens', 'logProb', 'end', 'reward', 'candidates']);

/** @returns of each completion what is known of it, and the other columns of its prompt's row */
async function completeAll(
  context: Context,
  model: Writer,
  prompts: PromptAt[],
  stream: Rng,
  reward: RewardFn | undefined,
): Promise<{ written: Written[]; columns: { [column: string]: unknown }[] }> {
  const { options: o, output } = context;
  const read = await Promise.all(prompts.map(({ text }) => asTurn(model, text, o)));
  const lengths = read.map(({ text, rendered }) =>
    rendered ? model.tokenizer.encodeText(text).length : promptLength(model.tokenizer, text, !o.continue),
  );
  const kept = leaveOutLong(prompts, lengths, model, o, output);
  const batches = batchesByRoom(
    kept.map((i) => lengths[i] as number),
    {
      contextLength: model.writesApart ? Number.POSITIVE_INFINITY : model.contextLength,
      most: askedTokens(o, model) ?? defaultTokens,
      batchSize: Math.max(1, Math.floor(o.batchSize / o.samples)),
    },
  );
  const written: Written[] = [];
  const columns: { [column: string]: unknown }[] = [];
  const done: Written[][] = [];
  let next = 0;
  for (const { rows, maxNewTokens } of batches) {
    const some = rows.map((row) => kept[row] as number);
    const asked = some.map((i) => ({ ...(read[i] as ReadPrompt), shown: (prompts[i] as PromptAt).text }));
    const all = await complete(context, model, asked, maxNewTokens, stream.split(rows[0] as number));
    for (const [i, row] of rows.entries()) {
      const own = all.slice(i * o.samples, (i + 1) * o.samples);
      done[row] = reward === undefined ? own : [await pickBest(reward, own)];
    }
    // in the order of the prompts, as far as they are written
    for (let of = done[next]; of !== undefined; of = done[++next]) {
      const { row = {} } = prompts[kept[next] as number] as PromptAt;
      for (const each of of) {
        written.push(each);
        columns.push(carriedColumns(row, ofOutput));
        print(context, each);
      }
    }
  }
  return { written, columns };
}

/** One batch; a single prompt's completion is printed for a person as it comes. */
async function complete(
  { options: o, output, signal }: Context,
  { policy, params, tokenizer, generation }: Writer,
  asked: readonly (ReadPrompt & { shown: string })[],
  maxNewTokens: number,
  rng: Rng,
): Promise<Written[]> {
  const { generate, generateStream } = await import('@gimbal/language-models');
  const rendered = asked.some((prompt) => prompt.rendered);
  const sampling = {
    ...(await samplingOf(o, generation)),
    maxNewTokens,
    rendered,
    promptSuffix: !o.continue,
    rng,
    signal,
  };
  const texts = asked.map(({ text }) => text);
  const rows = asked.flatMap(({ shown: prompt }) =>
    Array.from(
      { length: o.samples },
      (): Written => ({ prompt, completion: '', tokens: 0, logProb: 0, end: 'length' }),
    ),
  );
  if ('beams' in sampling) {
    const found = await generate(policy, params, tokenizer, texts, sampling);
    return found.map(({ text, ids, logProbs, end }, i) => ({
      prompt: (rows[i] as Written).prompt,
      completion: text,
      tokens: ids.length,
      logProb: logProbs.reduce((a, b) => a + b, 0),
      end,
    }));
  }
  const live = isLive(o, output);
  if (live && o.continue) output.write(o.prompt as string);
  for await (const part of generateStream(policy, params, tokenizer, texts, sampling)) {
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

/** Whether the one completion is printed while it is written. */
const isLive = (o: Options, { json }: Context['output']): boolean =>
  o.prompt !== undefined && o.samples === 1 && (o.beams ?? 1) === 1 && !json;

/** A completion for a person; one that was printed as it came is not printed again. */
function print({ options: o, output }: Context, { prompt, completion }: Written): void {
  if (isLive(o, output) || output.json) return;
  output.line(o.prompt === undefined ? `${output.colors.dim(prompt)}\n${completion}\n` : completion);
}

/** The limit that was asked for, by the user or by the model's folder. */
const askedTokens = (o: Options, model: Writer): number | undefined => o.maxNewTokens ?? model.generation.maxNewTokens;

/** Prompts that leave no room in the context are left out and counted; it is an error if none is left. */
function leaveOutLong(
  prompts: readonly PromptAt[],
  lengths: readonly number[],
  model: Writer,
  o: Options,
  output: Context['output'],
): number[] {
  const least = model.writesApart ? 0 : (askedTokens(o, model) ?? 1);
  const room = model.contextLength - least;
  const isLong = (i: number): boolean => (lengths[i] as number) > room;
  const all = [...prompts.keys()];
  const long = all.filter(isLong);
  if (long.length === 0) return all;
  const first = prompts[long[0] as number] as PromptAt;
  const shortest = lengths.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  if (long.length === prompts.length && o.maxNewTokens !== undefined && shortest < model.contextLength) {
    throw new ConfigError({
      where: 'gimbal generate --max-new-tokens',
      what: `more tokens than the context has room for beside ${prompts.length === 1 ? 'the prompt' : 'any prompt'}`,
      got: least,
      wanted: `at most ${model.contextLength - shortest}: a context of ${model.contextLength} less a prompt of ${shortest}`,
      fix: 'Lower it, or leave it out',
    });
  }
  if (long.length === prompts.length) {
    throw new DataError({
      where: first.where,
      what:
        prompts.length === 1 ? 'the prompt is longer than the context' : `all ${prompts.length} prompts are too long`,
      wanted: `at most ${Math.max(0, room)} tokens: a context of ${model.contextLength} less ${least} new ${least === 1 ? 'one' : 'ones'}`,
      fix: 'Shorten the prompt or lower --max-new-tokens',
    });
  }
  output.note(`${counted(long.length, 'prompt')} left out, longer than ${room} tokens (first: ${first.where})`);
  return all.filter((i) => !isLong(i));
}
