/**
 * Lion (Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", algorithm 2): the sign of an interpolated
 * momentum, so every weight moves by the learning rate. Use a third to a tenth of AdamW's rate and more weight decay.
 *   u = sign(β₁ m + (1 − β₁) g);  p ← p − lr·(u + λ p);  m ← β₂ m + (1 − β₂) g
 */
import { mul, sign, sub } from '@tensorflow/tfjs-core';
import { composed, decayed, lerp } from './composed.ts';
import { slot, zerosLike } from './leaves.ts';
import type { Optimizer } from './optimizer.ts';
import { type LionOptions, optimizerDefaults } from './options.ts';

export function lion(options: Omit<LionOptions, 'name'> = {}): Optimizer {
  const all: Required<LionOptions> = { ...optimizerDefaults.lion, ...options };
  const { beta1, beta2 } = all;
  return composed({
    options: all,
    branches: (leaves) => ({ m: zerosLike(leaves) }),
    apply(moment) {
      const { leaf, gradient, state, rate } = moment;
      const m = slot(state, 'm', leaf);
      const direction = sign(lerp(m, gradient, 1 - beta1));
      leaf.parameter.assign(sub(decayed(moment), mul(direction, rate)));
      m.assign(lerp(m, gradient, 1 - beta2));
    },
  });
}
