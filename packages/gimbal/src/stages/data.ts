// The rows of the run: the user's file, or the generated newsroom; some of them set aside for evaluation.
import { basename } from 'node:path';
import { ConfigError, DataError } from '@gimbal/tensor-core';
import { z } from 'zod';
import { quantity } from '../cli/format.ts';
import { checkColumns } from '../options/columns.ts';
import { defineStage } from '../pipeline/stage.ts';
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
  heldOutRows: number;
  /** characters of the training rows */
  characters: number;
  /** options of the newsroom that differ from its defaults */
  world?: { preset?: 'mini'; styles?: number; stereotypeRate: number; errorRate: number };
}

const options = z.object({
  data: z
    .string()
    .min(1)
    .optional()
    .describe('your rows: a .jsonl of text or of prompt and completion, or a .txt (default: a generated newsroom)'),
  columns: z
    .record(z.string(), z.string())
    .optional()
    .describe('names of your columns, for example prompt=question,completion=answer'),
  textRows: z.enum(['paragraph', 'line', 'document']).default('paragraph').describe('what is a row of a .txt'),
  articles: z.int().min(16).default(40_000).describe('articles of the generated newsroom to train on'),
  world: z
    .enum(['auto', 'full', 'mini'])
    .default('auto')
    .describe('the generated newsroom: full, or mini with fewer words; auto is mini where only a slow backend works'),
  lies: z.number().min(0).max(1).default(0.15).describe('share of clauses in the generated references that are false'),
  heldOut: z
    .number()
    .positive()
    .optional()
    .describe(
      'rows set aside for evaluation: a number, or a share below 1 (default: 512 of the newsroom, a tenth of yours up to 512)',
    ),
});

/** of the false clauses: the share that follows a stereotype, which a model can learn */
const stereotypes = 0.6;
const mostHeldOut = 512;
/** backends that train the full newsroom in minutes */
const fast = new Set(['native', 'node-gpu', 'webgpu']);

export const stage = defineStage({
  name: 'data',
  summary: 'Read or generate rows, and set some aside.',
  version: 1,
  needs: [],
  prefix: '',
  options,
  uses: ['seed', 'backend'],
  files: (o) => (o.data === undefined ? [] : [o.data]),
  check(o) {
    if (o.data === undefined) refuseFileOptions(o);
    checkColumns('align', o.columns, ['text', 'prompt', 'completion']);
  },
  async run({ options: o, environment, dir }): Promise<DataResult> {
    const { rng } = await import('@gimbal/tensor-core');
    const { dataset, isKind, readRows, splitDataset } = await import('@gimbal/language-models');
    const stream = rng(environment.seed).split('data');

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
      const count = heldOut < 1 ? Math.max(1, Math.round(heldOut * o.articles)) : Math.round(heldOut);
      const newsdesk = newsroom(world);
      const train = dataset(newsdesk.rows(o.articles, stream.split('train')), { kind: 'prompt-completion' });
      const test = dataset(newsdesk.rows(count, stream.split('held-out')), { kind: 'prompt-completion' });
      await storeRows(dir, 'train', train);
      await storeRows(dir, 'held-out', test);
      const characters = train.rows.reduce((sum, row) => sum + row.prompt.length + row.completion.length, 0);
      const counts = { trainRows: train.rows.length, heldOutRows: count, characters };
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
    const share = o.heldOut ?? Math.min(mostHeldOut, Math.max(1, Math.floor(all.rows.length / 10)));
    const parts = splitDataset(all, share, stream.split('split'));
    await storeRows(dir, 'train', parts.train);
    await storeRows(dir, 'held-out', parts.heldOut);
    const pairs = isKind(parts.train, 'prompt-completion');
    return {
      task: pairs ? 'completion' : 'text',
      kind,
      source: basename(o.data),
      trainRows: parts.train.rows.length,
      heldOutRows: parts.heldOut.rows.length,
      characters: parts.train.rows.reduce((sum, row) => sum + lengthOf(row), 0),
    };
  },
  describe: (r) =>
    `${quantity(r.trainRows)} rows (${quantity(r.characters)} characters) of ${r.source}, ${r.heldOutRows} held out`,
});

const lengthOf = (row: { [column: string]: unknown }): number =>
  ['text', 'prompt', 'completion'].reduce(
    (sum, column) => sum + (typeof row[column] === 'string' ? (row[column] as string).length : 0),
    0,
  );

/** An option that would be ignored is a misunderstanding. */
function refuseFileOptions(o: z.output<typeof options>): void {
  if (o.columns === undefined) return;
  const fix = 'Name the file with --data, or leave --columns out';
  throw new ConfigError({ where: 'gimbal align --columns', what: 'names columns of a file, but there is none', fix });
}
