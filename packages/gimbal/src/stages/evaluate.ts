// How good each version of the model is on rows that none was trained on: loss, perplexity, and the task's score.
import { z } from 'zod';
import { figure, percent, quantity } from '../cli/format.ts';
import { defineStage } from '../pipeline/stage.ts';
import type { ReportSection, ScoreCell } from '../report/part.ts';
import { stage as data } from './data.ts';
import { stage as fineTune } from './fine-tune.ts';
import { heldOutLoss } from './internal/held-out-loss.ts';
import { type Estimate, rate } from './internal/intervals.ts';
import { longRows } from './internal/long-rows.ts';
import { scorerFor } from './internal/scoring.ts';
import { storedRows } from './internal/stored-rows.ts';
import { modelVersions } from './internal/versions.ts';
import { fitsContext, writeCompletions } from './internal/write-completions.ts';
import { stage as pretrain } from './pretrain.ts';

export interface VersionScore {
  name: string;
  /** nats a token */
  loss: Estimate;
  /** undefined for plain text */
  score?: Estimate;
}

export interface EvaluateResult {
  rows: number;
  /** of them: those that the loss is of, and those that were scored; the others are longer than the context */
  lossRows: number;
  scoredRows: number;
  /** other held-out rows, which the step that is kept was chosen on; 0: it was chosen on the same rows */
  chosenOn: number;
  /** rows of the data that are equal to one before them */
  duplicates: number;
  /** `entailed`, `exact match` */
  scoreName?: string;
  versions: VersionScore[];
  /** of the references themselves, where the score is not equality with them */
  reference?: Estimate;
}

const options = z.object({
  rows: z.int().min(1).default(256).describe('held-out rows to evaluate on'),
  batchSize: z.int().min(1).default(32).describe('rows at a time in evaluation'),
  maxNewTokens: z
    .int()
    .min(1)
    .optional()
    .describe('most tokens of a completion that is scored (default: as long as the longest reference)'),
});

