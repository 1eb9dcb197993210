// What the run will train: a size that this machine trains in the minutes there are. The speed is measured once; the
// choice is the stage's result, so an equal run takes it from the cache and trains the same model.
import { ConfigError } from '@gimbal/tensor-core';
import { z } from 'zod';
import { quantity } from '../cli/format.ts';
import { defineStage } from '../pipeline/stage.ts';
import { type DataResult, stage as data, type Task } from './data.ts';
import { type Fit, fitOf, type LongRows, refuseUnfit } from './internal/fit.ts';
import { type LaterWork, laterWork } from './internal/later-work.ts';
import { type ModelSizes, measureSpeed, parameterCount } from './internal/model-sizes.ts';
import { type OwnPairs, storedOwnPairs } from './internal/own-pairs.ts';
import { storedRows } from './internal/stored-rows.ts';
import { stage as tokenizer } from './tokenizer.ts';

/** What later stages train with, unless an option of theirs says otherwise. */
export interface Plan {
  size: string;
  /** undefined: the model is given (--model) */
  model?: ModelSizes;
  /** all of the model that is chosen; undefined in plans of earlier versions, and where it is given */
  parameters?: number;
  /** how rows with a completion fit the context */
  fit?: readonly Fit[];
  context: number;
  precision: 'float32' | 'bf16';
  batchSize: number;
  pretrainSteps: number;
  fineTuneSteps: number;
  /** what the stages behind it do */
  later: LaterWork;
  /** FLOP/s of training that the choice was made with; undefined where the size was given */
  measured?: number;
}

/** width, blocks, heads */
const sizes = {
  tiny: [64, 2, 4],
  small: [128, 3, 4],
  medium: [192, 4, 6],
  large: [256, 6, 8],
} as const;
type SizeName = keyof typeof sizes;

const options = z.object({
  size: z
    .enum(['auto', 'tiny', 'small', 'medium', 'large'])
    .default('auto')
    .describe('size of the model; auto takes the largest that --minutes are enough for, tiny on the newsroom'),
  minutes: z
    .number()
    .positive()
    .default(3)
    .describe('time to train in, about; the stages behind it take little longer than that again'),
  family: z.enum(['llama', 'gpt2']).default('llama').describe("whose block: Llama's or GPT-2's"),
  width: z.int().min(8).optional().describe('width of the model, instead of the size it has by --size'),
  layers: z.int().min(1).optional().describe('blocks'),
  heads: z.int().min(1).optional().describe('attention heads'),
  context: z.int().min(8).optional().describe('longest row in tokens (default: nearly all rows fit, at most 256)'),
  precision: z.enum(['float32', 'bf16']).default('float32').describe('precision of matrix products in training'),
  batchSize: z.int().min(1).optional().describe('rows in a batch (default: about 2,000 tokens)'),
});
type Options = z.output<typeof options>;

const longestDefault = 256;
/**
 * Standard deviation of the initial weights, times √width. GPT-2's .02 is for widths of a thousand and more: with it a
 * model 64 wide takes ten times as long to find out that it can copy from its prompt.
 */
const initialSpread = 0.8;
/** of the time, what is for pretraining; the rest is for fine-tuning */
const pretrainShare = { newsroom: 0.2, completion: 0.5, text: 1 };
/** steps after which there is little left to learn: on the generated newsroom summaries are nearly all true by then */
const enough = { newsroom: 2500, completion: 6000, text: 8000 };
const fewest = 60;
/** a user's few rows are learnt by heart when they are read more often than this */
const mostEpochs = 10;

