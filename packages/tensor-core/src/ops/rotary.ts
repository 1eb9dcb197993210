// Rotary position embedding (Su et al. 2021) in Llama's half-split form: within each head of width D, the pair
// (x[i], x[i + D/2]) turns by the angle position · θ^(−2i/D). Angles are rounded to float32 as PyTorch's models do.

import {
  add,
  concat,
  cos,
  mul,
  neg,
  range,
  reshape,
  sin,
  slice,
  sub,
  type Tensor,
  tensor1d,
} from '@tensorflow/tfjs-core';
import { ShapeError } from '../errors.ts';
import { requireOptions } from '../options/checks.ts';
import { checkDtype, checkName, checkNumber, checkRank, checkShape } from './internal/check.ts';
import { defineFusedOp, runFused1 } from './internal/fused-op.ts';
import { defineKernel, present, runKernel1 } from './internal/kernel.ts';

/** How frequencies are stretched for contexts longer than the model was trained on. */
export type RotaryScaling =
  /** all frequencies divided by `factor` */
  | { type: 'linear'; factor: number }
  | {
      /** Llama 3.1's: low frequencies divided by `factor`, high ones kept, those between interpolated. */
      type: 'llama3';
      /** How many times longer the context becomes. */
      factor: number;
      /** Pairs that turn fewer times than this over the original context are divided. */
      lowFrequencyFactor: number;
      /** Pairs that turn more often than this are kept. */
      highFrequencyFactor: number;
      /** The original context, in tokens. */
      originalMaxPositions: number;
    }
  | {
      /**
       * YaRN's (arXiv 2309.00071): pairs that turn seldom are divided by `factor`, those that turn often kept, with a ramp
       * between `betaSlow` and `betaFast` turns. Queries and keys are also to be multiplied by `attentionFactor`: that is
       * the caller's, who has it in attention's scale at no cost.
       */
      type: 'yarn';
      /** How many times longer the context becomes. */
      factor: number;
      /** Pairs that turn more often than this over the original context are kept; the paper has 32. */
      betaFast: number;
      /** Pairs that turn fewer times than this are divided; the paper has 1. */
      betaSlow: number;
      /** What the caller multiplies queries and keys by; the paper has 0.1 ln factor + 1. */
      attentionFactor: number;
      /** The original context, in tokens. */
      originalMaxPositions: number;
    };

export type RotaryAttributes = { heads: number; offset: number; frequencies: readonly number[]; inverse: boolean };

/** The D/2 angular frequencies of a head, in radians per position. */
function rotaryFrequencies(headDim: number, theta: number, scaling?: RotaryScaling): number[] {
  if (scaling?.type === 'yarn') return yarnFrequencies(headDim, theta, scaling);
  return Array.from({ length: headDim / 2 }, (_, i) => {
    const f = theta ** ((-2 * i) / headDim);
    if (scaling === undefined) return Math.fround(f);
    if (scaling.type === 'linear') return Math.fround(f / scaling.factor);
    const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalMaxPositions: length } = scaling;
    // turns that the pair makes over the original context
    const turns = (length * f) / (2 * Math.PI);
    const smooth = Math.min(1, Math.max(0, (turns - low) / (high - low)));
    return Math.fround((1 - smooth) * (f / factor) + smooth * f);
  });
}

