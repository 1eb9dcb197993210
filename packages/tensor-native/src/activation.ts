// Activations by number, as cc/activation.h has them.

export const ACTIVATION = {
  linear: 0,
  relu: 1,
  relu6: 2,
  /** x > 0 ? x : slope x */
  leakyrelu: 3,
  elu: 4,
  sigmoid: 5,
  tanh: 6,
  /** tanh form */
  gelu: 7,
  /** exact form */
  'gelu-erf': 8,
  silu: 9,
  softplus: 10,
  /** leaky with a slope per column */
  prelu: 11,
} as const;

export type NativeActivation = keyof typeof ACTIVATION;
