/**
 * Stochastic gradient descent by PyTorch's formulas (torch.optim.SGD, dampening 0):
 *   g ← g + λ p;  b ← μ b + g (b = g at the first step);  p ← p − lr·b, or with Nesterov p ← p − lr·(g + μ b)
 */
import { add, mul, sub } from '@tensorflow/tfjs-core';
import { ConfigError } from '../errors.ts';
import { composed } from './composed.ts';
import { slot, zerosLike } from './leaves.ts';
import type { Optimizer } from './optimizer.ts';
import { optimizerDefaults, type SgdOptions } from './options.ts';

export function sgd(options: Omit<SgdOptions, 'name'> = {}): Optimizer {
  const all: Required<SgdOptions> = { ...optimizerDefaults.sgd, ...options };
  const { momentum, nesterov } = all;
  if (nesterov && momentum === 0) {
    throw new ConfigError({
      where: 'optimizer.nesterov',
      what: 'there is no momentum to look ahead with',
      got: momentum,
      wanted: 'momentum > 0',
    });
  }
  return composed({
    options: all,
    branches: (leaves) => (momentum === 0 ? {} : { momentum: zerosLike(leaves) }),
    apply({ leaf, gradient, state, rate }) {
      const { parameter, weightDecay } = leaf;
      const g = weightDecay === 0 ? gradient : add(gradient, mul(parameter, weightDecay));
      if (momentum === 0) {
        parameter.assign(sub(parameter, mul(g, rate)));
        return;
      }
      // from zeros the first buffer is g itself, as in PyTorch
      const buffer = slot(state, 'momentum', leaf);
      buffer.assign(add(mul(buffer, momentum), g));
      const direction = nesterov ? add(g, mul(buffer, momentum)) : buffer;
      parameter.assign(sub(parameter, mul(direction, rate)));
    },
  });
}
