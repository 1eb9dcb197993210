// The rows of the run: the user's file, or the generated newsroom; some of them set aside for evaluation.
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import type { Dataset, RowKind } from '@gimbal/language-models';
import { ConfigError, DataError, type Rng } from '@gimbal/tensor-core';
import { z } from 'zod';
import { quantity } from '../cli/format.ts';
import { checkColumns } from '../options/columns.ts';
import { checkHeldOut, duplicatesText, heldOutOption } from '../options/held-out.ts';
import { defineStage } from '../pipeline/stage.ts';
import { type OwnPair, type OwnPairs, readOwnPairs, splitOwnPairs, storeOwnPairs } from './internal/own-pairs.ts';
import { storeRows } from './internal/stored-rows.ts';

/** What a row's completion is scored by. */
export type Task =
  /** summaries: whether the article entails them, which the world knows */
  | 'newsroom'
  /** completions: whether they equal the reference */
  | 'completion'
  /** plain text: there is nothing to score but the loss */
  | 'text';

export interface DataResult {
  task: Task;
  kind: 'text' | 'prompt-completion';
  /** file name, or what was generated */
  source: string;
  trainRows: number;
  /** all that are set aside: those that the step to keep is chosen on, and those that are reported on */
  heldOutRows: number;
  /** of them: those that the step is chosen on; 0 where the held-out rows cannot be divided and one part does both */
  validationRows: number;
  /** rows that are equal to one before them */
  duplicates: number;
  /** characters of the training rows */
  characters: number;
  /** pairs of the user's own, by what they are for */
  pairs?: { source: string; train: number; control: number; selection: number; test: number };
  /** options of the newsroom that differ from its defaults */
  world?: { preset?: 'mini'; styles?: number; stereotypeRate: number; errorRate: number };
}

const options = z.object({
  data: z
    .string()
    .min(1)
    .optional()
    .describe(
      'your rows: a .jsonl, .csv or .parquet of text or of prompt and completion, or a .txt (default: a newsroom)',
    ),
  columns: z
    .record(z.string(), z.string())
    .optional()
    .describe('names of your columns, for example prompt=question,completion=answer'),
  preferences: z
    .string()
    .min(1)
    .optional()
    .describe(
      'pairs of your own, prompt, chosen, rejected: reward models learn from them, and the model from those; without --data it is first fine-tuned on the chosen answers',
    ),
  preferenceColumns: z
    .record(z.string(), z.string())
    .optional()
    .describe('names of their columns, for example prompt=question,chosen=better,rejected=worse'),
  textRows: z.enum(['paragraph', 'line', 'document']).default('paragraph').describe('what is a row of a .txt'),
  articles: z.int().min(16).default(40_000).describe('articles of the generated newsroom to train on'),
  world: z
    .enum(['auto', 'full', 'mini'])
    .default('auto')
    .describe('the generated newsroom: full, or mini with fewer words; auto is mini where only a slow backend works'),
  lies: z.number().min(0).max(1).default(0.15).describe('share of clauses in the generated references that are false'),
  heldOut: heldOutOption
    .optional()
    .describe(
      'rows set aside, half of them to choose the step that is kept, half for evaluation: a number, or a share below 1 (default: 512 of the newsroom, a tenth of yours up to 512)',
    ),
});

/** of the false clauses: the share that follows a stereotype, which a model can learn */
const stereotypes = 0.6;
const mostHeldOut = 512;
/** backends that train the full newsroom in minutes */
const fast = new Set(['native', 'node-gpu', 'node', 'webgpu']);

