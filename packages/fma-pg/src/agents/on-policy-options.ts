/** Options of on-policy agents: what they are, their defaults, and what of them a checkpoint holds. */
import type { Env, OptimizerOptions, Params, Rng, VectorEnv } from '@gimbal/tensor-core';
import type { Scalar } from '@tensorflow/tfjs-core';
import type { Anneal } from '../internal/anneal.ts';
import type { RecurrentOptions } from '../policies/recurrent.ts';
import type { Surrogate } from '../surrogates/surrogate.ts';
import type { AdaptiveRate } from './adaptive.ts';

/** Where an agent acts: a function that makes one environment (called `numEnvs` times), or many at once. */
export type EnvSource = (() => Env | Promise<Env>) | VectorEnv;

/** Transitions as hooks see them; the arrays are copies. */
export interface TransitionBatch {
  /** number of transitions; steps in which a copy was only reset are none */
  rows: number;
  /** `[rows·O]`, normalised as the policy sees them */
  obs: Float32Array;
  /**
   * on policy as they were sampled, in the environment's units and not clipped; off policy as they are remembered: a box as
   * −1 … 1 of its range; choices count from 0 `[rows·action]`
   */
  actions: Float32Array;
  /** the true next observation, also where an episode ended `[rows·O]` */
  nextObs: Float32Array;
  /** as the environment gave them, never normalised; to further losses, as the reward source where there is one `[rows]` */
  rewards: Float32Array;
  /** `[rows]`, 0 or 1 */
  terminated: Uint8Array;
  /** `[rows]`, 0 or 1 */
  truncated: Uint8Array;
}

/** Replaces rewards: called once per rollout, or per sampled batch where the agent is off-policy. */
export interface RewardSource {
  /** The rewards to learn from `[rows]`; `normalize.reward` scales them. */
  reward(batch: TransitionBatch): Float32Array;
}

/** A further loss with parameters and an optimiser of its own, trained on the same data. */
export interface AuxLoss {
  /** in messages and metrics */
  name: string;
  /** variables; the caller owns them */
  params: Params;
  /** default 3e-4 */
  learningRate?: number;
  /** The loss of a batch, to be minimised. */
  loss(params: Params, batch: TransitionBatch, rng: Rng): Scalar;
}

/** What every agent is given: where it acts, how it is built, where it is kept. */
export interface AgentOptions {
  /** where it acts */
  env: EnvSource;
  /** default 1; not with a VectorEnv */
  numEnvs?: number;
  /** default .99 */
  gamma?: number;
  /** widths of the hidden layers of policy and value; default 64, 64 */
  hidden?: readonly number[];
  /** of the hidden layers; default tanh */
  activation?: 'tanh' | 'relu';
  /** evaluate each so many environment steps, on environments of their own */
  evalEvery?: number;
  /** default 10 */
  evalEpisodes?: number;
  /** where to evaluate; default the function given as `env`. Called once more before training, to look at its spaces */
  evalEnv?: () => Env | Promise<Env>;
  /** save each so many environment steps; needs `out` */
  checkpointEvery?: number;
  /** how many of the latest checkpoints stay, beside the best; default 1 */
  keepCheckpoints?: number;
  /** folder of the run: metrics.jsonl, TensorBoard events, checkpoints (the latest and the best evaluated) */
  out?: string;
  /** told what a run should not pass over in silence; default console.warn */
  warn?: (message: string) => void;
  /** replaces the environment's rewards */
  rewardSource?: RewardSource;
  /** further losses on the same data */
  auxLosses?: readonly AuxLoss[];
  /** keys of a dictionary observation that only the value function sees */
  criticObs?: readonly string[];
  /** of every random stream: first weights, actions, batches, environments */
  seed: number;
}

