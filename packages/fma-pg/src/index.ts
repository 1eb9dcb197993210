/** @module @gimbal/fma-pg */

export { type BanditRule, banditUpdate } from './tabular/bandit-updates.ts';
export type { ConstrainedInner } from './tabular/constrained.ts';
export { etaBound } from './tabular/eta-bound.ts';
export { evaluatePolicy, type PolicyValues } from './tabular/evaluate-policy.ts';
export type { ArmijoInner, FixedInner } from './tabular/inner-ascent.ts';
export { surrogateBound } from './tabular/lower-bound.ts';
export { type TabularMdp, uniformPolicy } from './tabular/mdp.ts';
export { mdps } from './tabular/mdps.ts';
export { type SurrogateOptions, type TabularMethod, tabularMethods } from './tabular/methods.ts';
export { surrogateGradient, type TabularGradient } from './tabular/surrogate-gradient.ts';
export {
  type ClosedFormInner,
  type TabularInner,
  type TabularIteration,
  type TabularOptions,
  tabularFmaPg,
} from './tabular/tabular-fma-pg.ts';
