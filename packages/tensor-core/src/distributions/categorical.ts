import {
  argMax,
  exp,
  isFinite as isFiniteTensor,
  logSoftmax,
  mul,
  neg,
  reshape,
  sub,
  sum,
  type Tensor,
  tidy,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { ShapeError } from '../errors.ts';
import { crossEntropy, sampleTokens } from '../ops/index.ts';
import type { Distribution } from './distribution.ts';

/** A distribution over K classes. */
export interface Categorical extends Distribution {
  /** [..., K] */
  readonly logits: Tensor;
}

/**
 * Distributions over K classes.
 * @param logits [..., K] float32; −∞ excludes a class (it then counts nothing in entropy and KL)
 * @returns values are int32 [...]: class numbers
 */
export function categorical(logits: Tensor): Categorical {
  if (logits.rank === 0 || logits.dtype !== 'float32') {
    throw new ShapeError({
      where: 'categorical',
      what: 'bad logits',
      got: `${logits.dtype} [${logits.shape}]`,
      wanted: 'float32 [..., K]',
    });
  }
  const batch = logits.shape.slice(0, -1);
  const rows = batch.reduce((n, d) => n * d, 1);
  return {
    logits,
    sample: (rng) =>
      tidy(() => {
        const flat = reshape(logits, [rows, logits.shape.at(-1) ?? 1]);
        return reshape(sampleTokens(flat, rng.uniformTensor([rows])).ids, batch);
      }),
    logProb: (value) => tidy(() => neg(crossEntropy(logits, value, { reduction: 'none' }))),
    entropy: () =>
      tidy(() => {
        const logP = logSoftmax(logits);
        return neg(sum(mul(exp(logP), finite(logP)), -1));
      }),
    kl: (other) =>
      tidy(() => {
        if (other.logits.shape.join() !== logits.shape.join()) {
          throw new ShapeError({
            where: 'categorical.kl',
            what: 'the shapes differ',
            got: other.logits.shape,
            wanted: logits.shape,
          });
        }
        const [logP, logQ] = [logSoftmax(logits), logSoftmax(other.logits)];
        // where p is 0 the term is 0, whatever q; where only q is 0 it is ∞
        const ratio = sub(finite(logP), where(isFiniteTensor(logP), logQ, zerosLike(logQ)));
        return sum(mul(exp(logP), ratio), -1);
      }),
    mode: () => argMax(logits, -1),
  };
}

/** −∞ replaced by 0, for products with a probability that is 0. */
const finite = (logP: Tensor): Tensor => where(isFiniteTensor(logP), logP, zerosLike(logP));