export const stage = defineStage({
  name: 'data',
  summary: 'Read or generate rows, and set some aside.',
  version: 3,
  needs: [],
  prefix: '',
  options,
  uses: ['seed', 'backend'],
  files: (o) => [o.data, o.preferences].filter((file) => file !== undefined),
  async check(o) {
    if (o.data === undefined) refuseFileOptions(o);
    // before its bytes are hashed, which for a folder would be those of all its files
    else if (statSync(o.data, { throwIfNoEntry: false })?.isDirectory()) {
      const what = 'this is a folder; a file of rows is wanted';
      throw new ConfigError({ where: 'gimbal align --data', what, got: o.data, fix: 'Name a file in it' });
    }
    checkColumns('align', o.columns, ['text', 'prompt', 'completion']);
    const ofPairs = ['prompt', 'chosen', 'rejected', 'label', 'margin', 'weight'];
    checkColumns('align', o.preferenceColumns, ofPairs, '--preference-columns');
    if (o.preferences !== undefined) await readOwnPairs(o.preferences, o.preferenceColumns);
    else if (o.preferenceColumns !== undefined) {
      const what = 'names columns of a file, but there is none';
      const fix = 'Name the file with --preferences, or leave it out';
      throw new ConfigError({ where: 'gimbal align --preference-columns', what, fix });
    }
  },
  async run({ options: o, environment, dir, note }): Promise<DataResult> {
    const { rng } = await import('@gimbal/tensor-core');
    const { dataset, isKind, readRows, splitDataset } = await import('@gimbal/language-models');
    const stream = rng(environment.seed).split('data');

    let own: OwnPairs | undefined;
    let pairs: DataResult['pairs'];
    if (o.preferences !== undefined) {
      own = splitOwnPairs(await readOwnPairs(o.preferences, o.preferenceColumns), stream.split('preferences'));
      await storeOwnPairs(dir, own);
      const { train, control, selection, test } = own;
      const counts = { train: train.length, control: control.length, selection: selection.length, test: test.length };
      pairs = { source: basename(o.preferences), ...counts };
    }
    if (own !== undefined && pairs !== undefined && o.data === undefined)
      return await chosenRows(own, pairs, dir, stream);
    if (o.data === undefined) {
      const { newsroom } = await import('@gimbal/worlds');
      // a clause is first made a stereotype; of the others some get another error
      const stereotypeRate = stereotypes * o.lies;
      const isMini = o.world === 'mini' || (o.world === 'auto' && !fast.has(environment.backend));
      const world = {
        ...(isMini ? { preset: 'mini' as const, styles: 0 } : {}),
        stereotypeRate,
        errorRate: (o.lies - stereotypeRate) / (1 - stereotypeRate),
      };
      const { heldOut = mostHeldOut } = o;
      const count = heldOut < 1 ? Math.max(1, Math.round(heldOut * o.articles)) : heldOut;
      const newsdesk = newsroom(world);
      const train = dataset(newsdesk.rows(o.articles, stream.split('train')), { kind: 'prompt-completion' });
      const test = dataset(newsdesk.rows(count, stream.split('held-out')), { kind: 'prompt-completion' });
      await storeRows(dir, 'train', train);
      const validationRows = await storeHalves(dir, test, stream.split('halves'));
      const characters = train.rows.reduce((sum, row) => sum + row.prompt.length + row.completion.length, 0);
      const counts = { trainRows: train.rows.length, heldOutRows: count, validationRows, duplicates: 0, characters };
      return {
        task: 'newsroom',
        kind: 'prompt-completion',
        source: `${isMini ? 'a small' : 'the'} generated newsroom`,
        ...counts,
        world,
      };
    }

    const columns = o.columns === undefined ? {} : { columns: o.columns };
    const all = await readRows(o.data, { ...columns, textRows: o.textRows, usable: ['text', 'prompt-completion'] });
    const { kind } = all;
    if (kind !== 'text' && kind !== 'prompt-completion') {
      const wanted = 'rows of text, or of prompt and completion';
      const fix = 'Name the columns to use with --columns, or convert the rows';
      throw new DataError({ where: o.data, what: 'align does not start from such rows', got: kind, wanted, fix });
    }
    const n = all.rows.length;
    if (n === 1) refuseSingleRow(o, isKind(all, 'text') ? all.rows[0]?.text : undefined);
    checkHeldOut('align', o.heldOut, n);
    const share = o.heldOut ?? Math.min(mostHeldOut, Math.max(1, Math.floor(n / 10)));
    const parts = splitDataset(all, share, stream.split('split'));
    await storeRows(dir, 'train', parts.train);
    const validationRows = await storeHalves(dir, parts.heldOut, stream.split('halves'));
    const { duplicates } = parts;
    if (pairs !== undefined && kind === 'text') {
      const what = 'the rows of --data are plain text: the model does not learn to answer a prompt';
      const fix = 'Give rows of prompt and completion, or leave --data out';
      throw new ConfigError({ where: 'gimbal align --preferences', what, fix });
    }
    if (duplicates > 0) note(`${duplicatesText(duplicates, n)}; equal rows are all trained on or all held out`);
    const hasCompletions = isKind(parts.train, 'prompt-completion');
    return {
      ...(pairs && { pairs }),
      task: hasCompletions ? 'completion' : 'text',
      kind,
      source: basename(o.data),
      trainRows: parts.train.rows.length,
      heldOutRows: parts.heldOut.rows.length,
      validationRows,
      duplicates,
      characters: parts.train.rows.reduce((sum, row) => sum + lengthOf(row), 0),
    };
  },
  describe: (r) =>
    `${quantity(r.trainRows)} rows (${quantity(r.characters)} characters) of ${r.source}, ${r.heldOutRows} held out${r.duplicates > 0 ? `; ${r.duplicates} equal to others` : ''}${r.pairs ? `; ${quantity(r.pairs.train + r.pairs.control)} pairs of ${r.pairs.source}, ${r.pairs.selection + r.pairs.test} held out` : ''}`,
});

