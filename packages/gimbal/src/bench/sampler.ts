// Interleaved timing: ours, theirs, ours, theirs … and the median of each side, so that a slow minute of the machine
// falls on both.

/** Does `calls` runs of the work and waits for the last one's result. */
export type Work = (calls: number) => void | Promise<void>;

export interface Contender {
  /** Seconds that `calls` runs take together. */
  seconds(calls: number): Promise<number>;
}

export interface Timing {
  /** seconds a call, median over the rounds */
  median: number;
  /** of all rounds, sorted */
  samples: readonly number[];
}

export interface SamplerOptions {
  /** rounds at least; more while there is time */
  rounds?: number;
  /** seconds one round of one contender should take at least: many calls where one is short */
  roundSeconds?: number;
  /** seconds in all, after which no further round begins */
  budgetSeconds?: number;
  /**
   * seconds that each contender runs before anything counts, whatever the effort above 0 (0: until a round is long enough): long
   * workloads run few times in a round, and compilers at run time want to have seen them more often
   */
  warmSeconds?: number;
}

export class Sampler {
  /**
   * @param effort 0…1: the share of rounds and seconds that is spent; at 0 each contender runs once, cold
   * @param signal ends `interleave` at its next round, with the signal's reason
   */
  constructor(
    private readonly effort = 1,
    private readonly signal?: AbortSignal,
  ) {}

  /**
   * Time contenders in turn.
   * @returns a timing for each, in their order
   */
  async interleave(contenders: readonly Contender[], o: SamplerOptions = {}): Promise<Timing[]> {
    if (this.effort === 0) return await once(contenders, this.signal);
    const rounds = Math.max(3, Math.round((o.rounds ?? 9) * this.effort));
    const roundSeconds = (o.roundSeconds ?? 0.2) * this.effort;
    const budget = (o.budgetSeconds ?? 60) * this.effort;
    const calls = await warm(contenders, roundSeconds, o.warmSeconds ?? 0);
    const samples: number[][] = contenders.map(() => []);
    const began = performance.now();
    for (let round = 0; round < rounds; round++) {
      this.signal?.throwIfAborted();
      // the order turns, so that no side always runs on what the other left in the caches
      for (let i = 0; i < contenders.length; i++) {
        const which = (i + round) % contenders.length;
        const n = calls[which] as number;
        const contender = contenders[which] as Contender;
        // not counted: meanwhile the other side's threads stop spinning and this side's data come back to the caches
        await contender.seconds(Math.ceil(n / 8));
        samples[which]?.push((await contender.seconds(n)) / n);
      }
      if (round >= 2 && (performance.now() - began) / 1000 > budget) break;
    }
    return samples.map((list) => {
      const sorted = list.sort((a, b) => a - b);
      return { median: median(sorted), samples: sorted };
    });
  }
}

/** Whether they work at all, in as little time as there can be. */
async function once(contenders: readonly Contender[], signal?: AbortSignal): Promise<Timing[]> {
  const timings: Timing[] = [];
  for (const contender of contenders) {
    signal?.throwIfAborted();
    const seconds = await contender.seconds(1);
    timings.push({ median: seconds, samples: [seconds] });
  }
  return timings;
}

/** Run each until it is warm, and count how many calls fill a round. */
async function warm(contenders: readonly Contender[], roundSeconds: number, warmSeconds: number): Promise<number[]> {
  const calls: number[] = [];
  for (const contender of contenders) {
    let n = 1;
    let seconds = await contender.seconds(1);
    seconds = Math.min(seconds, await contender.seconds(1));
    // grow until a round is long enough; the clock is too coarse to trust one short call
    while (seconds < roundSeconds && n < 1 << 22) {
      const grow = seconds <= 0 ? 10 : Math.min(10, (1.2 * roundSeconds) / seconds);
      n = Math.ceil(n * Math.max(grow, 1.2));
      seconds = await contender.seconds(n);
    }
    calls.push(n);
    for (let spent = 0; spent < warmSeconds; ) spent += await contender.seconds(n);
  }
  return calls;
}

/** Of sorted numbers. */
export function median(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/**
 * Our side: work in this process.
 * @param finish waits for what the backend still has to compute
 */
export function ours(work: Work, finish: () => void = () => {}): Contender {
  return {
    async seconds(calls) {
      const began = performance.now();
      const pending = work(calls);
      if (pending) await pending;
      finish();
      return (performance.now() - began) / 1000;
    },
  };
}
