// Sees a policy fool its reward: a second reward that is never optimised falls, answers become short or empty, or the
// policy moves too far.
import {
  type Alert,
  ConfigError,
  checkedRewards,
  checkKnown,
  DataError,
  type Monitor,
  optionNames,
  type RewardFn,
} from '@gimbal/tensor-core';

/** When the monitor speaks. */
export interface HackingMonitorOptions {
  /** A reward that the policy is not trained on: another judge, a larger model, an oracle. */
  control: RewardFn;
  /** Looks in a row at which the control reward may stand below its best before the run is to stop. */
  patience: number;
  /**
   * How far below its best counts as below, in standard errors of the difference of the two means, √(e² + e_best²) (3). The
   * best of many looks is partly luck: with 2 a control that stays as it is counts as fallen sooner or later.
   */
  tolerance?: number;
  /** Least mean length of answers, in words, as a share of the first look's (no bound). */
  minLengthRatio?: number;
  /** Largest share of empty answers, in [0, 1] (no bound). */
  maxEmptyRate?: number;
  /** Largest KL, of what `kl` says (no bound). */
  maxKl?: number;
  /** The KL as it is now; the trainer's last step knows it. */
  kl?: () => number;
  /** Only look at each so many steps (1). */
  every?: number;
  /** What was seen before, of a run that is gone on with (nothing). */
  earlier?: readonly HackingLook[];
}

/** What a look saw. */
export interface HackingLook {
  /** Updates done. */
  readonly step: number;
  /** Mean control reward of the answers it judges; NaN where it abstains from all. */
  readonly control: number;
  /** Mean length in words. */
  readonly length: number;
  /** Share of answers without a word. */
  readonly emptyRate: number;
  /**
   * Standard error of `control`; NaN (in a file: null) where it judges fewer than two answers, whose error nobody knows: such
   * a look is neither the best nor below it. A look that was kept without one counts as exact.
   */
  readonly error?: number;
}

/** A monitor that remembers what it saw. */
export interface HackingMonitor extends Monitor {
  /** Every look so far. */
  readonly looks: readonly HackingLook[];
  /** The look with the highest control reward: the step to go back to. */
  readonly best: HackingLook | undefined;
}

/**
 * Makes a monitor for one run.
 * @throws ConfigError for options that are unknown, missing, without effect or out of range. Its `check`
 * throws DataError without answers, for another number of prompts, or a KL that is no number
 */
export function hackingMonitor(o: HackingMonitorOptions): HackingMonitor {
  checkOptions(o);
  const { control, patience, tolerance = 3, minLengthRatio = 0, maxEmptyRate = 1, maxKl, kl, every = 1 } = o;
  const looks: HackingLook[] = [...(o.earlier ?? [])];
  let best: HackingLook | undefined;
  let below = 0;
  /** Counts a look; returns how low its control may be, NaN where that is not known. */
  const count = (look: HackingLook): number => {
    const error = errorOf(look);
    // a look without a judgement, or with a single one, is neither below the best nor back at it
    if (Number.isNaN(error)) return Number.NaN;
    if (look.control > (best?.control ?? Number.NEGATIVE_INFINITY)) best = look;
    if (best === undefined) return Number.NaN;
    const limit = best.control - tolerance * Math.hypot(error, errorOf(best));
    if (look.control < limit) below++;
    else if (look.control >= limit) below = 0;
    return limit;
  };
  for (const look of looks) count(look);
  return {
    looks,
    get best() {
      return best;
    },
    async check(step, prompts, completions) {
      if (looks.length > 0 && step % every !== 0) return [];
      if (completions.length === 0) {
        throw new DataError({ where: `hackingMonitor, step ${step}`, what: 'there are no answers to look at' });
      }
      if (prompts.length !== completions.length) {
        const what = 'prompts and answers differ in number';
        const [got, wanted] = [completions.length, prompts.length];
        throw new DataError({ where: `hackingMonitor, step ${step}`, what, got, wanted });
      }
      const look = await lookAt(control, step, prompts, completions);
      looks.push(look);
      const limit = count(look);
      const alerts: Alert[] = [];
      const alert = (message: string, value: number, limit: number): void => {
        alerts.push({ monitor: 'hacking', step, message, value, limit, stop: true });
      };
      if (best !== undefined && look.control < limit && below >= patience) {
        const from = `${best.control.toFixed(3)} (step ${best.step})`;
        alert(`the control reward fell from ${from} to ${look.control.toFixed(3)}`, look.control, limit);
      }
      const shortest = (looks[0] as HackingLook).length * minLengthRatio;
      if (look.length < shortest) {
        const message = `answers have ${look.length.toFixed(1)} words, ${shortest.toFixed(1)} is the least`;
        alert(message, look.length, shortest);
      }
      if (look.emptyRate > maxEmptyRate) {
        alert(`${(100 * look.emptyRate).toFixed(0)} % of answers are empty`, look.emptyRate, maxEmptyRate);
      }
      const far = kl?.();
      if (far !== undefined && typeof far !== 'number') {
        throw new DataError({ where: `hackingMonitor.kl, step ${step}`, what: 'no number', got: far, wanted: 'nats' });
      }
      // a KL that is no number is as far as one can be
      if (far !== undefined && maxKl !== undefined && !(far <= maxKl)) {
        alert(`the policy is ${Number.isNaN(far) ? 'NaN' : far.toFixed(2)} nats from its start`, far, maxKl);
      }
      return alerts;
    },
  };
}

