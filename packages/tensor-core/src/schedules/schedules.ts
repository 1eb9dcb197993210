/**
 * Learning-rate schedules: functions of the step, which counts from 0. Those with `steps` reach their final value at
 * the run's last update (step = steps − 1) and keep it after that.
 */
import type { Schedule } from '../contracts/schedule.ts';
import { ConfigError } from '../errors.ts';
import { requireOptions } from '../options/checks.ts';

/** A schedule as a function. */
export type StepFunction = (step: number) => number;

/** The value of a schedule at a step, counted from 0. */
export function scheduleAt(schedule: Schedule, step: number): number {
  return typeof schedule === 'number' ? schedule : schedule(step);
}

/** A rise, then a decay. */
export interface DecayOptions {
  /** the value after warm-up */
  peak: number;
  /** length of the run in updates, warm-up included */
  steps: number;
  /** rises linearly over so many updates: peak/warmup at step 0, peak at step warmup − 1; default 0 */
  warmup?: number;
  /** the value at the end; default 0 */
  final?: number;
}

/** The same value for ever. */
export function constant(value: number): StepFunction {
  rate('constant', value);
  return () => value;
}

/** Linear warm-up, then the peak for ever. */
export function warmup(o: { peak: number; warmup: number }): StepFunction {
  requireOptions('warmup', o);
  rate('warmup.peak', o.peak);
  count('warmup.warmup', o.warmup, 0);
  return (step) => o.peak * risen(step, o.warmup);
}

/** Linear warm-up, then a straight line to `final`. */
export function linear(o: DecayOptions): StepFunction {
  return decaying('linear', o, (share) => 1 - share);
}

/** Linear warm-up, then half a cosine to `final` (Loshchilov & Hutter 2017, without restarts). */
export function cosine(o: DecayOptions): StepFunction {
  return decaying('cosine', o, (share) => 0.5 * (1 + Math.cos(Math.PI * share)));
}

/**
 * Warm-up, stable, decay (Hu et al. 2024): the peak until the last `decay` updates, then down to `final`.
 * @param o.decay number of updates at the end; default a tenth of the run
 * @param o.shape of the way down: 'linear' (default), or 'sqrt', 1 − √share (Hägele et al. 2024)
 */
export function wsd(o: DecayOptions & { decay?: number; shape?: 'linear' | 'sqrt' }): StepFunction {
  requireOptions('wsd', o);
  const { peak, steps, warmup: up = 0, final = 0, shape = 'linear' } = o;
  const { decay = Math.max(1, Math.round(steps / 10)) } = o;
  checkDecay('wsd', o);
  count('wsd.decay', decay, 0);
  if (up + decay > steps) {
    throw new ConfigError({
      where: 'wsd',
      what: 'warm-up and decay are longer than the run',
      got: up + decay,
      wanted: `at most ${steps} updates`,
    });
  }
  return (step) => {
    if (step < up) return peak * risen(step, up);
    const share = decay === 0 ? 0 : clamp((step + 1 - (steps - decay)) / decay);
    return final + (peak - final) * (1 - (shape === 'sqrt' ? Math.sqrt(share) : share));
  };
}

/** Linear warm-up, then peak·√(warmup/step) for ever (Vaswani et al. 2017); needs no length of the run. */
export function inverseSqrt(o: { peak: number; warmup: number }): StepFunction {
  requireOptions('inverseSqrt', o);
  rate('inverseSqrt.peak', o.peak);
  count('inverseSqrt.warmup', o.warmup, 1);
  return (step) => o.peak * Math.min(risen(step, o.warmup), Math.sqrt(o.warmup / (step + 1)));
}

/**
 * Parts that follow each other.
 * @param parts each holds from its step `from` on and is asked with the steps counted from there; the first from 0
 * @example piecewise([{ from: 0, value: 1e-3 }, { from: 1000, value: cosine({ peak: 1e-3, steps: 500 }) }])
 */
export function piecewise(parts: readonly { from: number; value: Schedule }[]): StepFunction {
  for (const [i, { from, value }] of parts.entries()) {
    count(`piecewise[${i}].from`, from, 0);
    if (typeof value === 'number') rate(`piecewise[${i}].value`, value);
    const before = parts[i - 1]?.from ?? -1;
    if (from <= before || (i === 0 && from !== 0)) {
      throw new ConfigError({
        where: `piecewise[${i}].from`,
        what: 'the parts are not in order',
        got: from,
        wanted: i === 0 ? '0' : `more than ${before}`,
      });
    }
  }
  if (parts.length === 0) throw new ConfigError({ where: 'piecewise', what: 'no parts' });
  return (step) => {
    const part = parts.findLast(({ from }) => step >= from) ?? parts[0];
    return part === undefined ? 0 : scheduleAt(part.value, step - part.from);
  };
}

/** Warm-up, then final + (peak − final)·shape(share of the rest that is done, in (0, 1]). */
function decaying(where: string, o: DecayOptions, shape: (share: number) => number): StepFunction {
  requireOptions(where, o);
  checkDecay(where, o);
  const { peak, steps, warmup: up = 0, final = 0 } = o;
  // the peak itself is step up − 1 (or 0), and steps − 1 is the end
  const first = Math.max(up - 1, 0);
  const length = steps - 1 - first;
  return (step) => {
    if (step < up) return peak * risen(step, up);
    return final + (peak - final) * shape(length <= 0 ? 0 : clamp((step - first) / length));
  };
}

/** Share of the warm-up that is done with this update. */
const risen = (step: number, warmup: number): number => (step >= warmup ? 1 : (step + 1) / warmup);

const clamp = (x: number): number => Math.min(Math.max(x, 0), 1);

function checkDecay(where: string, o: DecayOptions): void {
  const { peak, steps, warmup: up = 0, final = 0 } = o;
  rate(`${where}.peak`, peak);
  rate(`${where}.final`, final);
  count(`${where}.steps`, steps, 1);
  count(`${where}.warmup`, up, 0);
  if (up > steps) {
    throw new ConfigError({
      where: `${where}.warmup`,
      what: 'the warm-up is longer than the run',
      got: up,
      wanted: `at most ${steps} updates`,
    });
  }
}

function rate(where: string, value: number): void {
  if (!(value >= 0 && Number.isFinite(value)))
    throw new ConfigError({ where, what: 'out of range', got: value, wanted: 'a number ≥ 0' });
}

function count(where: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least) {
    throw new ConfigError({ where, what: 'out of range', got: value, wanted: `a whole number ≥ ${least}` });
  }
}
