/**
 * Gymnasium's basic spaces as plain data (a discriminated union): sampling, membership and flattening are functions
 * of control-envs, so that agents can read shapes and bounds without importing environments.
 */
export type Space = BoxSpace | DiscreteSpace | MultiDiscreteSpace | MultiBinarySpace | TupleSpace | DictSpace;

/** Numbers in an array, each within bounds. */
export interface BoxSpace {
  readonly kind: 'box';
  /** of the array */
  readonly shape: readonly number[];
  /** of its elements */
  readonly dtype: 'float32' | 'float64' | 'uint8';
  /** one bound per element, row-major; -Infinity and Infinity = unbounded */
  readonly low: Float64Array;
  /** one bound per element, like `low` */
  readonly high: Float64Array;
}

/** Integers start … start + n − 1. */
export interface DiscreteSpace {
  readonly kind: 'discrete';
  /** how many integers, ≥ 1 */
  readonly n: number;
  /** default 0 */
  readonly start?: number;
}

/** Several integers, each from 0. */
export interface MultiDiscreteSpace {
  readonly kind: 'multi-discrete';
  /** number of values of each component */
  readonly nvec: readonly number[];
}

/** An array of zeros and ones. */
export interface MultiBinarySpace {
  readonly kind: 'multi-binary';
  /** of the array */
  readonly shape: readonly number[];
}

/** Several spaces in order. */
export interface TupleSpace {
  readonly kind: 'tuple';
  /** in the order of the observation's parts */
  readonly spaces: readonly Space[];
}

/** Several spaces by name. */
export interface DictSpace {
  readonly kind: 'dict';
  /** by the names of the observation's parts */
  readonly spaces: { readonly [key: string]: Space };
}
