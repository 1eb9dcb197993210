// gimbal eval: how good a model is on rows of yours: its loss and perplexity on them, and its answers against theirs.
import type { Dataset, Interval, LanguageModel, OverflowReport, Tokenizer } from '@gimbal/language-models';
import { ConfigError, eventTurn, NumericalError, type Rng, StoppedError, writeFileAtomic } from '@gimbal/tensor-core';
import { z } from 'zod';
import { type CommandContext, defineCommand } from '../cli/command.ts';
import { counted, textTable } from '../cli/format.ts';
import { jsonLine } from '../cli/json-line.ts';
import { carriedColumns } from '../generate/carried-columns.ts';
import { heldWeights, openModel, type Writer } from '../generate/open-model.ts';
import { defaultTokens, samplingOf, samplingOptions } from '../generate/sampling.ts';
import { type Answer, legend, scoreTexts, textMetrics } from '../generate/score.ts';
import { preferenceForms } from '../nash/preference-forms.ts';
import { checkColumns } from '../options/columns.ts';
import { refuseGiven } from '../options/refuse-given.ts';
import { places } from '../reward/long-pairs.ts';
import { openSum } from '../rl/reward.ts';
import { refuseBf16, startCompute } from '../run/compute.ts';
import { hubOptions } from '../run/hub.ts';
import { refuseOtherThanLines, refuseReplacing } from '../run/out-file.ts';
import { longRows } from '../sft/long-rows.ts';
import { batchesByRoom, promptLength } from '../stages/internal/room.ts';

const { samples: _samples, ...sampling } = samplingOptions.shape;
const options = z.object({
  model: z.string().min(1).optional().describe('model folder, a .gguf file, or a name on the hub'),
  matrix: z
    .array(z.string().min(1))
    .optional()
    .describe(
      'instead: models to compare with each other, as a,b or name=folder or name=base+adapter; …@0.125 is its mixture with the base, folder@0.125@start with another',
    ),
  preference: z.string().min(1).optional().describe(`matrix: who is preferred: ${preferenceForms}`),
  comparisons: z.int().min(1).default(200).describe('matrix: of each pair'),
  adapter: z.string().min(1).optional().describe("an adapter's folder, of PEFT or of gimbal sft"),
  data: z
    .string()
    .min(1)
    .describe(
      'your rows: a .jsonl, .csv or .parquet of text, of prompt and completion, or of messages; or a .txt. For a reward model: prompt, chosen, rejected; for a judge: premise, hypothesis, label',
    ),
  columns: z
    .record(z.string(), z.string())
    .optional()
    .describe('names of your columns, as prompt=question,completion=answer'),
  rows: z.int().min(1).optional().describe('evaluate on the first so many rows only'),
  metrics: z
    .array(z.enum(['loss', ...textMetrics]))
    .optional()
    .describe('what to measure (default: loss; with completions rouge, bleu, chrf and exact-match too)'),
  slice: z
    .string()
    .min(1)
    .optional()
    .describe('of reward models and judges: a column of yours; accuracy is told for each of its values'),
  judge: z
    .string()
    .min(1)
    .optional()
    .describe('entailment: folder of a judge (gimbal reward --kind entailment), not the one that was optimised'),
  maxLength: z.int().min(2).optional().describe("longest row in tokens (default: the model's context)"),
  overflow: z
    .enum(['drop', 'cut', 'split', 'error'])
    .optional()
    .describe('what becomes of a longer row (default: split of plain text, else drop)'),
  assistantOnly: z.boolean().default(false).describe('of conversations, count only what the assistant writes'),
  ...sampling,
  temperature: z.number().min(0).default(0).describe('of the answers; 0 is greedy (matrix: default 1)'),
  batchSize: z.int().min(1).default(16).describe('prompts answered at a time'),
  draws: z.int().min(10).default(200).describe('draws of the bootstrap that gives the intervals'),
  precision: z.enum(['float32', 'bf16']).default('float32').describe('precision of matrix products'),
  weights: z
    .enum(heldWeights)
    .optional()
    .describe('what matrices are held in (default: as in a .gguf file, float32 of any other)'),
});
/** Options that a model which only scores has no use for. */
const ofWriters = ['adapter', 'metrics', 'judge', 'overflow', 'assistantOnly', 'temperature', 'weights', 'precision'];
type Options = z.output<typeof options>;
type Context = CommandContext<Options>;