export const stage = defineStage({
  name: 'plan',
  summary: 'Choose a model that this machine trains in the time there is.',
  version: 5,
  needs: ['data', 'tokenizer'],
  prefix: '',
  options,
  uses: ['backend', 'threads', 'seed'],
  check(o, all) {
    if (all.model === undefined) fittingSizes(o, all.data === undefined ? 'newsroom' : 'completion');
    else refuseSizes(o);
  },
  async run({ options: o, input, environment, progress, signal }): Promise<Plan> {
    const { value: rows, dir: rowsDir } = input(data);
    const { value: tokens, dir: tokenizerDir } = input(tokenizer);
    const { isKind, loadConfig, loadTokenizer } = await import('@gimbal/language-models');
    const codec = await loadTokenizer(tokenizerDir);
    const train = await storedRows(rowsDir, 'train', rows.kind);
    const lengths = rowLengths(train.rows.slice(0, 2000), codec);
    const { precision } = o;
    const validation = await storedRows(rowsDir, 'validation', rows.kind);
    const test = await storedRows(rowsDir, 'held-out', rows.kind);
    const heldOut = [...validation.rows, ...test.rows];
    const fitting = (context: number): { fit?: Fit[] } => {
      if (rows.task === 'text') return {};
      const parts = { training: train, validation, 'held-out': test };
      return {
        fit: Object.entries(parts).map(([name, part]) => {
          if (!isKind(part, 'prompt-completion')) throw new Error(`${name}: no completions`);
          return fitOf(name, part, codec, context);
        }),
      };
    };
    const meanLength = meanOf(lengths);
    const batchSize = o.batchSize ?? batchFor(meanLength);
    const mostSteps = Math.max(fewest, Math.ceil((mostEpochs * rows.trainRows) / batchSize));

    if (tokens.startFrom !== undefined) {
      const config = await loadConfig(tokens.startFrom);
      const context = config.contextLength;
      const given: ModelSizes = { ...config };
      progress({ step: 0, text: 'measuring speed' });
      const { measured } = await measureSpeed(given, {
        context: measuredLength(lengths, context),
        rows: batchSize,
        precision,
        seed: environment.seed,
        signal,
      });
      const steps = stepsIn(o.minutes * 60, given, meanLength, batchSize, measured);
      const perRow = secondsPerRow(given, meanLength, measured);
      const fineTuneSteps = rows.task === 'text' ? 0 : Math.min(enough[rows.task], steps, mostSteps);
      const pretrainSteps = rows.task === 'text' ? Math.min(enough.text, steps, mostSteps) : 0;
      return {
        size: 'given',
        context,
        precision,
        batchSize,
        pretrainSteps,
        fineTuneSteps,
        later: laterWork(o.minutes * 60, perRow, laterOf(rows)),
        measured,
        ...fitting(context),
      };
    }

    // of few rows, those held out may be the longest
    const answers = rows.pairs === undefined ? [] : answersOf(await storedOwnPairs(rowsDir));
    const context = o.context ?? contextFor([...lengths, ...rowLengths([...heldOut, ...answers], codec)]);
    const seconds = o.minutes * 60;
    const share = pretrainShare[rows.task];
    const wanted = enough[rows.task];
    // from the smallest up, as long as a size gets through what there is to learn; the smallest comes as far as it can
    const candidates = fittingSizes(o, rows.task);
    let best: { size: SizeName; model: ModelSizes; measured: number; parameters: number } | undefined;
    for (const size of candidates) {
      progress({ step: 0, text: `measuring the speed of ${size}` });
      const model = modelSizes(size, o, tokens.size, context);
      const { measured, parameters } = await measureSpeed(model, {
        context,
        rows: batchSize,
        precision,
        seed: environment.seed,
        signal,
      });
      if (best !== undefined && stepsIn(seconds, model, meanLength, batchSize, measured) < wanted) break;
      best = { size, model, measured, parameters };
    }
    const { size, model, measured, parameters } = best as NonNullable<typeof best>;
    const pretrain = stepsIn(seconds * share, model, meanLength, batchSize, measured);
    const fineTune = stepsIn(seconds * (1 - share), model, meanLength, batchSize, measured);
    return {
      size,
      model,
      parameters,
      ...fitting(context),
      context,
      precision,
      batchSize,
      pretrainSteps: Math.min(pretrain, Math.round(wanted * Math.max(share, 0.2)), mostSteps),
      fineTuneSteps: share === 1 ? 0 : Math.min(fineTune, wanted, mostSteps),
      later: laterWork(seconds, secondsPerRow(model, meanLength, measured), laterOf(rows)),
      measured,
    };
  },
  accept(r, all) {
    const long = (all.fineTuneOverflow ?? 'drop') as LongRows;
    refuseUnfit(r.fit ?? [], r.context, long, r.model === undefined);
  },
  chooses: (r, all) => ({
    minutes: undefined, // what came of them stands here
    ...(r.model === undefined ? {} : { size: r.size, context: r.context }),
    batchSize: r.batchSize,
    ...stepsOf(r, all),
    ...laterStepsOf(r, all),
  }),
  describe(r, all) {
    const parameters =
      r.model === undefined
        ? 'the given model'
        : `${r.size}, ${quantity(r.parameters ?? parameterCount(r.model))} parameters`;
    const { pretrainSteps = 0, fineTuneSteps = 0 } = stepsOf(r, all);
    return `${parameters}, context ${r.context}, ${pretrainSteps} + ${fineTuneSteps} steps of ${r.batchSize} rows`;
  },
});