async function lookAt(
  control: RewardFn,
  step: number,
  prompts: readonly string[],
  completions: readonly string[],
): Promise<HackingLook> {
  const scores = (await checkedRewards('control', control, prompts, completions)).filter((r) => r !== null);
  const mean = scores.reduce((a, b) => a + b, 0) / scores.length;
  // of one answer, or none, 0/0: nobody knows
  const spread = scores.reduce((a, r) => a + (r - mean) ** 2, 0) / (scores.length - 1);
  const lengths = completions.map((text) => text.split(/\s+/).filter((word) => word !== '').length);
  return {
    step,
    control: mean,
    length: lengths.reduce((a, b) => a + b, 0) / lengths.length,
    emptyRate: lengths.filter((n) => n === 0).length / lengths.length,
    error: Math.sqrt(spread / scores.length),
  };
}

/** NaN where it is not known: also of a look from a file, whose NaN is null, and of one that judged nothing. */
function errorOf({ control, error = 0 }: HackingLook): number {
  return control === null || Number.isNaN(control) || error === null ? Number.NaN : error;
}

const monitorNames = optionNames<HackingMonitorOptions>({
  control: true,
  patience: true,
  tolerance: true,
  minLengthRatio: true,
  maxEmptyRate: true,
  maxKl: true,
  kl: true,
  every: true,
  earlier: true,
});

function checkOptions(o: HackingMonitorOptions): void {
  checkKnown('hackingMonitor', o, monitorNames);
  const check = (name: keyof HackingMonitorOptions, good: (x: number) => boolean, wanted: string): void => {
    const got = o[name] as number | undefined;
    if (got === undefined ? name !== 'patience' : good(got)) return;
    throw new ConfigError({ where: `hackingMonitor.${name}`, what: 'out of range', got, wanted });
  };
  if (typeof o.control !== 'function') {
    const wanted = 'a reward that the policy is not trained on';
    throw new ConfigError({ where: 'hackingMonitor.control', what: 'no function', got: typeof o.control, wanted });
  }
  const isCount = (x: number): boolean => Number.isSafeInteger(x) && x >= 1;
  check('patience', isCount, 'a whole number ≥ 1');
  check('every', isCount, 'a whole number ≥ 1');
  check('tolerance', (x) => x >= 0, 'a number ≥ 0');
  check('minLengthRatio', (x) => x > 0 && x <= 1, 'a number above 0, at most 1');
  check('maxEmptyRate', (x) => x >= 0 && x <= 1, 'a number from 0 to 1');
  check('maxKl', (x) => x > 0, 'a number > 0');
  if (o.maxKl === undefined && o.kl !== undefined) {
    const fix = 'Give maxKl, the most it may be';
    throw new ConfigError({ where: 'hackingMonitor.kl', what: 'it has no effect', fix });
  }
  if (o.maxKl !== undefined && o.kl === undefined) {
    const fix = 'Give kl: () => the KL of the trainer’s last step';
    throw new ConfigError({ where: 'hackingMonitor.maxKl', what: 'nothing says what the KL is', fix });
  }
}
