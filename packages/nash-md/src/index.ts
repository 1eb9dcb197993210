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
