/**
 * Muon (Jordan et al. 2024) as torch.optim.Muon does it: the momentum of a matrix is made orthogonal before it is
 * applied, so that all directions learn at one rate. Embeddings, heads, norms and biases go by AdamW.
 *   b ← μ b + (1 − μ) g;  u = Nesterov ? g + μ(b − g) : b;  p ← p(1 − lr·λ) − lr·s·orthogonal(u)
 * One difference: PyTorch iterates in bfloat16, we in the precision of the scope (float32 by default).
 */
import { add, clone, div, matMul, maximum, mul, norm, sub, type Tensor, tidy, transpose } from '@tensorflow/tfjs-core';
import type { Params } from '../tree/params.ts';
import { adamUpdate } from './adam.ts';
import { decayed, lerp, momentOf } from './composed.ts';
import { checkUpdate, type Leaf, leafCache, slot, trainedLeaves, zeroStep, zerosLike } from './leaves.ts';
import type { Optimizer } from './optimizer.ts';
import { type MuonOptions, optimizerDefaults } from './options.ts';

export function muon(options: Omit<MuonOptions, 'name'> = {}): Optimizer {
  const defaults = optimizerDefaults.muon;
  const all: Required<MuonOptions> = { ...defaults, ...options, others: { ...defaults.others, ...options.others } };
  const others = { ...defaults.others, ...all.others };
  const isMatrix = (leaf: Leaf): boolean => leaf.parameter.rank === 2 && all.matrices(leaf.path, leaf.parameter.shape);
  const matrixLeaves = leafCache(all, (leaves) => leaves.filter(isMatrix));
  const otherLeaves = leafCache({ groups: all.groups, weightDecay: others.weightDecay }, (leaves) =>
    leaves
      .filter((leaf) => !isMatrix(leaf))
      .map((leaf) => ({ ...leaf, learningRateScale: leaf.learningRateScale * others.learningRateScale })),
  );

  return {
    options: all,
    init(params: Params) {
      const leaves = trainedLeaves(params, all);
      const rest = leaves.filter((leaf) => !isMatrix(leaf));
      return { momentum: zerosLike(leaves.filter(isMatrix)), m: zerosLike(rest), v: zerosLike(rest), step: zeroStep() };
    },
    update(params, grads, state, learningRate, o = {}) {
      checkUpdate(state, learningRate);
      tidy(() => {
        for (const leaf of matrixLeaves(params)) {
          const moment = momentOf(leaf, grads, state, learningRate, o, state.step);
          const b = slot(state, 'momentum', leaf);
          b.assign(lerp(b, moment.gradient, 1 - all.momentum));
          const direction = all.nesterov ? lerp(moment.gradient, b, all.momentum) : b;
          const update = mul(orthogonalize(direction, all.iterations), updateScale(leaf, all.updateScale));
          leaf.parameter.assign(sub(decayed(moment), mul(update, moment.rate)));
        }
        const rest = otherLeaves(params);
        // the counter belongs to AdamW's bias correction; it counts without it too
        if (rest.length > 0) adamUpdate(rest, grads, state, learningRate, o, others);
        else state.step.assign(add(state.step, 1));
      });
    },
  };
}

function updateScale({ parameter: { shape } }: Leaf, kind: 'rows' | 'rms'): number {
  const [rows, columns] = shape as [number, number];
  return kind === 'rms' ? 0.2 * Math.sqrt(Math.max(rows, columns)) : Math.sqrt(Math.max(1, rows / columns));
}

/** The quintic's coefficients: they maximise the slope at 0, and leave singular values within about 0.7 … 1.2. */
const [a, b, c] = [3.4445, -4.775, 2.0315];

/**
 * U Vᵀ of a matrix's singular value decomposition U S Vᵀ, approximately, by Newton–Schulz iterations:
 *   X ← aX + (bA + cA²)X with A = X Xᵀ, from X = G/‖G‖
 * @param matrix `[M, N]`
 * @returns `[M, N]`; the caller disposes it
 */
export function orthogonalize(matrix: Tensor, iterations = 5): Tensor {
  return tidy(() => {
    const [rows, columns] = matrix.shape as [number, number];
    // the Gram matrix is taken on the shorter side
    let x = rows > columns ? transpose(matrix) : matrix;
    x = div(x, maximum(norm(x), 1e-7));
    for (let i = 0; i < iterations; i++) {
      const gram = matMul(x, x, false, true);
      x = add(mul(x, a), matMul(add(mul(gram, b), mul(matMul(gram, gram), c)), x));
    }
    return rows > columns ? transpose(x) : clone(x);
  });
}
