// The flags of gimbal control train and eval, each with what --help says of it.
import { z } from 'zod';
import { tabularOptions } from './tabular-flags.ts';

/** Options of training and evaluation, beside `env` and `steps`. */
export const trainingOptions = {
  algo: z
    .string()
    .default('ppo')
    .describe(
      'the algorithm. Options without a default here have its own, on some environments others: a run’s settings.json has them all. One of ppo, ppo-kl, sppo, smdpo, spma, mdpo, trpo, npg, a2c, reinforce, sac, td3, dqn, mdpo-off-policy; on tables smdpo, mdpo, trpo, npg, ppo, sppo, reinforce, cpi, mpo',
    ),
  numEnvs: z.int().min(1).optional().describe('copies of the environment'),
  rollout: z.int().min(1).optional().describe('steps of every copy per update (on-policy)'),
  epochs: z.int().min(1).optional().describe('passes over a rollout (on-policy)'),
  minibatches: z.int().min(1).optional().describe('parts of a rollout (on-policy)'),
  batchSize: z.int().min(1).optional().describe('rows of an update (off-policy)'),
  gamma: z.number().min(0).max(1).optional().describe('discount'),
  gaeLambda: z.number().min(0).max(1).optional().describe('λ of the advantages (on-policy)'),
  learningRate: z.number().positive().optional().describe('constant learning rate (default: the algorithm’s own)'),
  finalLearningRate: z.number().min(0).optional().describe('the learning rate goes there in a straight line'),
  optimizer: z
    .enum(['adam', 'adamw', 'rmsprop', 'sgd', 'lion', 'adafactor'])
    .optional()
    .describe(
      'what takes the gradient steps, of trpo and npg those of the value function (on-policy; default adam, a2c rmsprop)',
    ),
  entropyCoef: z.number().min(0).optional().describe('weight of the entropy (on-policy)'),
  finalEntropyCoef: z.number().min(0).optional().describe('that weight goes there in a straight line (on-policy)'),
  valueCoef: z
    .number()
    .min(0)
    .optional()
    .describe(
      'weight of the value function’s error, ½ its mean square (on-policy): 1 is Stable-Baselines3’s vf_coef 0.5',
    ),
  targetKl: z
    .number()
    .positive()
    .optional()
    .describe('ends an update where KL(p_t ‖ p_θ) of a minibatch is beyond 1.5 times this (on-policy)'),
  maxGradNorm: z.number().positive().optional().describe('clips the norm of the gradients'),
  normalize: z
    .array(z.enum(['obs', 'reward', 'none']))
    .optional()
    .describe('what is brought to spread 1: obs,reward or none (on-policy)'),
  learningStarts: z.int().min(1).optional().describe('steps of random actions before the first update (off-policy)'),
  trainEvery: z.int().min(1).optional().describe('steps between updates (off-policy)'),
  updates: z.int().min(1).optional().describe('updates each time (off-policy)'),
  capacity: z
    .int()
    .min(1)
    .optional()
    .describe('transitions that are remembered (off-policy; default 1000000, dqn 100000)'),
  nStep: z.int().min(1).optional().describe('rewards summed over so many steps (off-policy; default 1, dqn 5)'),
  prioritized: z.boolean().default(false).describe('replays in proportion to the error (off-policy)'),
  priorityAlpha: z.number().min(0).max(1).optional().describe('power of the error (--prioritized; default 0.6)'),
  priorityBeta: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('how much of the bias is taken out at the start (--prioritized; default 0.4)'),
  tau: z
    .number()
    .positive()
    .max(1)
    .optional()
    .describe('share of the way that targets go (off-policy; default 0.005, dqn 1)'),
  temperature: z
    .number()
    .positive()
    .optional()
    .describe('weight of the entropy (sac: at the start, default 1; mdpo-off-policy: default 0.2)'),
  learnAlpha: z.boolean().default(true).describe('learn the temperature (sac)'),
  targetEntropy: z.number().optional().describe('entropy that the temperature is learnt for (sac; default −actions)'),
  explorationNoise: z.number().min(0).optional().describe('spread of what is added to actions (td3; default 0.1)'),
  targetNoise: z
    .number()
    .positive()
    .optional()
    .describe('spread of what is added to the target’s actions (td3; default 0.2)'),
  targetNoiseClip: z.number().positive().optional().describe('largest such addition (td3; default 0.5)'),
  policyDelay: z.int().min(1).optional().describe('updates of the critics for one of the policy (td3; default 2)'),
  initialExploration: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('share of random actions at the start (dqn; default 1)'),
  finalExploration: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('share of random actions at the end (dqn; default 0.04)'),
  explorationFraction: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('share of the run in which it falls there (dqn; default 0.16)'),
  double: z.boolean().default(true).describe('use the double estimator (dqn)'),
  targetEvery: z
    .int()
    .min(1)
    .optional()
    .describe(
      'steps between copies of the target (dqn; default 10), or of the older policy (mdpo-off-policy; default 1000)',
    ),
  proximal: z.number().positive().optional().describe('weight of the older policy (mdpo-off-policy; default 1)'),
  her: z
    .enum(['future', 'final', 'geometric'])
    .optional()
    .describe('hindsight: replays with goals that were reached later (off-policy, environments with goals)'),
  herFraction: z.number().min(0).max(1).optional().describe('share of the rows that --her changes (default 0.8)'),
  hidden: z.array(z.int().min(1)).optional().describe('widths of the hidden layers'),
  recurrent: z.enum(['gru', 'lstm']).optional().describe('a memory in policy and value function (on-policy)'),
  memorySize: z.int().min(1).optional().describe('width of that memory (--recurrent; default 64)'),
  memorySequence: z
    .int()
    .min(1)
    .optional()
    .describe('steps that gradients go back through (--recurrent; default: the largest part of a rollout up to 32)'),
  eta: z
    .number()
    .positive()
    .optional()
    .describe(
      'step size of the surrogate’s KL: KL(p_θ ‖ p_t) of mdpo, KL(p_t ‖ p_θ) of smdpo and spma (default 1, of mdpo falling to 0.001; tables: 1)',
    ),
  clipEpsilon: z
    .number()
    .positive()
    .optional()
    .describe(
      'half-width of the clip, the same over the run (ppo, sppo; default 0.2, of ppo on CartPole-v1 falling to 0)',
    ),
  pessimistic: z.boolean().default(true).describe('take the minimum with the unclipped term (sppo)'),
  negativeWeight: z
    .enum(['clamp', 'keep', 'error'])
    .optional()
    .describe('advantages below −1/η: raised to it, kept, or an error (smdpo; default clamp)'),
  clipEpsilonHigh: z
    .number()
    .positive()
    .optional()
    .describe(
      'how far the ratio may rise above 1, if not as far as it falls (ppo; below stays --clip-epsilon, or the algorithm’s own)',
    ),
  klEstimator: z
    .enum(['analytic', 'k1', 'k3'])
    .optional()
    .describe('how the KL is estimated (smdpo; default analytic)'),
  adaptiveKl: z
    .number()
    .positive()
    .optional()
    .describe('KL(p_t ‖ p_θ) of an update that the penalty is adapted to (ppo-kl; default 0.01)'),
  klPenalty: z.number().positive().optional().describe('that penalty at the start (ppo-kl; default 1)'),
  surrogate: z
    .enum(['ratio', 'mpo'])
    .optional()
    .describe('a surrogate that no algorithm is named after, in place of its own (ppo, a2c, reinforce)'),
  weightTemperature: z
    .number()
    .positive()
    .optional()
    .describe('λ of the weights exp(advantage/λ) (--surrogate mpo; default 1)'),
  adaptiveRate: z
    .number()
    .positive()
    .optional()
    .describe('adapt the learning rate to this KL(p_t ‖ p_θ) of an update (on-policy)'),
  minLearningRate: z.number().positive().optional().describe('least such rate (--adaptive-rate; default 1e-5)'),
  maxLearningRate: z.number().positive().optional().describe('largest such rate (--adaptive-rate; default 1e-2)'),
  trustRegion: z.number().positive().optional().describe('δ, KL(p_t ‖ p_θ) of a step (trpo, npg; default 0.01)'),
  cgIterations: z.int().min(1).optional().describe('iterations of conjugate gradients (trpo, npg; default 15)'),
  damping: z.number().positive().optional().describe('added to the Fisher matrix (trpo, npg; default 0.1)'),
  shrink: z.number().gt(0).lt(1).optional().describe('what the line search shortens a step by (trpo; default 0.8)'),
  backtracks: z.int().min(1).optional().describe('how often it does at most (trpo; default 10)'),
  criticEpochs: z
    .int()
    .min(1)
    .optional()
    .describe('passes of the value function’s own, beside the policy’s (on-policy)'),
  criticBatchSize: z
    .int()
    .min(1)
    .optional()
    .describe('rows of a step in those passes (default: the algorithm’s own, else 64)'),
  criticLearningRate: z
    .number()
    .positive()
    .optional()
    .describe('learning rate of those passes (default: the algorithm’s own, else --learning-rate)'),
  returns: z.enum(['gae', 'vtrace']).optional().describe('how advantages are estimated (on-policy; default gae)'),
  normalizeAdvantage: z
    .enum(['minibatch', 'batch', 'none'])
    .optional()
    .describe('over what advantages are brought to mean 0 and spread 1 (on-policy; default: the algorithm’s own)'),
  valueClip: z
    .number()
    .positive()
    .optional()
    .describe('how far V may move from its old value (on-policy; default: the algorithm’s own)'),
  discountedStateWeights: z.boolean().default(false).describe('weigh step t of an episode by γ^t (on-policy)'),
  activation: z.enum(['tanh', 'relu']).optional().describe('of the hidden layers (on-policy; default tanh)'),
  initialLogStd: z.number().optional().describe('log of the first spread of actions (on-policy; default 0)'),
  criticObs: z
    .array(z.string())
    .optional()
    .describe('keys of the observation that only the value function sees (on-policy)'),
  innerGuard: z
    .enum(['off', 'warn', 'restore'])
    .optional()
    .describe('go back where a pass lowered the surrogate (on-policy; default off)'),
  evalEvery: z.int().min(1).optional().describe('evaluate each so many steps and keep the best'),
  evalEpisodes: z.int().min(1).optional().describe('episodes of an evaluation during training (default 10)'),
  checkpointEvery: z.int().min(1).optional().describe('save each so many steps'),
  logEvery: z.int().min(1).optional().describe('a line of the log each so many steps (off-policy; default 1000)'),
  keepCheckpoints: z.int().min(1).optional().describe('latest checkpoints that stay, beside the best (default 1)'),
  ...tabularOptions,
  episodes: z.int().min(1).default(20).describe('eval, and after training: episodes to play'),
  maxSteps: z
    .int()
    .min(1)
    .optional()
    .describe('eval: an episode is cut after so many (default 10000, or the environment’s own limit if longer)'),
  stochastic: z
    .boolean()
    .default(false)
    .describe('eval, record, view: draw actions instead of taking the most probable'),
  which: z.enum(['best', 'latest']).default('latest').describe('eval, record, view: which checkpoint'),
};
