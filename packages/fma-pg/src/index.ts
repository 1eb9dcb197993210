/** @module @gimbal/fma-pg */

export type { AdaptiveRate } from './agents/adaptive.ts';
export { OnPolicyAgent, type OnPolicyStep } from './agents/on-policy-agent.ts';
export {
  type AgentOptions,
  type AuxLoss,
  type EnvSource,
  type OnPolicyOptions,
  onPolicyDefaults,
  type RewardSource,
  type TransitionBatch,
} from './agents/on-policy-options.ts';
export { a2c, mdpo, npg, onPolicyPresets, ppo, ppoKl, reinforce, smdpo, spma, sppo, trpo } from './agents/presets.ts';
export { type EvaluateOptions, type Evaluation, evaluate, type Playable } from './evaluation/evaluate.ts';
export { policyOf } from './evaluation/policy-of.ts';
export { bootstrapInterval, interquartileMean } from './evaluation/statistics.ts';
export { type Anneal, linear } from './internal/anneal.ts';
export { OffPolicyAgent, type OffPolicyStep } from './off-policy/off-policy-agent.ts';
export {
  dqn,
  mdpoOffPolicy,
  type OffPolicyOptions,
  offPolicyDefaults,
  offPolicyPresets,
  sac,
  td3,
} from './off-policy/off-policy-options.ts';
export { type ReplayBatch, ReplayBuffer, type ReplayOptions } from './replay/replay-buffer.ts';
export type {
  Aggregate,
  RatioLevel,
  Surrogate,
  SurrogateInput,
  SurrogateResult,
  SurrogateStats,
} from './surrogates/surrogate.ts';
export { type SurrogateName, surrogateDefaults, surrogates } from './surrogates/surrogates.ts';
export { type BanditRule, banditUpdate } from './tabular/bandit-updates.ts';
export { defaultFloor, hasClosedForm } from './tabular/closed-form.ts';
export type { ConstrainedInner } from './tabular/constrained.ts';
export { etaBound } from './tabular/eta-bound.ts';
export { evaluatePolicy, type PolicyValues } from './tabular/evaluate-policy.ts';
export type { ArmijoInner, FixedInner } from './tabular/inner-ascent.ts';
export { surrogateBound } from './tabular/lower-bound.ts';
export { type TabularMdp, uniformPolicy } from './tabular/mdp.ts';
export { mdps } from './tabular/mdps.ts';
export { type SurrogateOptions, type TabularMethod, tabularMethods, tabularTakes } from './tabular/methods.ts';
export { type OptimalPolicy, optimalPolicy } from './tabular/optimal-policy.ts';
export { surrogateGradient, type TabularGradient } from './tabular/surrogate-gradient.ts';
export {
  type ClosedFormInner,
  type TabularInner,
  type TabularIteration,
  type TabularOptions,
  tabularFmaPg,
} from './tabular/tabular-fma-pg.ts';
export { type BaselineOptions, baselineAdvantages } from './tokens/baselines.ts';
export { alphaToBeta, betaToAlpha, type KlRewardOptions, klRewards } from './tokens/kl-rewards.ts';
export { rolloutLogProbs } from './tokens/rollout-log-probs.ts';
export { type NamedReward, type TokenPolicyOptions, tokenDefaults } from './tokens/token-options.ts';
export { type TokenPolicyStep, TokenPolicyTrainer } from './tokens/token-policy-trainer.ts';
export { tokenPresets } from './tokens/token-presets.ts';
export type { PromptOverflow } from './tokens/token-prompts.ts';
export { type RolloutOptions, selectRows, type TokenRollout, tokenRollout } from './tokens/token-rollout.ts';
export { type AdvantageEstimate, gae, type TrajectoryBatch } from './values/gae.ts';
export { normalizeAdvantages } from './values/normalize-advantages.ts';
export { vtrace } from './values/vtrace.ts';