export const stage = defineStage({
  name: 'evaluate',
  summary: 'Measure loss and task score on held-out rows.',
  version: 4,
  needs: ['data', 'pretrain', 'fine-tune', 'rl-rewards', 'rl', 'nash-md'],
  prefix: 'evaluate',
  options,
  uses: ['seed', 'backend', 'threads'],
  async run({ options: o, environment, input, signal, progress, note }): Promise<EvaluateResult> {
    const { loadPretrained, tokenRows } = await import('@gimbal/language-models');
    const { DataError, disposeTree, rng } = await import('@gimbal/tensor-core');
    const { value: found, dir: rowsDir } = input(data);
    const all = await storedRows(rowsDir, 'held-out', found.kind);
    const set = { ...all, rows: all.rows.slice(0, o.rows) };
    const scorer = await scorerFor(found);
    const pairs = set.rows as readonly { prompt: string; completion: string }[];
    const versions: VersionScore[] = [];
    const { validationRows: chosenOn, duplicates } = found;
    const counts = { rows: set.rows.length, lossRows: set.rows.length, scoredRows: 0, chosenOn, duplicates };
    const models = modelVersions(input);
    for (const [i, { name, folder }] of models.entries()) {
      const pretrained = await loadPretrained(folder);
      const { model, params, tokenizer } = pretrained;
      if (!tokenizer) throw new Error(`${folder} has no tokenizer`); // the stages before have written one
      const report = (what: string) => (done: number, total: number) =>
        progress({ step: i, total: models.length, text: `${name}: ${what} ${done}/${total}` });
      try {
        const { rows, overflow } = tokenRows(set, tokenizer, {
          limit: model.config.contextLength,
          overflow: found.kind === 'text' ? 'split' : 'drop',
        });
        // text that is split counts from end to end
        const long = found.kind === 'text' ? 0 : overflow.rows;
        counts.lossRows = set.rows.length - long;
        if (i === 0 && long > 0) note(longRows('held-out row', overflow, 'not in the loss'));
        const { special } = tokenizer;
        const loss = await heldOutLoss(model, params, rows, {
          batchSize: o.batchSize,
          start: special.eos ?? 0,
          pad: special.pad ?? 0,
          signal,
          onBatch: report('loss'),
        });
        if (!scorer) {
          versions.push({ name, loss });
          continue;
        }
        const fits = pairs.map((row) => fitsContext(pretrained, row.prompt, true));
        const fitting = pairs.filter((_, row) => fits[row]);
        if (i === 0 && fitting.length < pairs.length) {
          const where = fits.flatMap((isShort, row) => (isShort ? [] : [set.where(row)]));
          note(longRows('held-out prompt', { rows: where.length, where }, 'not scored'));
        }
        if (fitting.length === 0) {
          const fix = 'Give the model more --context, or shorten the prompts';
          throw new DataError({ where: set.where(0), what: 'every held-out prompt is longer than the context', fix });
        }
        const longest = fitting.reduce((most, row) => Math.max(most, tokenizer.encodeText(row.completion).length), 0);
        const written = await writeCompletions(
          pretrained,
          fitting.map((row) => row.prompt),
          {
            batchSize: o.batchSize,
            maxNewTokens: o.maxNewTokens ?? longest + 1,
            temperature: 0,
            rng: rng(environment.seed).split('evaluate'),
            promptSuffix: true,
            signal,
            onBatch: report('writing'),
          },
        );
        const hits = written.filter((text, row) =>
          scorer.hit(fitting[row]?.prompt ?? '', text, fitting[row]?.completion ?? ''),
        );
        counts.scoredRows = fitting.length;
        versions.push({ name, loss, score: rate(hits.length, written.length) });
      } finally {
        disposeTree(params);
      }
    }
    if (!scorer) return { ...counts, versions };
    const result: EvaluateResult = { ...counts, scoreName: scorer.name, versions };
    if (found.task !== 'newsroom') return result;
    const right = pairs.filter((row) => scorer.hit(row.prompt, row.completion, row.completion)).length;
    return { ...result, reference: rate(right, pairs.length) };
  },
  describe(r) {
    const [first, last] = [r.versions[0], r.versions.at(-1)];
    if (!first || !last) return 'nothing to compare';
    const score =
      last.score === undefined
        ? ''
        : `, ${r.scoreName} ${percent(first.score?.value ?? 0)} → ${percent(last.score.value)}`;
    return `loss ${figure(first.loss.value)} → ${figure(last.loss.value)}${score}`;
  },
  report: (r, { input, environment }) => [
    lead(r, input(data).value, input(pretrain).value, input(fineTune).value, environment),
    table(r),
  ],
});

type Input = { task: string; source: string; trainRows: number };
type Trained = { training?: { parameters: number; tokens: number; tokensPerSecond: number } };

/** The page's title, what happened in two or three sentences, and the numbers that matter. */
function lead(
  r: EvaluateResult,
  rows: Input,
  before: Trained,
  after: Trained,
  environment: { backend: string; threads: number },
): ReportSection {
  const [first, last] = [r.versions[0] as VersionScore, r.versions.at(-1) as VersionScore];
  const trained = after.training ?? before.training;
  const parameters = quantity(trained?.parameters ?? 0);
  const tokens = (before.training?.tokens ?? 0) + (after.training?.tokens ?? 0);
  const isNewsroom = rows.task === 'newsroom';
  const title = isNewsroom ? 'A language model that learned to summarise' : `A language model of ${rows.source}`;
  const what = isNewsroom
    ? `A model of ${parameters} parameters read ${quantity(rows.trainRows)} generated articles and learned to summarise them, from nothing, on this machine.`
    : `A model of ${parameters} parameters trained on ${quantity(rows.trainRows)} rows of ${rows.source}, on this machine.`;
  const score = scoreSentence(r, first, last, isNewsroom);
  return {
    slot: 'lead',
    title,
    text: `${what} ${score}`,
    parts: [
      {
        kind: 'figures',
        items: [
          ...(last.score === undefined
            ? []
            : [
                {
                  label: isNewsroom ? 'Summaries that are true' : 'Exact matches',
                  value: percent(last.score.value),
                  detail: `${percent(first.score?.value ?? 0)} at the start`,
                },
              ]),
          {
            label: 'Held-out loss',
            value: figure(last.loss.value),
            detail: `${figure(first.loss.value)} at the start`,
          },
          { label: 'Parameters', value: parameters, detail: `trained on ${quantity(tokens)} tokens` },
          {
            label: 'Speed',
            value: `${quantity(trained?.tokensPerSecond ?? 0)}/s`,
            detail: `tokens, ${environment.backend} on ${environment.threads} ${environment.threads === 1 ? 'thread' : 'threads'}`,
          },
        ],
      },
    ],
  };
}

