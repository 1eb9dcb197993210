// What the four measures share: the rows they are computed on, the oracles they ask, values with their intervals.

import { bootstrapMean } from '@gimbal/language-models';
import { optionNames, type Rng } from '@gimbal/tensor-core';
import { checkKnown } from '../internal/check-names.ts';
import { refusal } from '../internal/refuse.ts';
import type { Vec2Text } from '../model/module.ts';
import { checkSize, checkThat } from '../space/check-size.ts';
import { checkedOracles, type Oracles } from './oracles.ts';

/** A number and how far it is known. */
export interface Measure {
  /** Of all rows. */
  readonly value: number;
  /** 95 %, by resampling the rows, or by leaving each out once. */
  readonly ci: readonly [low: number, high: number];
  /** Rows it was computed from. */
  readonly n: number;
}

/** A held-out sentence; its meaning should not occur in training. */
export interface MeasuredRow {
  /** The sentence. */
  readonly text: string;
  /** The same meaning in other words. */
  readonly paraphrase?: string | undefined;
  /** Another meaning in the same words but one. */
  readonly edit?: string | undefined;
  /** Measured apart, too: a length, a topic, a source that training had none of. */
  readonly group?: string | undefined;
}

/** How to measure. */
export interface MeasureOptions<M> extends Oracles<M> {
  /** Of noise, priors, samples and intervals. */
  seed: number;
  /** σ of noise in root mean squares of the codes ([.25, .5, .75, 1]). */
  scales?: readonly number[];
  /** Codes drawn from each prior (of the empirical one at most the rows), pairs interpolated, and the like (1000). */
  samples?: number;
  /** Mean log-probability of a token of each text under a model of its own, for `lmScore`. */
  lm?: (texts: readonly string[]) => Promise<ArrayLike<number>>;
  /** Draws of each interval (300). */
  resamples?: number;
  /** Stops between two passes of the model, with a StoppedError. */
  signal?: AbortSignal;
}

const names = optionNames<MeasureOptions<unknown>>({
  ...{ valid: true, sem: true, agree: true, slots: true, seed: true, scales: true, samples: true, lm: true },
  ...{ resamples: true, signal: true },
});

/**
 * Refuses options that are none, or out of range; what the oracles answer is looked at where they are asked.
 * @returns them, with oracles that refuse answers which are none
 * @throws ConfigError (`CONFIG`)
 */
export function checkMeasureOptions<M>(where: string, o: MeasureOptions<M>): MeasureOptions<M> {
  checkKnown(where, o, names);
  for (const name of ['valid', 'sem', 'agree'] as const)
    checkThat(`${where}.${name}`, typeof o[name] === 'function', typeof o[name], 'a function');
  const { scales = [], samples = 2, resamples = 1 } = o;
  checkThat(
    `${where}.scales`,
    Array.isArray(scales) && scales.every((x) => Number.isFinite(x) && x > 0),
    scales,
    'numbers > 0',
  );
  checkSize(`${where}.samples`, samples, 2);
  checkSize(`${where}.resamples`, resamples);
  return { ...o, ...checkedOracles(where, o) };
}

/** What of the options is for the model. */
export const passing = ({ signal }: { signal?: AbortSignal }): { signal?: AbortSignal } => (signal ? { signal } : {});

/** The measures of one property, by name. */
export type Measures = Record<string, Measure>;

/** Measures one property of a model on held-out rows. */
export type Measurer = <M>(model: Vec2Text, rows: readonly MeasuredRow[], o: MeasureOptions<M>) => Promise<Measures>;

/** @throws DataError (`TOO_FEW`) */
export function checkRows(where: string, rows: readonly unknown[]): void {
  if (rows.length >= 2) return;
  throw refusal('TOO_FEW', { where: `vec2text: ${where}`, what: 'too few rows', got: rows.length, wanted: '≥ 2' });
}

/** Makes measures of lists of numbers, one a row. */
export class Intervals {
  readonly #rng: Rng;
  readonly #samples: number;

  constructor(rng: Rng, samples = 300) {
    this.#rng = rng;
    this.#samples = samples;
  }

  /** The mean of one number a row; booleans count 1 and 0. */
  mean(name: string, values: readonly (number | boolean)[]): Measure {
    checkRows(name, values);
    return this.of(values.length, bootstrapMean(values.map(Number), this.options(name)));
  }

  /** What `bootstrap` gave of n rows. */
  of(n: number, { estimate, low, high }: { estimate: number; low: number; high: number }): Measure {
    return { value: estimate, ci: [low, high], n };
  }

  /** Of a bootstrap of its own stream. */
  options(name: string, samples = this.#samples): { samples: number; rng: Rng } {
    return { samples, rng: this.#rng.split(name) };
  }
}

/** Equal meaning; texts without one have none in common. */
export const meansSame = <M>(o: Oracles<M>, a: M | undefined, b: M | undefined): boolean => shared(o, a, b) === 1;

/**
 * Share of what two texts' meanings have in common; 0 where one has none.
 * @throws NumericalError (`NOT_FINITE`) for an agreement that is no share
 */
export function shared<M>(o: Oracles<M>, a: M | undefined, b: M | undefined): number {
  if (a === undefined || b === undefined) return 0;
  const share = o.agree(a, b);
  if (share >= 0 && share <= 1 + 1e-6) return Math.min(1, share); // a cosine may be rounded
  const what = `of ${JSON.stringify(a)} and ${JSON.stringify(b)}`;
  throw refusal('NOT_FINITE', { where: 'vec2text: agree', what, got: share, wanted: 'a number from 0 to 1' });
}

/** A meaning as a text, to count different ones. */
export const keyOf = <M>(o: Oracles<M>, meaning: M): string => JSON.stringify(o.slots?.(meaning) ?? meaning);