export const command = defineCommand({
  summary: 'Measure a model on your rows: perplexity, and its answers against yours, with intervals.',
  options,
  examples: [
    'gimbal eval --model runs/align-1/model --data held-out.jsonl',
    'gimbal eval --model SmolLM2-135M-Instruct.Q4_1.gguf --adapter runs/sft-1/adapter --data test.jsonl --columns prompt=question,completion=answer',
    'gimbal eval --model runs/align-1/model --data test.jsonl --metrics rouge,extractive --out answers.jsonl',
    'gimbal eval --model runs/rl-1/model --data articles.jsonl --metrics entailment,rouge,coverage,density,length --judge runs/reward-1/model',
    'gimbal eval --model runs/reward-1/model --data pairs.jsonl --slice topic',
    'gimbal eval --matrix sft=runs/sft-1/model,nash=runs/nash-md-1/model --preference runs/reward-1/model --data prompts.jsonl --out matrix.html',
  ],
  async run(context) {
    if (context.options.matrix !== undefined) return (await import('../nash/play-models.ts')).playModels(context);
    refuseGiven('gimbal eval', context.given, ['preference', 'comparisons'], 'it is of --matrix, which is not there');
    const o = withModel(context.options);
    const { output, signal } = context;
    const classifiers = await import('../reward/eval.ts');
    if (await classifiers.isClassifier(o.model)) {
      refuseGiven('gimbal eval', context.given, ofWriters, 'the model is a reward model or a judge: it writes nothing');
      checkColumns('eval', o.columns, ['prompt', 'chosen', 'rejected', 'premise', 'hypothesis', 'text', 'label']);
      if (o.out !== undefined) await refuseReplacing('eval', o.out, o.data);
      const compute = await startCompute(o);
      const found = await classifiers.evaluateClassifier(o, output);
      await compute.trace(output);
      return { json: { model: o.model, ...found } };
    }
    refuseGiven('gimbal eval', context.given, ['slice'], 'it is of reward models and judges, and the model is neither');
    checkColumns('eval', o.columns, ['text', 'prompt', 'completion', 'messages']);
    if (o.out !== undefined) {
      refuseOtherThanLines('eval', o.out);
      await refuseReplacing('eval', o.out, o.data);
    }
    const lm = await import('@gimbal/language-models');
    const { rng, withPrecision } = await import('@gimbal/tensor-core');
    const all = await lm.readRows(o.data, {
      ...(o.columns === undefined ? {} : { columns: o.columns }),
      usable: ['text', 'prompt-completion', 'conversation', 'conversation-completion'],
    });
    const data: Dataset = o.rows === undefined ? all : { ...all, rows: all.rows.slice(0, o.rows) };
    const answers = lm.isKind(data, 'prompt-completion') || lm.isKind(data, 'conversation-completion');
    const metrics = o.metrics ?? (answers ? ['loss', 'rouge', 'bleu', 'chrf', 'exact-match'] : ['loss']);
    const ofTexts = textMetrics.filter((metric) => metrics.includes(metric));
    if (ofTexts.length > 0 && !answers) {
      const wanted = 'rows of prompt and completion';
      throw new ConfigError({
        where: `gimbal eval --metrics ${ofTexts[0]}`,
        what: 'there is nothing to compare with',
        got: data.kind,
        wanted,
      });
    }
    refuseJudge(o.judge, metrics);
    const compute = await startCompute(o);
    refuseBf16('gimbal eval', o.precision, compute);
    using model = await openModel(o.model, 'gimbal eval', {
      adapter: o.adapter,
      weights: o.weights,
      hub: hubOptions(output, signal),
    });
    for (const warning of model.warnings) output.note(`warning ${warning}`);
    const stream = rng(o.seed).split('eval');
    const scores: { [name: string]: Interval } = {};
    let tooLong: LongRows | undefined;
    let withoutRoom: LeftOut | undefined;
    await withPrecision(o.precision, async () => {
      if (metrics.includes('loss')) {
        const measured = await losses(context, model, data);
        tooLong = measured;
        const { rows } = measured;
        const ratio = (at: readonly number[]): number => {
          let [sum, tokens] = [0, 0];
          for (const i of at) {
            sum += (rows[i] as { sum: number }).sum;
            tokens += (rows[i] as { tokens: number }).tokens;
          }
          return sum / tokens;
        };
        scores.loss = lm.bootstrap(rows.length, ratio, { samples: o.draws, rng: stream.split('loss') });
        const { estimate, low, high } = scores.loss;
        scores.perplexity = { estimate: Math.exp(estimate), low: Math.exp(low), high: Math.exp(high) };
      }
      if (ofTexts.length > 0) {
        const answered = await answerAll(context, model, data, stream.split('answers'));
        const { written } = answered;
        withoutRoom = answered.withoutRoom;
        const judge =
          o.judge === undefined
            ? undefined
            : await openSum([`entailment:${o.judge}`], { where: 'gimbal eval --judge' });
        const draws = { draws: o.draws, rng: stream.split('draws'), judge };
        const scored = await scoreTexts(written, ofTexts, draws);
        Object.assign(scores, scored.scores);
        if (o.out !== undefined) {
          const line = ({ row, ...answer }: Asked, i: number): string =>
            jsonLine({ ...answer, ...scored.each[i] }, carriedColumns(row, ofOutput));
          await writeFileAtomic(o.out, written.map(line).join(''));
        }
      }
    });
    if (!output.json) {
      for (const line of table(scores)) output.line(line);
      output.line(`of ${counted(data.rows.length, 'row')}`);
    }
    if (tooLong && tooLong.overflow.rows > 0) {
      const limit = { tokens: tooLong.limit, context: model.contextLength, overflow: overflowOf(o, data) };
      output.note(`the loss: ${longRows(tooLong.overflow, counted(data.rows.length, 'row'), limit)}`);
    }
    await compute.trace(output);
    return {
      json: {
        model: o.model,
        rows: data.rows.length,
        tooLong: tooLong?.overflow.rows ?? 0,
        tooLongAt: tooLong?.overflow.where ?? [],
        ...(withoutRoom && { withoutRoom }),
        scores,
      },
    };
  },
});

