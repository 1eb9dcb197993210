/** A reward of how near a number is to where it should be (DeepMind Control Suite, arXiv 1801.00690, section 2). */
import { checkKnown, checkName, checkOption } from '@gimbal/tensor-core';

/** Falls from 1 at 0; `s` makes it `v` at 1. */
type Shape = { scale(v: number): number; at(x: number): number };

const shapes = {
  gaussian: { scale: (v) => Math.sqrt(-2 * Math.log(v)), at: (x) => Math.exp(-0.5 * x * x) },
  hyperbolic: { scale: (v) => Math.acosh(1 / v), at: (x) => 1 / Math.cosh(x) },
  'long-tail': { scale: (v) => Math.sqrt(1 / v - 1), at: (x) => 1 / (x * x + 1) },
  reciprocal: { scale: (v) => 1 / v - 1, at: (x) => 1 / (x + 1) },
  cosine: { scale: (v) => Math.acos(2 * v - 1) / Math.PI, at: (x) => (x < 1 ? (1 + Math.cos(Math.PI * x)) / 2 : 0) },
  linear: { scale: (v) => 1 - v, at: (x) => Math.max(1 - x, 0) },
  quadratic: { scale: (v) => Math.sqrt(1 - v), at: (x) => Math.max(1 - x * x, 0) },
} as const satisfies { [name: string]: Shape };

/** Those that reach 0 may be 0 at the margin, the others only come near it. */
const reachZero = ['cosine', 'linear', 'quadratic'];

/** Where a number should be, and how the reward falls outside. */
export interface ToleranceOptions {
  /** where it is 1; default exactly 0 */
  bounds?: readonly [low: number, high: number];
  /** distance from the bounds at which it is `valueAtMargin`; 0 (the default): it is 0 outside */
  margin?: number;
  /** default 'gaussian' */
  shape?: keyof typeof shapes;
  /** default .1 */
  valueAtMargin?: number;
}

/**
 * 1 where `x` is within bounds, and less the farther it is outside.
 * @returns a number in [0, 1]; NaN for NaN
 * @throws ConfigError for options that make no sense
 * @example tolerance(height, { bounds: [1.2, Infinity], margin: 0.3 }) // stand up
 */
export function tolerance(x: number, o: ToleranceOptions = {}): number {
  const { bounds: [low, high] = [0, 0], margin = 0, shape = 'gaussian', valueAtMargin = 0.1 } = o;
  checkKnown('tolerance', o, ['bounds', 'margin', 'shape', 'valueAtMargin']);
  checkOption('tolerance.bounds', o.bounds, low <= high, 'two numbers in order');
  checkOption('tolerance.margin', margin, margin >= 0 && margin < Number.POSITIVE_INFINITY, 'a finite number from 0');
  checkName('tolerance.shape', shape, Object.keys(shapes));
  const least = reachZero.includes(shape) ? valueAtMargin >= 0 : valueAtMargin > 0;
  const wanted = `a number ${reachZero.includes(shape) ? 'from' : 'above'} 0, below 1`;
  checkOption('tolerance.valueAtMargin', valueAtMargin, least && valueAtMargin < 1, wanted);
  if (Number.isNaN(x)) return x;
  const outside = x < low ? low - x : x > high ? x - high : 0;
  if (outside === 0) return 1;
  if (margin === 0) return 0;
  const { scale, at } = shapes[shape];
  return at((outside / margin) * scale(valueAtMargin));
}
