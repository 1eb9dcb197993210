/**
 * Agents by the names users know: options to be merged with `env` and `seed`. The numbers are the published ones of each
 * method; docs/packages/fma-pg.md says whose.
 */
import { linear } from '../internal/anneal.ts';
import { markedPresets } from '../internal/marked-presets.ts';
import { surrogates } from '../surrogates/surrogates.ts';
import type { OnPolicyOptions } from './on-policy-options.ts';

export type OnPolicyPreset = Partial<OnPolicyOptions>;

/** PPO's settings for continuous control (CleanRL's). */
const continuous: OnPolicyPreset = {
  rollout: 2048,
  minibatches: 32,
  epochs: 10,
  learningRate: linear(3e-4, 0),
  normalize: { obs: true, reward: true },
};

/** The clipped surrogate (arXiv 1707.06347). */
export const ppo = (o: OnPolicyPreset = {}): OnPolicyPreset => ({
  algorithm: 'ppo',
  ...continuous,
  surrogate: surrogates.ppoClip(),
  valueClip: 0.2,
  ...o,
});

/** The penalty form, its coefficient adapted to a KL of .01. */
export const ppoKl = (o: OnPolicyPreset = {}): OnPolicyPreset => ({
  algorithm: 'ppo-kl',
  ...continuous,
  surrogate: surrogates.ppoKl(),
  adaptiveKl: { target: 0.01 },
  ...o,
});

/** The clipped logarithm of the ratio: PPO's counterpart in the softmax form (arXiv 2108.05828). */
export const sppo = (o: OnPolicyPreset = {}): OnPolicyPreset => ({
  algorithm: 'sppo',
  ...continuous,
  surrogate: surrogates.sppo(),
  valueClip: 0.2,
  ...o,
});

/** sMDPO (arXiv 2108.05828): mirror ascent in the softmax form, Â log ρ − KL/η. */
export const smdpo = (o: OnPolicyPreset = {}): OnPolicyPreset => ({
  algorithm: 'smdpo',
  ...continuous,
  surrogate: surrogates.smdpo(),
  valueClip: 0.2,
  ...o,
});

/** SPMA (arXiv 2411.12042): sMDPO with the k3 estimate. */
export const spma = (o: OnPolicyPreset = {}): OnPolicyPreset => ({
  algorithm: 'spma',
  ...continuous,
  surrogate: surrogates.spma(),
  ...o,
});

/** Full-batch steps on ρÂ − KL/η with η from 1 to almost 0: the penalty grows, and is infinite one update after the end. */
export const mdpo = (o: OnPolicyPreset = {}): OnPolicyPreset => ({
  algorithm: 'mdpo',
  surrogate: surrogates.mdpo({ eta: linear(1, 1e-3) }),
  rollout: 2048,
  minibatches: 1,
  epochs: 10,
  learningRate: linear(3e-4, 0),
  normalizeAdvantage: 'batch',
  critic: { epochs: 5, batchSize: 128 },
  valueClip: 0.2,
  normalize: { obs: true, reward: true },
  ...o,
});

/** One natural-gradient step within a KL of .01, found by a line search (arXiv 1502.05477). */
export const trpo = (o: OnPolicyPreset = {}): OnPolicyPreset => ({
  algorithm: 'trpo',
  method: 'trpo',
  rollout: 2048,
  normalizeAdvantage: 'batch',
  trustRegion: { delta: 0.01, cgIterations: 15, damping: 0.1, shrink: 0.8, backtracks: 10 },
  critic: { epochs: 10, batchSize: 128, learningRate: 1e-3 },
  normalize: { obs: true, reward: true },
  ...o,
});

/** `trpo` without its line search. */
export const npg = (o: OnPolicyPreset = {}): OnPolicyPreset => ({ ...trpo(), algorithm: 'npg', method: 'npg', ...o });

/** One full-batch step of RMSProp on five steps of every copy (arXiv 1602.01783), as Stable-Baselines3 sets it. */
export const a2c = (o: OnPolicyPreset = {}): OnPolicyPreset => ({
  algorithm: 'a2c',
  surrogate: surrogates.reinforce(),
  rollout: 5,
  epochs: 1,
  minibatches: 1,
  gaeLambda: 1,
  learningRate: 7e-4,
  valueCoef: 1, // of half the squared error: its vf_coef .5 is of the whole
  optimizer: { name: 'rmsprop', decay: 0.99, epsilon: 1e-5 },
  normalizeAdvantage: false,
  ...o,
});

/** One step per batch on returns to go, with a value function as the baseline. */
export const reinforce = (o: OnPolicyPreset = {}): OnPolicyPreset => ({
  algorithm: 'reinforce',
  surrogate: surrogates.reinforce(),
  rollout: 512,
  epochs: 1,
  minibatches: 1,
  gaeLambda: 1,
  learningRate: 1e-3,
  normalizeAdvantage: 'batch',
  ...o,
});

/** The presets by name. */
export const onPolicyPresets = markedPresets({
  ppo,
  ppoKl,
  sppo,
  smdpo,
  spma,
  mdpo,
  trpo,
  npg,
  a2c,
  reinforce,
} as const);