/** What will be trained: the plan's numbers, or those that were asked for. A stage that is left out has none. */
function stepsOf(
  r: Plan,
  all: { readonly [name: string]: unknown },
): { pretrainSteps?: number; fineTuneSteps?: number } {
  const of = (name: 'pretrainSteps' | 'fineTuneSteps'): { [name: string]: number } =>
    r[name] === 0 ? {} : { [name]: typeof all[name] === 'number' ? (all[name] as number) : r[name] };
  return { ...of('pretrainSteps'), ...of('fineTuneSteps') };
}

/** What the stages behind fine-tuning do, of those that are on: the plan's numbers, or those that were asked for. */
function laterStepsOf({ later }: Plan, all: { readonly [name: string]: unknown }): LaterWork {
  const noPairs = all.preferencePairs === 0 && all.preferences === undefined;
  const isOff = (name: string): boolean => (name === 'distilSteps' ? all.distil === false : noPairs);
  return Object.fromEntries(
    Object.entries(later).flatMap(([name, n]) => (isOff(name) ? [] : [[name, (all[name] as number | undefined) ?? n]])),
  );
}

/** The stages behind fine-tuning that a task has; with pairs of the user's own the model learns from rewards too. */
function laterOf({ task, pairs }: Pick<DataResult, 'task' | 'pairs'>): (keyof LaterWork)[] {
  if (task === 'newsroom') return ['preferencePairs', 'learnSteps', 'nashSteps', 'distilSteps'];
  return task === 'completion' ? [...(pairs ? (['learnSteps'] as const) : []), 'distilSteps'] : [];
}

/** On the newsroom the smallest finds out soonest that summaries copy from articles; it has nothing to gain by size. */
const sizesFor = (task: Task): SizeName[] => (task === 'newsroom' ? ['tiny'] : (Object.keys(sizes) as SizeName[]));

/**
 * The sizes to choose from: those whose width the heads divide.
 * @throws ConfigError if that is none, in the words of the options
 */
function fittingSizes(o: Options, task: Task): SizeName[] {
  const all = o.size === 'auto' ? sizesFor(task) : [o.size];
  const shape = (name: SizeName): { width: number; heads: number } => ({
    width: o.width ?? sizes[name][0],
    heads: o.heads ?? sizes[name][2],
  });
  // Llama's rotary positions turn the numbers of a head in pairs
  const unit = o.family === 'llama' ? 2 : 1;
  const fitting = all.filter((name) => shape(name).width % (unit * shape(name).heads) === 0);
  if (fitting.length > 0) return fitting;
  const { width, heads } = shape(all[0] as SizeName);
  const near = Math.max(1, Math.round(width / (unit * heads))) * unit * heads;
  throw new ConfigError({
    where: `gimbal align ${o.heads === undefined ? '--width' : '--heads'}`,
    what: `the width is divided among the heads, ${unit === 2 ? 'an even number' : 'a whole number'} for each`,
    got: `width ${width}${o.width === undefined ? ` (of size ${all[0]})` : ''}, ${heads} heads`,
    wanted: `a width that is a multiple of ${unit * heads}`,
    fix: `For example --width ${near} --heads ${heads}`,
  });
}

