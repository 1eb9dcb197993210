/** The loss of a micro-batch, and what is logged of it. */
import { type LogitPolicy, type LossResult, type Params, stopGradient } from '@gimbal/tensor-core';
import {
  add,
  mul,
  type Scalar,
  scalar,
  slice,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  tensor2d,
} from '@tensorflow/tfjs-core';
import type { Divergence } from '../divergence/divergence.ts';
import { rowLoss } from '../rows/row-loss.ts';
import { type Column, columnOf } from '../rows/table.ts';
import { futureCoefficients, wholeCoefficients } from './credit.ts';
import type { PreparedBatch } from './distill-batches.ts';
import type { MicroBatch, Part, StepTotals } from './examples.ts';
import { isOwn, type ResolvedGkd } from './gkd-options.ts';
import { pickRows, type StudentRows, studentRows, weightedLogProbs } from './student-rows.ts';

export interface LossSetup {
  o: ResolvedGkd;
  /** whose parameters are trained */
  student: LogitPolicy;
  /** false: the head is no parameter */
  trainsHead: boolean;
}

/** Differentiable in `params`; called in the loop's scope. */
export function gkdLoss({ o, student, trainsHead }: LossSetup, params: Params, prepared: PreparedBatch): LossResult {
  const { batch, totals, auxiliary, measures } = prepared;
  const B = batch.examples.length;
  const ofTokens = o.reduction === 'token';
  const ignored = new Set(o.ignoreTokens);
  // of a step in which nothing counts a mean is 0, and its gradient
  const weight = totals.sequences === 0 ? 1 : ofTokens ? batch.ids.length : B;
  // a mean over tokens or completions, whatever the loss divides by
  const whole = ofTokens ? totals.tokens : totals.sequences;
  const metrics: Record<string, Scalar> = {};
  const log = (name: string, total: Tensor, count: number): void => {
    if (count === 0) return;
    const part = mul<Scalar>(total, whole / count / Math.max(1, weight));
    const before = metrics[name];
    metrics[name] = before === undefined ? part : add(before, part);
  };
  let loss: Scalar = scalar(0);
  const form = { columns: o.alignVocab ? o.tokenizer.size : undefined, packing: o.packing };
  if (batch.ids.length > 0) {
    const rows = studentRows(student, params, batch, form);
    const weights = rowWeights(batch, ofTokens, ignored);
    if (o.divergence === 'nll')
      loss = weightedLogProbs(
        rows,
        batch.ids,
        weights.map((w) => -w),
      );
    else {
      const alpha = o.reward?.alpha ?? 1;
      const distilled = distil(o, batch, rows, weights, trainsHead, (part, table, counts) =>
        logRows(part, table, counts, totals, log),
      );
      loss = mul<Scalar>(distilled, alpha);
      // −(1 − α) Σ (r − b) log q
      const score = (1 - alpha) * (whole / totals.sequences);
      if (batch.rewardCoefficients !== undefined && score > 0) {
        const coefficients = batch.rewardCoefficients.map((c) => c * score);
        loss = add<Scalar>(loss, gradientOnly(weightedLogProbs(rows, batch.ids, coefficients)));
      }
    }
  }
  if (auxiliary !== undefined && o.auxiliary !== undefined && auxiliary.ids.length > 0) {
    const rows = studentRows(student, params, auxiliary, form);
    const perRow = rowWeights(auxiliary, false).map((w) => -w);
    const nll = weightedLogProbs(rows, auxiliary.ids, perRow);
    loss = add<Scalar>(loss, mul(nll, (o.auxiliary.weight * whole) / totals.sequences));
    log('auxiliaryLoss', nll, totals.sequences);
  }
  const ended = batch.examples.filter((e) => e.ended).length;
  const share = (n: number): number => (n * whole) / Math.max(1, totals.sequences) / Math.max(1, weight);
  const ofBatch = { eosRate: share(ended), meanLength: share(batch.ids.length) };
  return { sum: loss, weight, metrics: { ...measures, ...metrics, ...ofBatch } };
}

/** Of each token: 1, or one over its completion's length; 0 of those that are not compared. */
const rowWeights = (
  { owners, examples, ids }: MicroBatch,
  ofTokens: boolean,
  ignored: ReadonlySet<number> = new Set(),
): Float32Array =>
  Float32Array.from(owners, (b, r) =>
    ignored.has(ids[r] as number) ? 0 : ofTokens ? 1 : 1 / (examples[b]?.completion.length ?? 1),
  );

/** `weights` where tokens of a mixture's completions count as they are told to. */
function counted({ examples }: MicroBatch, weights: Float32Array): Float32Array {
  if (examples.every(({ counts }) => counts === undefined)) return weights;
  const counts = examples.flatMap((e) => [...(e.counts ?? new Float32Array(e.completion.length).fill(1))]);
  return weights.map((w, r) => w * (counts[r] as number));
}

