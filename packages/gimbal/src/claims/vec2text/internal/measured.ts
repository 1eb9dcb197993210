// Verdicts over seeds: every gate is asked of every seed.
import type { Measures } from '@gimbal/vec2text';
import type { ClaimContext, Measurement } from '../../../reproduce/claim.ts';
import { verdict } from '../../../reproduce/verdict.ts';
import { measuresOf, type Training } from './experiment.ts';

/** Measures of one seed, by objective. */
export type BySeed = Readonly<Record<string, Measures>>;

/** Measures of every objective on every seed. */
export async function measureAll(
  objectives: readonly Training['objective'][],
  c: ClaimContext,
  o: Omit<Training, 'objective' | 'seed'> = {},
): Promise<BySeed[]> {
  const all: BySeed[] = [];
  for (const seed of c.seeds) {
    const found: Record<string, Measures> = {};
    for (const objective of objectives) found[objective] = await measuresOf({ ...o, objective, seed }, c);
    all.push(found);
  }
  return all;
}

/** A number of one seed's measures. @throws TypeError naming a measure that there is none of */
export function valueIn(found: BySeed, objective: string, name: string): number {
  const measure = found[objective]?.[name];
  if (measure === undefined) throw new TypeError(`no measure ${name} of ${objective}`);
  return measure.value;
}

/** Gates, each asked of every seed. */
export class Gates<Found> {
  readonly #seeds: readonly number[];
  readonly #found: readonly Found[];
  readonly #parts: string[] = [];
  readonly #conditions: Record<string, boolean> = {};
  #first: number[] | undefined;

  constructor(seeds: readonly number[], found: readonly Found[]) {
    this.#seeds = seeds;
    this.#found = found;
  }

  /** A number of each seed, with the gate it has to pass, if any. */
  number(name: string, f: (found: Found) => number, gate?: { least?: number; most?: number }): this {
    const values = this.#found.map(f);
    this.#first ??= values;
    this.#parts.push(`${name} ${values.map(short).join(' ')}`);
    values.forEach((x, i) => {
      const seed = `seed ${this.#seeds[i]}`;
      if (gate?.least !== undefined) this.#conditions[`${name} ≥ ${gate.least}, ${seed}`] = x >= gate.least;
      if (gate?.most !== undefined) this.#conditions[`${name} ≤ ${gate.most}, ${seed}`] = x <= gate.most;
    });
    return this;
  }

  /** The verdict, `reported` where gates are not calibrated yet; the interval is that of the first number's mean. */
  result(o: { reported?: boolean } = {}): Measurement {
    const found = verdict(this.#parts.join('; '), this.#first ?? [], this.#conditions);
    return o.reported ? { ...found, verdict: 'reported' } : found;
  }
}

/** With three digits, without a leading zero. */
export const short = (x: number): string =>
  x
    .toFixed(3)
    .replace(/^(-?)0\./, '$1.')
    .replace('-', '−');