function modelSizes(name: SizeName, o: Options, vocabularySize: number, contextLength: number): ModelSizes {
  const [width, layers, heads] = sizes[name];
  return {
    family: o.family,
    vocabularySize,
    contextLength,
    width: o.width ?? width,
    layers: o.layers ?? layers,
    heads: o.heads ?? heads,
    initializerRange: initialSpread / Math.sqrt(o.width ?? width),
  };
}

/** Of training: 6 FLOP a parameter and token, forward and backward. */
const secondsPerRow = (model: ModelSizes, tokensPerRow: number, flops: number): number =>
  (6 * parameterCount(model) * tokensPerRow) / flops;

/** Steps in a time, rounded, so that small differences do not show. */
function stepsIn(seconds: number, model: ModelSizes, tokensPerRow: number, batchSize: number, flops: number): number {
  const steps = seconds / (batchSize * secondsPerRow(model, tokensPerRow, flops));
  const unit = steps > 1000 ? 100 : steps > 200 ? 50 : 10;
  return Math.max(fewest, Math.floor(steps / unit) * unit);
}

/** Room for 99 of 100 rows, as a multiple of 16. */
function contextFor(lengths: readonly number[]): number {
  const sorted = [...lengths].sort((a, b) => a - b);
  const most = sorted[Math.min(sorted.length - 1, Math.floor(0.99 * sorted.length))] ?? longestDefault;
  return Math.min(longestDefault, 16 * Math.ceil((most + 1) / 16));
}

/** tokens that a row is measured with at most: a model's context may be thousands, and the batch must fit the memory */
const longestMeasured = 512;

/** Tokens of the rows that speed is measured with, where the context is a given model's: as the data's longest, capped. */
export const measuredLength = (lengths: readonly number[], context: number): number =>
  Math.min(
    context,
    longestMeasured,
    lengths.reduce((most, n) => Math.max(most, n), 8),
  );

/** Both answers of the user's pairs: reward models read them too. */
const answersOf = (pairs: OwnPairs): { prompt: string; completion: string }[] =>
  Object.values(pairs).flatMap((part: OwnPairs['test']) =>
    part.flatMap(({ prompt, chosen, rejected }) => [chosen, rejected].map((completion) => ({ prompt, completion }))),
  );

const tokensInBatch = 2048;

/** A power of two from 8 to 64, of about `tokensInBatch` tokens. */
const batchFor = (meanLength: number): number =>
  Math.min(64, Math.max(8, 2 ** Math.round(Math.log2(tokensInBatch / meanLength))));

/** Tokens of each row, with separator and end. */
function rowLengths(
  rows: readonly { [column: string]: unknown }[],
  codec: { encodeText(text: string): ArrayLike<number> },
): number[] {
  const of = (text: unknown): number => (typeof text === 'string' ? codec.encodeText(text).length : 0);
  return rows.map((row) => of(row.text) + of(row.prompt) + of(row.completion) + 2);
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;

function refuseSizes(o: Options): void {
  const given = (['width', 'layers', 'heads', 'context'] as const).find((name) => o[name] !== undefined);
  if (given === undefined && o.size === 'auto') return;
  const what = 'the model is given by --model, sizes and all';
  throw new ConfigError({ where: `gimbal align --${given ?? 'size'}`, what, fix: 'Leave one of the two out' });
}