type LogRows = (part: Part, table: Tensor2D, own: Float32Array) => void;

/** Σ w D over all teachers' rows, and its gradient by way of the prefixes where that is asked for. */
function distil(
  o: ResolvedGkd,
  batch: MicroBatch,
  student: StudentRows,
  weights: Float32Array,
  trainsHead: boolean,
  log: LogRows,
): Scalar {
  // sampled rows carry their own score function, sorted ones their distance: which D is said for the others
  const divergence: Divergence = isOwn(o.divergence) ? 'rkl' : o.divergence;
  const { teacherTemperature, studentTemperature, rowsPerChunk, vocabularyPerChunk, futureDiscount } = o;
  const values = new Float32Array(batch.ids.length);
  const whole = new Float32Array(batch.ids.length);
  const counts = counted(batch, weights);
  let total: Scalar = scalar(0);
  for (const part of batch.parts) {
    const { rows, teacher } = part;
    const take = <A extends Float32Array | Int32Array>(x: A): A =>
      rows === undefined ? x : (x.constructor as unknown as { from(a: Iterable<number>): A }).from(pluck(rows, x));
    const { loss, table } = rowLoss({
      ...{ student: pickRows(student, rows), teacher, weights: take(counts), ids: take(batch.ids) },
      ...{ divergence, teacherTemperature, studentTemperature, trainsHead },
      ...(rowsPerChunk !== undefined && { rowsPerChunk }),
      ...(vocabularyPerChunk !== undefined && { vocabularyPerChunk }),
    });
    total = add<Scalar>(total, loss);
    const own = Float32Array.from(take(batch.owners), (b) => Number(batch.examples[b]?.own));
    log(part, table, own);
    const ofText = 'sampled' in teacher && teacher.spans !== undefined;
    if (futureDiscount === 0 && !ofText) continue;
    const found = slice(table, [0, columnOf('divergence')], [table.shape[0], 1]).dataSync<'float32'>();
    if (ofText) {
      const scores = wholeCoefficients(found, take(counts), take(batch.owners));
      for (const [i, c] of scores.entries()) whole[rows === undefined ? i : (rows[i] as number)] = c;
      continue;
    }
    for (const [i, d] of found.entries()) values[rows === undefined ? i : (rows[i] as number)] = d;
  }
  if (whole.some((c) => c !== 0)) total = add<Scalar>(total, gradientOnly(weightedLogProbs(student, batch.ids, whole)));
  if (futureDiscount === 0) return total;
  const how = { discount: futureDiscount, wholeMean: o.reduction === 'sequence', ownCounts: o.mixWeights === 'token' };
  const coefficients = futureCoefficients(batch, values, weights, how);
  return add<Scalar>(total, gradientOnly(weightedLogProbs(student, batch.ids, coefficients)));
}

function* pluck(rows: Int32Array, x: ArrayLike<number>): Generator<number> {
  for (const r of rows) yield x[r] as number;
}

/** The gradient without the value: that of a score function says nothing. */
const gradientOnly = (x: Scalar): Scalar => sub(x, stopGradient(x));

const logged: readonly [metric: string, column: Column][] = [
  ['divergence', 'divergence'],
  ['fkl', 'fkl'],
  ['rkl', 'rkl'],
  ['acceptance', 'tvd'],
  ['studentEntropy', 'entropy'],
];

/** Sums of columns over rows, as parts of the step's means. */
function logRows(
  { teacher }: Part,
  table: Tensor2D,
  own: Float32Array,
  totals: StepTotals,
  log: (name: string, total: Tensor, count: number) => void,
): void {
  const [rows] = table.shape;
  const sums = sum(table, 0);
  const at = (column: Column): Tensor => slice(sums, [columnOf(column)], [1]);
  const known: readonly Column[] | undefined =
    'sampled' in teacher ? ['divergence', 'rkl'] : 'aligned' in teacher ? ['divergence', 'entropy'] : undefined;
  for (const [metric, column] of logged) {
    if (known !== undefined && !known.includes(column)) continue;
    // 1 − ½ Σ |p − q| = Σ min(p, q)
    log(metric, column === 'tvd' ? add(mul(at(column), -1), rows) : at(column), totals.tokens);
  }
  if ('topK' in teacher) {
    // a bound of what is not seen: the probability that either side has elsewhere
    log('studentTail', at('rest'), totals.tokens);
    log('teacherTail', scalar(teacher.topK.tail.reduce((a, b) => a + b, 0)), totals.tokens);
    return;
  }
  const logP = slice(table, [0, columnOf('logP')], [rows, 1]);
  const onOwn = totals.ownTokens > 0;
  const kept = onOwn ? mul(logP, tensor2d(own, [rows, 1])) : logP;
  log('teacherLogProb', sum(kept), onOwn ? totals.ownTokens : totals.tokens);
}