/** A judge goes with its metric. */
function refuseJudge(judge: string | undefined, metrics: readonly string[]): void {
  const where = 'gimbal eval --judge';
  const asked = metrics.includes('entailment');
  if (asked && judge === undefined)
    throw new ConfigError({
      where,
      what: 'entailment needs a judge',
      wanted: 'a folder of gimbal reward --kind entailment',
    });
  if (!asked && judge !== undefined)
    throw new ConfigError({ where, what: 'nothing is judged', fix: 'Add --metrics entailment, or leave --judge out' });
}

function withModel<O extends { model?: string | undefined }>(o: O): O & { model: string } {
  if (o.model !== undefined) return { ...o, model: o.model };
  throw new ConfigError({
    where: 'gimbal eval',
    what: 'which model?',
    wanted: '--model, or several to compare with each other in --matrix',
  });
}

/** Rows longer than `limit` tokens. */
interface LongRows {
  overflow: OverflowReport;
  limit: number;
}

/** Rows that nothing was done with, and the places of the first ten. */
interface LeftOut {
  rows: number;
  where: string[];
}

/** Σ −log p and the tokens that count, of each row. */
async function losses(
  { options: o, output, signal }: Context,
  { policy, params, tokenizer, contextLength, writesApart }: Writer,
  data: Dataset,
): Promise<LongRows & { rows: { sum: number; tokens: number }[] }> {
  const lm = await import('@gimbal/language-models');
  const limit = Math.min(o.maxLength ?? contextLength, contextLength);
  const rows: { sum: number; tokens: number }[] = [];
  const measure = async (
    count: number,
    one: (i: number) => { loss: { data(): Promise<ArrayLike<number>>; dispose(): void }; tokens: number },
  ): Promise<void> => {
    for (let i = 0; i < count; i++) {
      await eventTurn();
      if (signal.aborted) throw new StoppedError({ where: 'gimbal eval', what: `stopped after ${i} rows` });
      const { loss, tokens } = one(i);
      const sum = (await loss.data())[0] as number;
      loss.dispose();
      if (!Number.isFinite(sum)) {
        const fix = 'Its weights are too large for what it computes with; look at how it was trained';
        const what = `the model’s loss on row ${i + 1} of those within the limit is no finite number`;
        throw new NumericalError({ where: `gimbal eval --model ${o.model}`, what, got: sum, fix });
      }
      rows.push({ sum, tokens });
      if (output.live) output.status(`loss: ${i + 1} of ${count} rows`);
    }
  };
  const { tidy } = await import('@tensorflow/tfjs-core');
  if (writesApart) {
    const model = policy as unknown as Parameters<typeof lm.seq2seqLoss>[0];
    const given = overflowOf(o, data);
    const overflow = given === 'split' ? 'drop' : given;
    const fitted = lm.seq2seqRows(data, tokenizer, { limit, targetLimit: limit, overflow });
    await measure(fitted.rows.length, (i) => {
      const batch = lm.seq2seqBatch(fitted.rows.slice(i, i + 1), model.config.padId);
      return { loss: tidy(() => lm.seq2seqLoss(model, params, batch)), tokens: batch.tokens };
    });
    return { rows, overflow: fitted.overflow, limit };
  }
  const model = policy as unknown as LanguageModel;
  const fitted = lm.tokenRows(data, tokenizer as Tokenizer, {
    limit,
    overflow: overflowOf(o, data),
    assistantOnly: o.assistantOnly,
  });
  await measure(fitted.rows.length, (i) => {
    const batch = lm.batchRows(fitted.rows.slice(i, i + 1), model.config.padId, contextLength);
    return { loss: tidy(() => lm.causalLmLoss(model, params, batch)), tokens: batch.tokens };
  });
  return { rows, overflow: fitted.overflow, limit };
}

