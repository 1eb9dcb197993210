/**
 * How far the student is from the teacher on prompts that it is not trained on: it writes, with the same random numbers
 * every time, and the objective is taken there. Where it never writes (λ 0), or λ hangs on it, the rows' own completions
 * are read instead.
 */
import { padBatch, rowOf } from '@gimbal/language-models';
import { type LogitPolicy, type Params, rng } from '@gimbal/tensor-core';
import { tidy } from '@tensorflow/tfjs-core';
import { disposeRows } from '../rows/teacher-logits.ts';
import { askTeachers } from './ask-teachers.ts';
import { teachersOf } from './check-options.ts';
import { encodeData, encodePrompts } from './encode-rows.ts';
import { type Example, type MicroBatch, microBatch, totalsOf } from './examples.ts';
import { gkdLoss } from './gkd-loss.ts';
import type { ResolvedGkd } from './gkd-options.ts';
import { readByTeachers } from './unread.ts';

/** What an evaluation tells: `loss` by the objective and its reduction, and what a step tells beside it. */
export type HeldOutMetrics = { loss: number; [metric: string]: number };

/**
 * @param student what writes, under the parameters that it is evaluated with
 * @returns the evaluation; undefined where no rows are held out
 * @throws DataError for rows that do not fit, or have no completion where the student does not write
 */
export function heldOutEvaluation(
  o: ResolvedGkd,
  student: LogitPolicy,
  padId: number,
): ((params: Params) => Promise<HeldOutMetrics>) | undefined {
  if (o.heldOut === undefined) return undefined;
  // the divergence alone: no reward, no score function, no further rows
  const { reward: _, auxiliary: __, ...rest } = o;
  const plain: ResolvedGkd = { ...rest, futureDiscount: 0, mixWeights: 'none', prompts: o.heldOut };
  // what likeliest tokens leave out can be told where the whole is there, too
  const measuresBias = o.teacherTopK !== undefined && Object.values(teachersOf(o)).every(({ whole }) => whole === true);
  const writes = o.lambda !== 0 && o.adaptiveLambda === undefined;
  const rows = writes ? encodePrompts(plain, 'heldOut') : encodeData(plain, 'heldOut', undefined);
  return async (params) => {
    const examples: Example[] = [];
    const micro: MicroBatch[] = [];
    for (let from = 0; from < rows.length; from += o.batchSize) {
      const some = rows.slice(from, from + o.batchSize);
      const given = await completionsOf(plain, student, params, some, from, padId);
      const read = readByTeachers(plain, given, padId);
      const batch = microBatch(read, padId);
      examples.push(...read);
      micro.push(batch);
    }
    const totals = totalsOf(examples);
    const sums: Record<string, number> = {};
    let [loss, weight] = [0, 0];
    for (const batch of micro) {
      const found = await asked(plain, student, params, batch, totals, padId);
      loss += found.sum;
      weight += found.weight;
      const { metrics } = found;
      if (measuresBias && metrics.divergence !== undefined) {
        const { teacherTopK: _, topKOf: __, ...whole } = plain;
        const exact = await asked({ ...whole, topKOf: 'teacher' }, student, params, batch, totals, padId);
        metrics.topKBias = metrics.divergence - (exact.metrics.divergence as number);
      }
      for (const [name, value] of Object.entries(metrics)) sums[name] = (sums[name] ?? 0) + value * found.weight;
    }
    const mean = (total: number): number => total / Math.max(1, weight);
    return { ...Object.fromEntries(Object.entries(sums).map(([k, v]) => [k, mean(v)])), loss: mean(loss) };
  };
}

/** A micro-batch with what the teachers say of it. */
async function asked(
  o: ResolvedGkd,
  student: LogitPolicy,
  params: Params,
  batch: MicroBatch,
  totals: ReturnType<typeof totalsOf>,
  padId: number,
): Promise<ReturnType<typeof measured>> {
  const parts = await askTeachers(o, batch, padId, { student, params }, undefined);
  try {
    return measured(o, student, params, { ...batch, parts }, totals);
  } finally {
    for (const { teacher } of parts) disposeRows(teacher);
  }
}

type Row = ReturnType<typeof encodePrompts>[number] & { completion?: Int32Array };

async function completionsOf(
  o: ResolvedGkd,
  student: LogitPolicy,
  params: Params,
  rows: readonly Row[],
  from: number,
  padId: number,
): Promise<Example[]> {
  const example = (i: number, completion: Int32Array, own: boolean, ended: boolean): Example => {
    const { ids, row } = rows[i] as Row;
    return { prompt: ids, completion, row, own, ended, group: from + i, advantage: 0 };
  };
  if (rows.every((r) => r.completion !== undefined))
    return rows.map(({ completion }, i) => example(i, completion as Int32Array, false, true));
  const prompts = padBatch(
    rows.map(({ ids }) => ids),
    padId,
  );
  const { temperature, maxNewTokens } = o;
  const stream = rng(o.seed).split('held-out').split(from);
  const written = await student.sample(params, prompts, { temperature, maxNewTokens, rng: stream });
  return rows.map((_, i) => example(i, Int32Array.from(rowOf(written, i)), true, written.ended?.[i] === 1));
}

/** Sum, weight and means of a micro-batch, read. */
function measured(
  o: ResolvedGkd,
  student: LogitPolicy,
  params: Params,
  batch: MicroBatch,
  totals: ReturnType<typeof totalsOf>,
): { sum: number; weight: number; metrics: Record<string, number> } {
  const read = (x: { dataSync(): ArrayLike<number> }): number => x.dataSync()[0] as number;
  const metrics: Record<string, number> = {};
  let [sum, weight] = [0, 0];
  tidy(() => {
    const setup = { o, student, trainsHead: false };
    const found = gkdLoss(setup, params, { batch, totals, auxiliary: undefined, measures: {} });
    weight = found.weight;
    sum = read(found.sum);
    for (const [name, x] of Object.entries(found.metrics ?? {})) metrics[name] = typeof x === 'number' ? x : read(x);
  });
  return { sum, weight, metrics };
}
