/** @module @gimbal/nash-md */

export { geometricMixture, mixtureFixedPoint } from './equilibrium/mixture.ts';
export { type NashSolution, solveNashLP } from './equilibrium/nash-lp.ts';
export { type ExactOptions, type ExactSolution, solveExact } from './equilibrium/solve-exact.ts';
export { fitBradleyTerry } from './evaluation/bradley-terry.ts';
export { clopperPearson } from './evaluation/clopper-pearson.ts';
export { type CyclicShare, cyclicShare } from './evaluation/cyclic-share.ts';
export { elo } from './evaluation/elo.ts';
export { type NashAverage, nashAverage } from './evaluation/nash-average.ts';
export { type Comparison, type WinRateMatrix, winRates, winRatesFromCounts } from './evaluation/win-rates.ts';
export { type GameBatch, gameOf, stackGames } from './games/game-batch.ts';
export { preferenceGames } from './games/preference-games.ts';
export { orderBias, type PreferenceMatrix, preferenceMatrix, symmetrise } from './games/preference-matrix.ts';
export { type RegularizedGame, regularizedGame, uniformPolicy } from './games/regularized-game.ts';
export type { Contestant } from './language/contestant.ts';
export { type DpoOptions, type DpoStep, DpoTrainer, dpoDefaults } from './language/dpo/dpo-trainer.ts';
export {
  type PreferenceTokens,
  type PreferenceTokensOptions,
  preferenceTokens,
  type RowPlaces,
  type TokenPairs,
} from './language/dpo/preference-tokens.ts';
export {
  type DpoLossName,
  type DpoLossOptions,
  dnoLoss,
  dpoLoss,
  dpoLossNames,
  egpoLoss,
  inpoLoss,
  ipoLoss,
  softly,
  sppoLoss,
} from './language/losses/pair-losses.ts';
export {
  type KlEstimator,
  klEstimators,
  type PolicyGradientInput,
  type PolicyGradientTerms,
  policyGradientLoss,
} from './language/losses/policy-gradient.ts';
export { type EndTokens, endTokens } from './language/policies/end-tokens.ts';
export { type MixtureOptions, mixturePolicy } from './language/policies/mixture-policy.ts';
export { type TokenTable, tokenTable } from './language/policies/token-table.ts';
export { type Answers, type AskOptions, askPreferences, type Pairs } from './language/preferences/ask-preferences.ts';
export { type RememberOptions, rememberPreferences } from './language/preferences/remember-preferences.ts';
export {
  klCoefDefaults,
  type NashMdOptions,
  nashMdDefaults,
  type Objective,
  type Opponent,
  objectives,
} from './language/training/nash-md-options.ts';
export { type NashMdStep, NashMdTrainer } from './language/training/nash-md-trainer.ts';
export type { Preview } from './language/training/sampled-batches.ts';
export type { Side } from './language/training/samples.ts';
export {
  type CellResult,
  type PlayedMatrix,
  playMatrix,
  type WinRateOptions,
  winRateMatrix,
} from './language/win-rate-matrix.ts';
export {
  bestResponse,
  dualityGap,
  exploitability,
  klDivergence,
  policyMatrix,
  regularizedPayoff,
  tilt,
  winProbability,
} from './measures/measures.ts';
export { type IterateOptions, iterate, type TabularStep } from './solvers/iterate.ts';
export { type BatchOptions, type BatchSolution, solveBatch } from './solvers/solve-batch.ts';
export {
  type SolverAlias,
  type SolverName,
  type SolverOptions,
  type StepSize,
  solverAliases,
  solverNames,
} from './solvers/solver-options.ts';
