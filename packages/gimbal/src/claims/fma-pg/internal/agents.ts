// What the sampled claims share: training runs, and means over seeds with their intervals.
import { bootstrapInterval, type OnPolicyAgent } from '@gimbal/fma-pg';
import { rng, StoppedError } from '@gimbal/tensor-core';

export const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Bootstrap interval over seeds; the value itself where there is one. */
export const intervalOf = (values: readonly number[]): readonly [number, number] =>
  bootstrapInterval(values, meanOf, rng(0).split('claims.interval'));

export interface TrainingRun {
  /** mean return of the last fifth of the episodes */
  lastFifth: number;
  /** mean return of the episodes of the first `early` steps; NaN where none ended */
  first: number;
  /** largest mean KL(p_t ‖ p) of an update, at its end */
  mostKl: number;
}

/** Trains to the end; a signal stops it between two updates. */
export async function trainOut(
  agent: OnPolicyAgent,
  steps: number,
  signal: AbortSignal,
  early = 0,
): Promise<TrainingRun> {
  const episodes: { count: number; mean: number }[] = [];
  const first = { count: 0, sum: 0 };
  let mostKl = 0;
  for await (const m of agent.train({ steps, signal })) {
    if (m.episodes > 0) episodes.push({ count: m.episodes, mean: m.episodeReturn });
    if (m.episodes > 0 && m.step <= early) {
      first.count += m.episodes;
      first.sum += m.episodes * m.episodeReturn;
    }
    mostKl = Math.max(mostKl, m.finalKl);
  }
  if (signal.aborted)
    throw new StoppedError({ where: 'gimbal reproduce fma-pg', what: 'stopped while an agent was trained' });
  const total = episodes.reduce((n, e) => n + e.count, 0);
  let [left, sum, weight] = [total / 5, 0, 0];
  for (const { count, mean } of episodes.reverse()) {
    const used = Math.min(left, count);
    sum += used * mean;
    weight += used;
    left -= used;
  }
  return { lastFifth: sum / weight, first: first.sum / first.count, mostKl };
}
