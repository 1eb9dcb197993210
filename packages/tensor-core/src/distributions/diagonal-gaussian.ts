import { add, broadcastTo, clone, div, exp, mul, square, sub, sum, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { ShapeError } from '../errors.ts';
import { requireOptions } from '../options/checks.ts';
import type { Distribution } from './distribution.ts';

/** What a network gives for a normal distribution. */
export interface GaussianParameters {
  /** [..., A] */
  mean: Tensor;
  /** [..., A], or [A] for one deviation in the whole batch: natural logarithm of the standard deviation. */
  logStd: Tensor;
}

/** A normal distribution of A independent numbers. */
export interface DiagonalGaussian extends Distribution, Readonly<GaussianParameters> {}

const halfLog2Pi = 0.5 * Math.log(2 * Math.PI);

/**
 * Normal distributions with independent components. A sample is mean + σ·noise: gradients flow through it.
 * @returns values are float32 [..., A]
 */
export function diagonalGaussian(parameters: GaussianParameters): DiagonalGaussian {
  requireOptions('diagonalGaussian', parameters);
  const { mean, logStd } = parameters;
  checkGaussian('diagonalGaussian', mean, logStd);
  return {
    mean,
    logStd,
    sample: (rng) => tidy(() => add(mean, mul(exp(logStd), rng.normalTensor(mean.shape)))),
    // −½((x − μ)/σ)² − log σ − ½ log 2π
    logProb: (value) =>
      tidy(() => {
        const z = div(sub(value, mean), exp(logStd));
        return sum(sub(sub(mul(square(z), -0.5), logStd), halfLog2Pi), -1);
      }),
    // ½ + ½ log 2π + log σ
    entropy: () => tidy(() => sum(add(broadcastTo(logStd, mean.shape), 0.5 + halfLog2Pi), -1)),
    // log σ₂/σ₁ + (σ₁² + (μ₁ − μ₂)²)/(2σ₂²) − ½
    kl: (other) =>
      tidy(() => {
        const logRatio = sub(logStd, other.logStd);
        const distance = square(div(sub(mean, other.mean), exp(other.logStd)));
        const variances = exp(mul(logRatio, 2));
        return sum(sub(mul(add(variances, distance), 0.5), add(logRatio, 0.5)), -1);
      }),
    mode: () => clone(mean),
  };
}

/** Refuses parameters that are no batch of distributions. */
function checkGaussian(where: string, mean: Tensor, logStd: Tensor): void {
  const width = mean.shape.at(-1);
  const fits = logStd.shape.join() === mean.shape.join() || (logStd.rank === 1 && logStd.shape[0] === width);
  if (mean.rank > 0 && fits && mean.dtype === 'float32' && logStd.dtype === 'float32') return;
  throw new ShapeError({
    where,
    what: 'mean and logStd do not fit',
    got: `mean [${mean.shape}], logStd [${logStd.shape}]`,
    wanted: 'float32 [..., A] both, or logStd [A]',
  });
}
