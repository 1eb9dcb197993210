/**
 * Gymnasium's basic spaces as plain data (a discriminated union): sampling, membership and flattening are functions
 * of control-envs, so that agents can read shapes and bounds without importing environments.
 */
export type Space = BoxSpace | DiscreteSpace | MultiDiscreteSpace | MultiBinarySpace | TupleSpace | DictSpace;

export interface BoxSpace {
  readonly kind: 'box';
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'float64' | 'uint8';
  /** one bound per element, row-major; -Infinity and Infinity = unbounded */
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** Integers start … start + n − 1. */
export interface DiscreteSpace {
  readonly kind: 'discrete';
  readonly n: number;
  /** default 0 */
  readonly start?: number;
}

export interface MultiDiscreteSpace {
  readonly kind: 'multi-discrete';
  /** number of values of each component */
  readonly nvec: readonly number[];
}

export interface MultiBinarySpace {
  readonly kind: 'multi-binary';
  readonly shape: readonly number[];
}

export interface TupleSpace {
  readonly kind: 'tuple';
  readonly spaces: readonly Space[];
}

export interface DictSpace {
  readonly kind: 'dict';
  readonly spaces: { readonly [key: string]: Space };
}
