// What the numbers of a run of reinforcement learning say that its headline alone would hide.
import { readMetrics } from '@gimbal/tensor-core';
import { counted, figure } from '../cli/format.ts';
import type { Estimate } from '../stages/internal/intervals.ts';

/** Rewards that are the goal itself, by their names: they are not hacked. */
const truths: readonly string[] = ['exact', 'entailed'];

/** Nats to the start from which texts want to be read: the best of 50 samples is as far, log 50 − 49/50 (Beirami et al., arXiv 2401.01879). */
const far = 3;

/** Nats to the start below which a run has not changed what a model writes: its samples are those of before but for a few. */
const still = 0.05;

/** What the reward was and is; of no completions at all there is none. */
export function toldChange(was: Estimate, is: Estimate): string {
  if (was.n === 0 && is.n === 0) return 'no reward before or after';
  const told = ({ n, value }: Estimate): string => (n === 0 ? 'none' : figure(value));
  return was.n === 0 ? `no reward → ${figure(is.value)}` : `reward ${figure(was.value)} → ${told(is)}`;
}

const nothingJudged = (was: Estimate, is: Estimate): boolean => was.n === 0 || is.n === 0;
const isApart = (was: Estimate, is: Estimate): boolean =>
  !nothingJudged(was, is) && (was.low > is.high || is.low > was.high);

/** That a difference is not told, in a sentence; undefined where the intervals are apart, and where nothing was judged. */
export const toldOverlap = (was: Estimate, is: Estimate): string | undefined =>
  nothingJudged(was, is) || isApart(was, is)
    ? undefined
    : `The intervals before and after overlap: ${toldJudged(is.n)} ${is.n === 1 ? 'tells' : 'tell'} little of a difference of this size`;

const toldJudged = (n: number): string => `${counted(n, 'held-out prompt')} with a reward`;

/** What the change was measured on: all that are held out, or those of them that have a reward before and after. */
export function toldOn(was: Estimate, is: Estimate, heldOut: number): string {
  const all = counted(heldOut, 'held-out prompt');
  if (was.n === heldOut && is.n === heldOut) return `on ${all}`;
  return `on ${all}, of which ${was.n === is.n ? is.n : `${was.n}, then ${is.n},`} had a reward`;
}

/**
 * That a run hardly changed its model, in a sentence: what else its numbers say is noise then. Where the reward changed all
 * the same, as of answers of one token, it moved far enough.
 * @param o.kl nats a completion to the model as it was, at the end, by an estimate that is never below 0
 * @param o.learningRate that it was trained with, and the weight of the KL
 */
export function toldStill(o: {
  kl: number;
  learningRate: number;
  klCoef: number;
  was: Estimate;
  is: Estimate;
}): string | undefined {
  if (!(o.kl < still) || isApart(o.was, o.is)) return undefined;
  const held = o.klCoef > 0 ? `, or a smaller --kl-coef than ${o.klCoef}` : '';
  return `The model hardly moved, ${figure(o.kl)} nats a completion from where it began: try a larger --learning-rate than ${o.learningRate}${held}`;
}

/**
 * That a run went far on a reward that may be hacked, in a sentence.
 * @param o.kl nats a completion to the model as it was
 * @param o.rewards their names, as in metrics
 * @param o.watched whether a monitor looked on
 */
export function toldDistance(o: { kl: number; rewards: readonly string[]; watched: boolean }): string | undefined {
  if (!(o.kl > far) || o.watched || o.rewards.every((name) => truths.includes(name))) return undefined;
  return `The model went ${figure(o.kl)} nats a completion from where it began, where a reward may rise by being hacked: read what it writes, hold it with a higher --kl-coef, or let a second reward watch (--monitor)`;
}

/**
 * Nats a completion to the model as it was, at the end of a run's log; NaN without one: `kl` of the last step, and `still`,
 * the mean of the last ten by k3, which has less noise where it is small.
 */
export async function lastKl(folder: string): Promise<{ kl: number; still: number }> {
  const rows = await readMetrics(folder);
  const kl = rows.at(-1)?.kl;
  const last = rows.slice(-10).flatMap(({ klK3 }) => (typeof klK3 === 'number' ? [klK3] : []));
  return {
    kl: typeof kl === 'number' ? kl : Number.NaN,
    still: last.length === 0 ? Number.NaN : last.reduce((sum, x) => sum + x, 0) / last.length,
  };
}

/** A KL as a reader takes it: its estimate may come out below 0 where it is too small to be told from 0. */
export const klFigure = (kl: number): string => (kl < 0 ? '≈ 0' : figure(kl));
