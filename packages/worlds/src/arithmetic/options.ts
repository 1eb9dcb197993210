// The options of the arithmetic world.
import { WorldError } from '../errors.ts';
import { checkCount, checkKnown, checkRate } from '../internal/check.ts';

/** What the problems are like; defaults are those of the preset `chain`. */
export interface ArithmeticOptions {
  /** `chain` (default): a digit and five operations of +1, +3, −1, −3 modulo 10; the teacher is right with .9. */
  preset?: 'chain';
  /** Results are numbers of [0, modulus). */
  modulus?: number;
  /** Operations in a problem, and results in an answer. */
  steps?: number;
  /** What an operation may add. */
  operations?: readonly number[];
  /** P(the teacher writes the right result); the rest is shared by its two neighbours. */
  correct?: number;
  /** Share of a uniform distribution mixed into the teacher, for losses that take its logarithm (0). */
  smoothing?: number;
}

/** The options with every default filled in. */
export type ArithmeticSettings = Required<Omit<ArithmeticOptions, 'preset'>>;

/** Named worlds of {@link arithmetic}. */
export const arithmeticPresets = {
  chain: { modulus: 10, steps: 5, operations: [1, 3, -1, -3], correct: 0.9, smoothing: 0 },
} as const satisfies Record<string, ArithmeticSettings>;

/** @throws WorldError (`config`) for an unknown or impossible option */
export function arithmeticSettings({ preset = 'chain', ...own }: ArithmeticOptions = {}): ArithmeticSettings {
  const where = 'arithmetic';
  if (!Object.hasOwn(arithmeticPresets, preset)) {
    const wanted = Object.keys(arithmeticPresets).join(', ');
    throw new WorldError('config', { where, what: 'unknown preset', got: preset, wanted });
  }
  checkKnown(where, own, Object.keys(arithmeticPresets.chain));
  const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
  const s: ArithmeticSettings = { ...arithmeticPresets[preset], ...given };
  checkCount(where, 'modulus', s.modulus, 3);
  checkCount(where, 'steps', s.steps, 1);
  checkRate(where, 'correct', s.correct);
  checkRate(where, 'smoothing', s.smoothing);
  if (
    s.operations.length === 0 ||
    !s.operations.every(Number.isSafeInteger) ||
    new Set(s.operations).size < s.operations.length
  ) {
    throw new WorldError('config', {
      where,
      what: 'bad operations',
      got: s.operations,
      wanted: 'different whole numbers',
    });
  }
  return s;
}
