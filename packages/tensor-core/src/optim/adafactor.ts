/**
 * Adafactor (Shazeer & Stern 2018) as torch.optim.Adafactor does it: for matrices the second moment is kept as the
 * means of its rows and columns, so the state is n + m instead of n·m numbers. There is no first moment; the step is
 * relative to the parameter's own root mean square.
 *   ρ = min(lr, 1/√t);  α = max(ε, rms(p))·ρ;  1 − β₂ = t^beta2Decay
 *   R ← R + (1−β₂)(mean_col g² − R);  C likewise over rows;  V = R C / mean(R)
 *   u = g/√V;  p ← p − α·u / max(1, rms(u)/clipThreshold)
 */
import {
  div,
  matMul,
  maximum,
  mean,
  minimum,
  mul,
  pow,
  rsqrt,
  sqrt,
  square,
  sub,
  type Tensor,
} from '@tensorflow/tfjs-core';
import { composed, decayed, lerp } from './composed.ts';
import { type Leaf, slot, zerosLike } from './leaves.ts';
import type { Optimizer } from './optimizer.ts';
import { type AdafactorOptions, optimizerDefaults } from './options.ts';

/** ε₁ of the paper, as PyTorch sets it: the float32 machine epsilon. */
const smallest = 2 ** -23;

export function adafactor(options: Omit<AdafactorOptions, 'name'> = {}): Optimizer {
  const all: Required<AdafactorOptions> = { ...optimizerDefaults.adafactor, ...options };
  return composed({
    options: all,
    branches(leaves) {
      const matrices = leaves.filter(isMatrix);
      return {
        rows: zerosLike(matrices, ({ parameter: { shape } }) => [...shape.slice(0, -1), 1]),
        columns: zerosLike(matrices, ({ parameter: { shape } }) => [...shape.slice(0, -2), 1, shape.at(-1) as number]),
        v: zerosLike(leaves.filter((leaf) => !isMatrix(leaf))),
      };
    },
    apply(moment) {
      const { leaf, gradient, state, rate, step } = moment;
      const { parameter } = leaf;
      const share = pow(step, all.beta2Decay);
      const alpha = mul(maximum(rms(parameter), all.epsilon), minimum(rate, rsqrt(step)));

      let variance: Tensor;
      const squared = square(gradient);
      if (isMatrix(leaf)) {
        const rows = slot(state, 'rows', leaf);
        const columns = slot(state, 'columns', leaf);
        rows.assign(lerp(rows, mean(squared, -1, true), share));
        columns.assign(lerp(columns, mean(squared, -2, true), share));
        variance = div(matMul(rows, columns), maximum(mean(rows, -2, true), smallest));
      } else {
        const v = slot(state, 'v', leaf);
        v.assign(lerp(v, squared, share));
        variance = v;
      }

      const update = mul(rsqrt(maximum(variance, smallest ** 2)), gradient);
      const tooLong = maximum(div(rms(update), all.clipThreshold), 1);
      parameter.assign(sub(decayed(moment), mul(update, div(alpha, tooLong))));
    },
  });
}

const isMatrix = ({ parameter }: Leaf): boolean => parameter.rank > 1;
const rms = (x: Tensor): Tensor => sqrt(mean(square(x)));
