// What gimbal warm trains from, and the trainer: the same in the command's process and in those that train some of the runs.
import { join } from 'node:path';
import type { Dataset } from '@gimbal/language-models';
import type { MemberModel, WarmTrainer } from '@gimbal/reward-models';
import { disposeTree, type Params, rng } from '@gimbal/tensor-core';
import { counted } from '../cli/format.ts';
import type { Output } from '../cli/output.ts';
import { heldOutOf } from '../options/held-out.ts';
import { checkSlice } from '../reward/accuracy.ts';
import { toldFew } from '../reward/few-pairs.ts';
import { checkJudgeRows, judgeLabels } from '../reward/judge-rows.ts';
import { readPairRows } from '../reward/read-rows.ts';
import { noteShared, refuseShared } from '../reward/shared-rows.ts';
import { type Exam, examOf } from './exam.ts';
import { countLong, scorable } from './long-rows.ts';
import { refuseOtherStarts } from './same-starts.ts';

/** Options of the command that decide what is trained. */
export interface WarmSettings {
  kind: 'bradley-terry' | 'pairwise' | 'entailment';
  form: 'antisymmetric' | 'skew-symmetric';
  labels?: string[] | undefined;
  test?: string | undefined;
  slice?: string | undefined;
  maxLength?: number | undefined;
  precision: 'float32' | 'bf16';
  model: readonly string[];
  data: string;
  columns?: Record<string, string> | undefined;
  heldOut?: number | undefined;
  runs: number;
  members: number | 'all' | 'greedy';
  steps: number;
  batchSize: number;
  learningRate: readonly number[];
  dropout: readonly number[];
  swap: number;
  labelSmoothing: number;
  centerCoef: number;
  lora: number;
  overflow: 'drop' | 'cut' | 'error';
  seed: number;
}

export interface PreparedWarm {
  trainer: WarmTrainer;
  model: MemberModel;
  /** scores rows that neither training nor ranking sees */
  exam: Exam;
  /** of rows that were trained on, as their labels stand: those that are wrong on purpose, and others; empty without --swap */
  memory: { name: string; exam: Exam }[];
  dispose(): void;
}

/** Reads rows and starts. @param path the run's folder */
export async function prepareWarm(
  o: WarmSettings,
  path: string,
  { output, signal }: { output: Output; signal: AbortSignal },
): Promise<PreparedWarm> {
  const lm = await import('@gimbal/language-models');
  const warm = await import('@gimbal/reward-models');
  const { loadBody, rateOf } = await import('../reward/train.ts');
  const judges = o.kind === 'entailment';
  const read = (file: string): Promise<Dataset> => readPairRows(file, o);
  const labels = labelsOf(o);
  if (judges) warm.nliLabels({ labels }); // refused before anything is read
  const rows = await read(o.data);
  const order = judges ? checkJudgeRows(rows, labels) : undefined;
  if (order !== undefined) output.note(order);
  const few = toldFew(rows.rows.length, judges ? 'row' : 'pair');
  if (few !== undefined) output.note(`warning: ${few}`);
  const share = heldOutOf('warm', o.heldOut, rows.rows.length);
  const first =
    o.test === undefined
      ? lm.splitDataset(rows, share, rng(o.seed).split('test'))
      : { train: rows, heldOut: await read(o.test) };
  if (o.test !== undefined) refuseShared(rows, first.heldOut);
  checkSlice('gimbal warm --slice', o.slice, first.heldOut.rows);
  const second = lm.splitDataset(first.train, share, rng(o.seed).split('selection'));
  // equal rows are kept together; those of one content that are written otherwise are not
  noteShared('held-out', first.heldOut, first.train, (text) => output.note(text));
  noteShared('selection', second.heldOut, second.train, (text) => output.note(text));
  const starts = [];
  for (const folder of o.model)
    starts.push(
      await loadBody('gimbal warm', { model: folder, labels, seed: o.seed, judge: judges }, { output, signal }),
    );
  refuseOtherStarts(o.model, starts);
  const { model: heads, tokenizer } = starts.at(-1) as (typeof starts)[number];
  const model = {
    'bradley-terry': () => warm.rewardModel(heads),
    pairwise: () => warm.preferenceModel(heads, { form: o.form }),
    entailment: () => heads,
  }[o.kind]();
  const slips = rng(o.seed).split('swap');
  const turned = judges
    ? warm.swapClasses(second.train.rows as never[], labels, o.swap, slips)
    : warm.swapLabels(second.train.rows as never[], o.swap, slips);
  const checkpoints: Params[] = starts.map((s) => s.params);
  const room = { ...o, tokenizer, output };
  if ('classifier' in model) await countLong(second.train, model, room);
  else {
    const { contextLength } = model.config;
    const limit = Math.min(o.maxLength ?? contextLength, contextLength);
    const { cut } = lm.labelledRows(second.train, tokenizer, { labels: model.labels, limit });
    if (cut.rows > 0) output.note(`${counted(cut.rows, 'training row')} lost the end of their longer text`);
  }
  const fitting = (data: Dataset, what: string): Promise<Dataset> =>
    'classifier' in model ? scorable(data, model, { ...room, what }) : Promise.resolve(data);
  const selection = await fitting(second.heldOut, 'selection row');
  const exam = await examOf(model, tokenizer, await fitting(first.heldOut, 'held-out row'), o.maxLength);
  const memory: PreparedWarm['memory'] = [];
  for (const [name, wrong] of o.swap === 0
    ? []
    : ([
        ['wrong labels', 1],
        ['right labels', 0],
      ] as const)) {
    const some = (turned.rows as object[]).filter((_, i) => turned.swapped[i] === wrong).slice(0, mostRemembered);
    const slice = await fitting({ ...second.train, rows: some } as Dataset, '');
    if (slice.rows.length === 0) continue;
    memory.push({ name, exam: await examOf(model, tokenizer, slice, o.maxLength) });
  }
  const trainer = new warm.WarmTrainer({
    model,
    tokenizer,
    data: { ...second.train, rows: turned.rows } as typeof second.train,
    selection,
    init: { kind: 'baklava', checkpoints },
    grid: { learningRate: o.learningRate, dropout: o.dropout },
    runs: o.runs,
    members: o.members,
    stepsPerRun: o.steps,
    schedule: (peak) => rateOf(peak, o.steps),
    batchSize: o.batchSize,
    overflow: o.overflow,
    ...(o.labelSmoothing > 0 && { labelSmoothing: o.labelSmoothing }),
    ...(o.centerCoef > 0 && { centerCoef: o.centerCoef }),
    ...(o.lora > 0 && { lora: { rank: o.lora } }),
    precision: o.precision,
    ...(o.maxLength === undefined ? {} : { maxLength: o.maxLength }),
    seed: o.seed,
    checkpointEvery: Math.max(1, Math.ceil(o.steps / 4)),
    out: join(path, 'warm'),
  });
  return {
    trainer,
    model,
    exam,
    memory,
    dispose() {
      for (const tree of checkpoints) disposeTree(tree);
    },
  };
}

/** rows of each kind of label, to see what was learnt by heart */
const mostRemembered = 256;

/** Names of the head's outputs. */
function labelsOf({ kind, form, labels }: WarmSettings): string[] {
  if (kind === 'entailment') return labels ?? [...judgeLabels];
  if (kind === 'bradley-terry') return ['reward'];
  return form === 'skew-symmetric' ? Array.from({ length: 8 }, (_, i) => `v${i}`) : ['preference'];
}