/** What an on-policy agent is given. */
export interface OnPolicyOptions extends AgentOptions {
  /** name in messages and files; default 'on-policy' */
  algorithm?: string;
  /** default ppoClip, with `adaptiveKl` ppoKl */
  surrogate?: Surrogate;
  /** how the policy is updated: minibatch gradient steps, or one natural-gradient step with or without a line search */
  method?: 'gradient' | 'trpo' | 'npg';
  /** T, steps of every copy per update; default 128 */
  rollout?: number;
  /** passes over a rollout; default 4 */
  epochs?: number;
  /** parts that a rollout is split into; default 4 */
  minibatches?: number;
  /** default .95 */
  gaeLambda?: number;
  /** 'gae' (default); 'vtrace' re-weighs each epoch with the policy as it is by then */
  returns?: 'gae' | 'vtrace';
  /** default 3e-4 */
  learningRate?: Anneal;
  /** default Adam with ε 1e-5; a critic trained apart has one of its own, with the same options */
  optimizer?: OptimizerOptions;
  /** default .5 */
  maxGradNorm?: number;
  /** default 0 */
  entropyCoef?: Anneal;
  /** of ½ mean (V − return)²; default .5 */
  valueCoef?: number;
  /** V stays within so much of its old value: the larger of the two losses counts; default off */
  valueClip?: number;
  /** default 'minibatch' */
  normalizeAdvantage?: 'minibatch' | 'batch' | false;
  /**
   * end the inner loop at the first minibatch whose mean KL(p_t ‖ p_θ) is above 1.5 times this: its step is not taken (as
   * Stable-Baselines3)
   */
  targetKl?: number;
  /** PPO-KL: the penalty is halved below target/1.5 and doubled above 1.5·target, after each update */
  adaptiveKl?: { target: number; initial?: number };
  /**
   * the learning rate by the KL of an update: divided by 1.5 above twice `kl`, multiplied below half of it, within min
   * (1e-5) … max (1e-2); default off
   */
  adaptiveRate?: AdaptiveRate;
  /**
   * look at the surrogate on the whole batch after each pass: where it is lower than before the first, 'restore' goes
   * back to the last pass that was good and ends the update, 'warn' says so (to `warn`, once) and counts; default 'off'
   */
  innerGuard?: 'off' | 'warn' | 'restore';
  /** the value function's own passes, beside the policy's: what TRPO and MDPO do */
  critic?: { epochs: number; batchSize: number; learningRate?: number };
  /** of 'trpo' and 'npg' */
  trustRegion?: { delta?: number; cgIterations?: number; damping?: number; shrink?: number; backtracks?: number };
  /** weigh entries by γ^t, which makes the gradient that of J; default false, as everywhere */
  discountedStateWeights?: boolean;
  /** observations to mean 0 and spread 1, rewards by the spread of the running return; default neither */
  normalize?: { obs?: boolean; reward?: boolean };
  /** default 0 */
  initialLogStd?: number;
  /** a memory (GRU or LSTM) in policy and value function, 0 at the start of each episode; default none */
  recurrent?: RecurrentOptions;
}

/** What is used for options that are not given. */
export const onPolicyDefaults = {
  algorithm: 'on-policy',
  numEnvs: 1,
  gamma: 0.99,
  hidden: [64, 64],
  activation: 'tanh',
  evalEpisodes: 10,
  method: 'gradient',
  rollout: 128,
  epochs: 4,
  minibatches: 4,
  gaeLambda: 0.95,
  returns: 'gae',
  learningRate: 3e-4,
  optimizer: { name: 'adam', epsilon: 1e-5 },
  maxGradNorm: 0.5,
  entropyCoef: 0,
  valueCoef: 0.5,
  normalizeAdvantage: 'minibatch',
  innerGuard: 'off',
  discountedStateWeights: false,
  initialLogStd: 0,
} as const satisfies Partial<OnPolicyOptions>;

export type ResolvedOnPolicy = Omit<OnPolicyOptions, keyof typeof onPolicyDefaults | 'surrogate' | 'normalize'> &
  Required<Pick<OnPolicyOptions, keyof typeof onPolicyDefaults | 'surrogate'>> & {
    normalize: { obs: boolean; reward: boolean };
    trustRegion: Required<NonNullable<OnPolicyOptions['trustRegion']>>;
  };

/** Options of every agent that have no default. */
export const furtherOfAgents = [
  'env',
  'evalEvery',
  'evalEnv',
  'checkpointEvery',
  'keepCheckpoints',
  'out',
  'rewardSource',
  'seed',
  'warn',
] as const satisfies readonly (keyof AgentOptions)[];

const notSaved = new Set([
  'env',
  'evalEnv',
  'out',
  'rewardSource',
  'auxLosses',
  'evalEvery',
  'evalEpisodes',
  'checkpointEvery',
  'keepCheckpoints',
  'surrogate',
  'warn',
]);

/** What decides the numbers of a run, as JSON. */
export function savedOptions(o: object): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(o)) {
    if (notSaved.has(key)) continue;
    kept[key] = typeof value === 'function' ? 'function' : value;
  }
  return kept;
}
