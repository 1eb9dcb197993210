// What a method gains over the start of all, beside what supervised KD gains: the paper's own measure.
import { mean, signed } from '../../../reproduce/verdict.ts';
import type { Student } from './measure.ts';

const of = (all: readonly Student[]): number => mean(all.map(({ score }) => score));

/**
 * @param paper the ratio there
 * @returns both gains and their ratio, which says nothing where supervised KD gains nothing
 */
export function gainText(
  { method, supervised, start }: Readonly<Record<'method' | 'supervised' | 'start', readonly Student[]>>,
  paper: string,
): string {
  const [gain, usual] = [of(method) - of(start), of(supervised) - of(start)];
  const ratio = usual > 0 ? `${(gain / usual).toFixed(1)} ×` : 'no ratio';
  return `gains over the start ${signed(gain)}, supervised KD ${signed(usual)}: ${ratio} (paper ${paper} ×)`;
}
