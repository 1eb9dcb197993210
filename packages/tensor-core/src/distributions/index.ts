export { type Categorical, categorical } from './categorical.ts';
export { type DiagonalGaussian, diagonalGaussian, type GaussianParameters } from './diagonal-gaussian.ts';
export type { Distribution } from './distribution.ts';
export { type SquashedGaussian, squashedGaussian } from './squashed-gaussian.ts';