/** What pairs alone give to be fine-tuned on: the chosen answers; none of a prompt that rewards are tested on is trained on. */
async function chosenRows(
  own: OwnPairs,
  pairs: NonNullable<DataResult['pairs']>,
  dir: string,
  stream: Rng,
): Promise<DataResult> {
  const { dataset } = await import('@gimbal/language-models');
  const rowsOf = (some: readonly OwnPair[]) => {
    const texts = some.map(({ prompt, chosen }) => JSON.stringify({ prompt, completion: chosen }));
    const rows = [...new Set(texts)].map((text) => JSON.parse(text) as { prompt: string; completion: string });
    return dataset<'prompt-completion'>(rows, { kind: 'prompt-completion' });
  };
  const [train, heldOut] = [rowsOf([...own.train, ...own.control]), rowsOf([...own.selection, ...own.test])];
  await storeRows(dir, 'train', train);
  const validationRows = await storeHalves(dir, heldOut, stream.split('halves'));
  return {
    task: 'completion',
    kind: 'prompt-completion',
    source: `the chosen answers of ${pairs.source}`,
    trainRows: train.rows.length,
    heldOutRows: heldOut.rows.length,
    validationRows,
    duplicates: 0,
    characters: train.rows.reduce((sum, row) => sum + lengthOf(row), 0),
    pairs,
  };
}

/** Nothing would be left to measure on. */
function refuseSingleRow(o: { data?: string | undefined; textRows: string }, text: string | undefined): never {
  const where = o.data as string;
  if (text === undefined || !where.endsWith('.txt')) {
    throw new DataError({ where, what: 'there is one row only, so none can be held out', fix: 'Add rows' });
  }
  const what = `it is one ${o.textRows}, so no row can be held out`;
  const paragraphs = text.includes('\n')
    ? 'With --text-rows line each line is a row; a blank line ends a paragraph'
    : 'Break it into paragraphs by blank lines';
  const fix = { paragraph: paragraphs, line: 'Break it into lines' }[o.textRows] ?? 'Leave --text-rows document out';
  throw new DataError({ where, what, fix });
}

const lengthOf = (row: { [column: string]: unknown }): number =>
  ['text', 'prompt', 'completion'].reduce(
    (sum, column) => sum + (typeof row[column] === 'string' ? (row[column] as string).length : 0),
    0,
  );

/**
 * Store held-out rows as `validation`, which the step to keep is chosen on, and `held-out`, which the report is about: a
 * number that was chosen for being the best is no longer an honest one.
 * @returns how many are in the first part; 0 where there is but one row (or only equal ones), which then does both
 */
async function storeHalves<K extends RowKind>(dir: string, rows: Dataset<K>, stream: Rng): Promise<number> {
  const { splitDataset } = await import('@gimbal/language-models');
  const different = new Set(rows.rows.map((row) => JSON.stringify([row.text, row.prompt, row.completion])));
  const halves =
    different.size > 1 ? splitDataset(rows, Math.floor(rows.rows.length / 2), stream) : { train: rows, heldOut: rows };
  await storeRows(dir, 'validation', halves.heldOut);
  await storeRows(dir, 'held-out', halves.train);
  return different.size > 1 ? halves.heldOut.rows.length : 0;
}

/** An option that would be ignored is a misunderstanding. */
function refuseFileOptions(o: z.output<typeof options>): void {
  if (o.columns === undefined) return;
  const fix = 'Name the file with --data, or leave --columns out';
  throw new ConfigError({ where: 'gimbal align --columns', what: 'names columns of a file, but there is none', fix });
}