/** A text is read in pieces, a row with an answer whole or not at all. */
const overflowOf = ({ overflow }: Options, { kind }: Dataset) => overflow ?? (kind === 'text' ? 'split' : 'drop');

/** An answer, and the row that it is to. */
interface Asked extends Answer {
  row: { readonly [column: string]: unknown };
}

/** What the output says of an answer. */
const ofOutput = new Set(['prompt', 'reference', 'prediction', ...Object.keys(legend)]);

/** An answer to each prompt that leaves room for one, beside the wanted one. */
async function answerAll(
  { options: o, output, signal }: Context,
  { policy, params, tokenizer, generation, contextLength, writesApart }: Writer,
  data: Dataset,
  rng: Rng,
): Promise<{ written: Asked[]; withoutRoom: LeftOut }> {
  const { generate, isKind, renderRows } = await import('@gimbal/language-models');
  const rendered = isKind(data, 'conversation-completion');
  const asked = renderRows(data, tokenizer).rows as readonly { prompt: string; completion: string }[];
  // of a conversation what the turns say is compared, not the marks that a template puts around it
  const rows = asked.map(({ prompt, completion }, i) => {
    const turns = rendered ? (data.rows[i] as { completion: readonly { content: unknown }[] }).completion : undefined;
    return { prompt, completion: turns?.map(({ content }) => String(content)).join('\n') ?? completion };
  });
  const lengths = rows.map(({ prompt }) =>
    rendered ? tokenizer.encodeText(prompt).length : promptLength(tokenizer, prompt, true),
  );
  const hasRoom = (i: number): boolean => writesApart || (lengths[i] as number) < contextLength;
  const fits = [...rows.keys()].filter(hasRoom);
  const full = [...rows.keys()].filter((i) => !hasRoom(i));
  const withoutRoom = { rows: full.length, where: full.slice(0, 10).map((i) => data.where(i)) };
  if (full.length > 0) {
    const more = full.length > 10 ? ` and ${full.length - 10} more` : '';
    const told = `${counted(full.length, 'prompt')} of ${rows.length} left out, with no room for an answer within ${contextLength} tokens`;
    output.note(`the answers: ${told}: ${places(withoutRoom.where)}${more}`);
  }
  const batches = batchesByRoom(
    fits.map((i) => lengths[i] as number),
    {
      contextLength: writesApart ? Number.POSITIVE_INFINITY : contextLength,
      most: o.maxNewTokens ?? generation.maxNewTokens ?? defaultTokens,
      batchSize: o.batchSize,
    },
  );
  const written: Asked[] = [];
  const chosen = await samplingOf({ ...o, samples: 1 }, generation);
  let done = 0;
  for (const { rows: at, maxNewTokens } of batches) {
    const some = at.map((i) => rows[fits[i] as number] as { prompt: string; completion: string });
    const prompts = some.map(({ prompt }) => prompt);
    const request = { ...chosen, maxNewTokens, rendered, rng: rng.split(at[0] as number), signal };
    const texts = await generate(policy, params, tokenizer, prompts, request);
    for (const [i, { prompt, completion }] of some.entries()) {
      const row = data.rows[fits[at[i] as number] as number] as Asked['row'];
      written[at[i] as number] = { prompt, reference: completion, prediction: texts[i]?.text ?? '', row };
    }
    done += at.length;
    if (output.live) output.status(`answers: ${done} of ${fits.length}`);
  }
  return { written, withoutRoom };
}

/** A metric, its value and interval, and what it is. */
function table(scores: { readonly [name: string]: Interval }): string[] {
  const text = (x: number): string => (Math.abs(x) >= 100 ? x.toFixed(1) : x.toFixed(4));
  return textTable(
    ['', 'value', '95 % interval', 'what it is'],
    Object.entries(scores).map(([name, { estimate, low, high }]) => [
      name,
      text(estimate),
      `${text(low)} to ${text(high)}`,
      legend[name] ?? '',
    ]),
  );
}
