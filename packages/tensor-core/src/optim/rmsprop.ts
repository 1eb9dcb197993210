/**
 * RMSProp (Tieleman & Hinton 2012, lecture 6.5 of "Neural Networks for Machine Learning"), not centred, in two forms that
 * are not equal: ε stands outside the root or inside, and the mean of squares begins at 0 or at 1.
 *   g ← g + λ p;  v ← ρ v + (1 − ρ) g²
 *   'pytorch':    u = g / (√v + ε), v₀ = 0:  torch.optim.RMSprop; the first step is lr/√(1 − ρ) whatever the gradient
 *   'tensorflow': u = g / √(v + ε), v₀ = 1:  Stable-Baselines3's RMSpropTFLike
 *   p ← p − lr·u, or with momentum b ← μ b + u;  p ← p − lr·b
 */
import { add, div, mul, sqrt, square, sub } from '@tensorflow/tfjs-core';
import { checkName } from '../options/checks.ts';
import { composed, lerp } from './composed.ts';
import { filledLike, slot, zerosLike } from './leaves.ts';
import type { Optimizer } from './optimizer.ts';
import { optimizerDefaults, type RmspropOptions } from './options.ts';

export function rmsprop(options: Omit<RmspropOptions, 'name'> = {}): Optimizer {
  const all: Required<RmspropOptions> = { ...optimizerDefaults.rmsprop, ...options };
  const { decay, epsilon, momentum, form } = all;
  checkName('optimizer.form', form, ['pytorch', 'tensorflow']);
  const isInside = form === 'tensorflow';
  return composed({
    options: all,
    branches: (leaves) => ({
      v: filledLike(leaves, isInside ? 1 : 0),
      ...(momentum > 0 && { momentum: zerosLike(leaves) }),
    }),
    apply({ leaf, gradient, state, rate }) {
      const { parameter, weightDecay } = leaf;
      const g = weightDecay === 0 ? gradient : add(gradient, mul(parameter, weightDecay));
      const v = slot(state, 'v', leaf);
      v.assign(lerp(v, square(g), 1 - decay));
      const update = div(g, isInside ? sqrt(add(v, epsilon)) : add(sqrt(v), epsilon));
      if (momentum === 0) {
        parameter.assign(sub(parameter, mul(update, rate)));
        return;
      }
      const buffer = slot(state, 'momentum', leaf);
      buffer.assign(add(mul(buffer, momentum), update));
      parameter.assign(sub(parameter, mul(buffer, rate)));
    },
  });
}