function scoreSentence(r: EvaluateResult, first: VersionScore, last: VersionScore, isNewsroom: boolean): string {
  const loss = `Its loss on rows it has not seen fell from ${figure(first.loss.value)} to ${figure(last.loss.value)}.`;
  if (last.score === undefined || !isNewsroom) return loss;
  const reference =
    r.reference === undefined ? '' : ` Of the references it learned from, ${percent(r.reference.value)} are.`;
  return `Of its summaries of articles it has not seen, ${percent(last.score.value)} are entailed by the article.${reference}`;
}

function table(r: EvaluateResult): ReportSection {
  // where all are equal, none is the best
  const isBest = (value: number, values: readonly number[], of: (...values: number[]) => number): boolean =>
    value === of(...values) && values.some((other) => other !== value);
  const losses = r.versions.map((v) => v.loss.value);
  const scores = r.versions.flatMap((v) => (v.score === undefined ? [] : [v.score.value]));
  const plusMinus = (e: Estimate): string => (e.n > 1 ? `± ${figure((e.high - e.low) / 2)}` : 'of one row');
  const range = (e: Estimate): string => `${(100 * e.low).toFixed(1)} to ${(100 * e.high).toFixed(1)} %`;
  const scoreCell = (e: Estimate, emphasis: boolean): ScoreCell => ({
    text: percent(e.value),
    detail: range(e),
    share: e.value,
    emphasis,
  });
  const rows = r.versions.map((v): (string | ScoreCell)[] => [
    v.name,
    { text: figure(v.loss.value), detail: plusMinus(v.loss), emphasis: isBest(v.loss.value, losses, Math.min) },
    { text: figure(Math.exp(v.loss.value)), emphasis: isBest(v.loss.value, losses, Math.min) },
    ...(v.score === undefined ? [] : [scoreCell(v.score, isBest(v.score.value, scores, Math.max))]),
  ]);
  if (r.reference !== undefined) rows.push(['references', '', '', scoreCell(r.reference, false)]);
  return {
    slot: 'scores',
    title: 'How good it is',
    text: `On ${rowsText(r)} that no version was trained on. ${choiceText(r)} Intervals are 95 %; completions are greedy.`,
    parts: [
      {
        kind: 'table',
        title: 'Before and after',
        head: ['version', 'loss, nats a token', 'perplexity', ...(r.scoreName === undefined ? [] : [r.scoreName])],
        rows,
      },
    ],
  };
}

/** Which rows the step that is kept was chosen on, and what equal rows there were. */
export function choiceText({ rows, chosenOn, duplicates }: EvaluateResult): string {
  const chosen =
    chosenOn === 0
      ? `The step that is kept was chosen on ${rows === 1 ? 'this same row' : 'these same rows'}, so its numbers flatter it a little: too few rows are held out to divide them.`
      : `The step that is kept was chosen on other held-out rows (${chosenOn}).`;
  if (duplicates === 0) return chosen;
  return `${chosen} ${duplicates} ${duplicates === 1 ? 'row' : 'rows'} of the data are equal to others; equal rows were all trained on or all held out.`;
}

/** `40 rows`, and how many of them each number is of where some are longer than the context. */
export function rowsText(r: Pick<EvaluateResult, 'rows' | 'lossRows' | 'scoredRows' | 'scoreName'>): string {
  const rows = (n: number): string => `${n} ${n === 1 ? 'row' : 'rows'}`;
  const parts = [
    ...(r.lossRows < r.rows ? [`the loss on the ${r.lossRows} that fit the context`] : []),
    ...(r.scoreName !== undefined && r.scoredRows < r.rows
      ? [`the score on the ${r.scoredRows} whose prompt leaves room in it`]
      : []),
  ];
  return `${rows(r.rows)}${parts.length > 0 ? ` (${parts.join(', ')})` : ''}`;
}