function yarnFrequencies(headDim: number, theta: number, s: RotaryScaling & { type: 'yarn' }): number[] {
  // the pair that makes so many turns over the original context
  const pairOf = (turns: number): number =>
    (headDim * Math.log(s.originalMaxPositions / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const low = Math.max(Math.floor(pairOf(s.betaFast)), 0);
  const high = Math.min(Math.ceil(pairOf(s.betaSlow)), headDim - 1);
  return Array.from({ length: headDim / 2 }, (_, i) => {
    const f = theta ** ((-2 * i) / headDim);
    const ramp = Math.min(1, Math.max(0, (i - low) / (high === low ? 0.001 : high - low)));
    return Math.fround((1 - ramp) * f + ramp * (f / s.factor));
  });
}

function compose(inputs: { [name: string]: Tensor }, a: RotaryAttributes): Tensor[] {
  const { x, positions } = inputs as { x: Tensor; positions?: Tensor };
  const [batch, time, width] = x.shape as [number, number, number];
  const half = width / a.heads / 2;
  const p = positions === undefined ? range(a.offset, a.offset + time, 1) : add(positions, a.offset);
  const angles = mul(reshape(p, [-1, time, 1]), reshape(tensor1d([...a.frequencies]), [1, 1, half])); // [B|1, T, D/2]
  const c = reshape(cos(angles), [-1, time, 1, half]);
  const plain = reshape(sin(angles), [-1, time, 1, half]);
  const s = a.inverse ? neg(plain) : plain;
  const x4 = reshape(x, [batch, time, a.heads, 2 * half]);
  const first = slice(x4, [0, 0, 0, 0], [-1, -1, -1, half]);
  const second = slice(x4, [0, 0, 0, half], [-1, -1, -1, half]);
  const y = concat([sub(mul(first, c), mul(second, s)), add(mul(second, c), mul(first, s))], 3);
  return [reshape(y, x.shape)];
}

const rotaryGrad = defineKernel<RotaryAttributes>('RotaryGrad', compose);

const rotaryOp = defineFusedOp<RotaryAttributes>({
  name: 'Rotary',
  compose,
  saveInputs: ['positions'],
  // the gradient of a rotation is the rotation back
  gradient: ({ dys, inputs, attributes }) => ({
    x: () => runKernel1(rotaryGrad, { x: dys[0] as Tensor, ...inputs }, { ...attributes, inverse: true }),
  }),
});

/** How positions turn the pairs of a head. */
export interface RotaryOptions {
  /** Heads in the last dimension, ≥ 1. */
  heads: number;
  /** Base of the frequencies; default 10000. */
  theta?: number;
  /** [B,T] int32; default 0, 1, 2, … in every row. */
  positions?: Tensor | undefined;
  /** Added to every position; default 0. */
  offset?: number;
  /** Stretches the frequencies for longer contexts. Default none. */
  scaling?: RotaryScaling | undefined;
}

/**
 * Rotary position embedding.
 * @param x [B,T,H·D], float32, D even
 * @returns x's shape; the caller disposes it
 * @throws ShapeError where x does not divide into heads of even width or positions are not [B,T]
 */
export function rotary<T extends Tensor>(x: T, o: RotaryOptions): T {
  requireOptions('rotary', o);
  const { heads, theta = 10000, positions, offset = 0, scaling } = o;
  checkDtype('rotary', 'x', x, 'float32');
  checkRank('rotary', 'x', x, [3], '[B,T,H·D]');
  checkNumber('rotary', 'heads', heads, Number.isInteger(heads) && heads > 0, 'a whole number > 0');
  checkNumber('rotary', 'theta', theta, theta > 0, 'a number > 0');
  const [batch, time, width] = x.shape as [number, number, number];
  if (width % (2 * heads) !== 0)
    throw new ShapeError({
      where: 'rotary',
      what: `x does not divide into ${heads} heads of even width`,
      got: x.shape,
      wanted: `a last axis that is a multiple of ${2 * heads}`,
    });
  if (positions !== undefined) {
    checkDtype('rotary', 'positions', positions, 'int32');
    checkShape('rotary', 'positions', positions, [batch, time]);
  }
  if (scaling !== undefined) {
    checkName('rotary', 'scaling.type', scaling.type, ['linear', 'llama3', 'yarn']);
    checkNumber('rotary', 'scaling.factor', scaling.factor, scaling.factor > 0, 'a number > 0');
  }
  const frequencies = rotaryFrequencies(width / heads, theta, scaling);
  return runFused1(rotaryOp, present({ x, positions }), { heads, offset, frequencies, inverse: false }) as T;
}
