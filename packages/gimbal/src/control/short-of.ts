// Where an exact run ended, beside the best there is.
import { counted, figure } from '../cli/format.ts';

/** What is said of a run that ends more than a hundredth below the best return, and which way it was going. */
export function shortOf(best: number, returns: readonly number[]): string[] {
  const last = returns.at(-1) as number;
  const gap = best - last;
  if (gap <= 0.01 * Math.abs(best)) return [];
  // by the change over the last tenth of the run; even that may be a plateau, of which no return says how long it is
  const window = Math.min(returns.length - 1, Math.max(2, Math.ceil(returns.length / 10)));
  const rise = last - (returns.at(-1 - window) ?? last);
  const next = (): string => {
    if (rise > 0.01 * gap) return 'was still rising: more --steps, or a larger step size, get nearer';
    if (rise < -0.01 * gap) return 'was falling: a smaller step size or another --inner may get nearer';
    return `hardly moved in its last ${counted(window, 'outer step')}, as on a plateau: more --steps, another step size or another --inner may get nearer`;
  };
  return [`It ended ${figure(gap)} short, and it ${next()}.`];
}
