/**
 * AdamW (Loshchilov & Hutter 2019) and Adam (Kingma & Ba 2015) by PyTorch's formulas; the whole tree is one command
 * (ops/adamw-tree.ts has the formula). They differ in weight decay: AdamW shrinks parameters by lr·λ, Adam adds λ·p to
 * the gradient, where the second moment rescales it.
 */
import { add, mul, type Scalar, type Tensor, tidy, variable } from '@tensorflow/tfjs-core';
import { type AdamWEntry, adamWTree } from '../ops/adamw-tree.ts';
import { checkUpdate, gradientOf, type Leaf, leafCache, slot, trainedLeaves, zeroStep, zerosLike } from './leaves.ts';
import type { Optimizer, OptimizerState, UpdateOptions } from './optimizer.ts';
import { type AdamOptions, type AdamWOptions, optimizerDefaults } from './options.ts';

export function adamw(options: Omit<AdamWOptions, 'name'> = {}): Optimizer {
  return adamLike({ ...optimizerDefaults.adamw, ...options });
}

export function adam(options: Omit<AdamOptions, 'name'> = {}): Optimizer {
  return adamLike({ ...optimizerDefaults.adam, ...options });
}

function adamLike(options: Required<AdamWOptions> | Required<AdamOptions>): Optimizer {
  const leavesOf = leafCache(options);
  return {
    options,
    init(params) {
      const leaves = trainedLeaves(params, options);
      return { step: zeroStep(), m: zerosLike(leaves), v: zerosLike(leaves) };
    },
    update(params, grads, state, learningRate, o = {}) {
      checkUpdate(state, learningRate);
      tidy(() => adamUpdate(leavesOf(params), grads, state, learningRate, o, options));
    },
  };
}

interface AdamConstants {
  readonly name?: string;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/** One update of some leaves by AdamW, or by Adam where `name` says so. */
export function adamUpdate(
  leaves: readonly Leaf[],
  grads: Parameters<Optimizer['update']>[1],
  state: OptimizerState,
  learningRate: number | Scalar,
  { gradientScale }: UpdateOptions,
  { name, beta1, beta2, epsilon }: AdamConstants,
): void {
  const l2 = name === 'adam' && leaves.some((leaf) => leaf.weightDecay !== 0);
  const parts = partsOf(leaves);
  for (let i = 0; i < parts.length; i++) {
    const { scale, leaves: here } = parts[i] as Part;
    const entries = here.map((leaf): AdamWEntry => {
      const gradient = gradientOf(grads, leaf);
      return {
        parameter: leaf.parameter,
        gradient: l2 ? withL2(gradient, leaf, gradientScale) : gradient,
        m: slot(state, 'm', leaf),
        v: slot(state, 'v', leaf),
        weightDecay: name === 'adam' ? 0 : leaf.weightDecay,
      };
    });
    // each command adds one to its counter: all but the last count on a copy
    const step = i === parts.length - 1 ? state.step : variable(mul(state.step, 1), false);
    adamWTree(entries, {
      learningRate: scaled(learningRate, scale),
      step,
      beta1,
      beta2,
      epsilon,
      ...(gradientScale !== undefined && !l2 && { gradientScale }),
    });
    if (step !== state.step) step.dispose();
  }
}

interface Part {
  readonly scale: number;
  readonly leaves: readonly Leaf[];
}

/** The command knows one learning rate: leaves with another scale get a command of their own. Worked out once a tree. */
function partsOf(leaves: readonly Leaf[]): readonly Part[] {
  let parts = knownParts.get(leaves);
  if (parts === undefined) {
    const scales = [...new Set(leaves.map((leaf) => leaf.learningRateScale))];
    parts = scales.map((scale) => ({ scale, leaves: leaves.filter((leaf) => leaf.learningRateScale === scale) }));
    knownParts.set(leaves, parts);
  }
  return parts;
}

const knownParts = new WeakMap<readonly Leaf[], readonly Part[]>();

function withL2(gradient: Tensor, { parameter, weightDecay }: Leaf, gradientScale: Tensor | undefined): Tensor {
  const g = gradientScale === undefined ? gradient : mul(gradient, gradientScale);
  return weightDecay === 0 ? g : add(g, mul(parameter, weightDecay));
}

function scaled(learningRate: number | Scalar, scale: number): number | Tensor {
  if (typeof learningRate === 'number') return learningRate * scale;
  return scale === 1 ? learningRate : mul(learningRate, scale);
}
