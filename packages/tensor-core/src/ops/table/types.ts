// The form of the op table: what each public op is tried with, and what must come out.

import type { Tensor } from '@tensorflow/tfjs-core';

/** An array of float64 numbers with a shape: what the reference implementations compute with. */
export interface Nd {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export interface Sample {
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32';
  readonly data: Float64Array;
}

export interface OpCase {
  /** What is special about it, after the op's name. */
  title: string;
  inputs: { [name: string]: Sample };
  /** Calls the public op. */
  run: (inputs: { [name: string]: Tensor }) => Tensor | Tensor[];
  /** Inputs whose gradients are checked. */
  differentiable?: readonly string[];
  /** The same in float64, written independently of the compositions. */
  reference: (inputs: { [name: string]: Nd }) => Nd[];
  /** Largest error of outputs, relative to the largest value (at least 1). Default 2e-5. */
  tolerance?: number;
  /** Largest error of a gradient along a random direction, relative to its size (at least 1). Default 2e-4. */
  gradientTolerance?: number;
}

export interface OpError {
  title: string;
  run: () => unknown;
  code: 'ERR_SHAPE' | 'ERR_CONFIG';
  message: string;
}

export interface OpRow {
  /** The name under which the op is exported. */
  name: string;
  cases: readonly OpCase[];
  errors: readonly OpError[];
}
