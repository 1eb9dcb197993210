/**
 * Policy optimisation by functional mirror ascent on a tabular softmax policy, with exact values and gradients:
 * evaluate, fix the surrogate, maximise it (in closed form, or by an inner loop), repeat. Vaswani et al. (AISTATS 2022),
 * arXiv 2108.05828, algorithm 1; the experiments of its appendices E and F.
 */
import {
  ConfigError,
  checkCount,
  checkKnown,
  checkName,
  checkOption,
  checkPositive,
  checkShare,
  requireOptions,
  StoppedError,
} from '@gimbal/tensor-core';
import { refuseUnused } from '../internal/unused.ts';
import { type ClosedFormOptions, closedFormStep, closedForms, defaultFloor, hasClosedForm } from './closed-form.ts';
import { type ConstrainedInner, checkConstrained, constrainedAscent } from './constrained.ts';
import { valuesOf } from './evaluate-policy.ts';
import { type ArmijoInner, type FixedInner, InnerLoop } from './inner-ascent.ts';
import { checkMdp, checkPolicy, type TabularMdp, uniformPolicy } from './mdp.ts';
import { refuseUnusedTabular, type SurrogateOptions, type TabularSurrogate, tabularSurrogate } from './methods.ts';
import { expInto, logSoftmaxRows } from './softmax.ts';

/** The exact maximum over all tables, where the method has one. */
export interface ClosedFormInner {
  kind: 'closed-form';
  /** default 1e-8 for smdpo, 0 for the others; see `closedFormStep` */
  floor?: number;
}

/** How the surrogate of one outer step is maximised. */
export type TabularInner = ClosedFormInner | FixedInner | ArmijoInner | ConstrainedInner;

/** Method, inner loop and length of a run. */
export interface TabularOptions extends SurrogateOptions {
  /** how the surrogate of each outer step is maximised */
  inner: TabularInner;
  /** outer steps */
  iterations: number;
  /** where to start, probabilities > 0 `[S·A]`; default uniform */
  policy?: Float64Array;
  /** stops the run between two outer steps with a StoppedError */
  signal?: AbortSignal;
}

/** What each outer step yields. */
export interface TabularIteration {
  /** counts from 0 */
  iteration: number;
  /** return of the policy before this iteration's update */
  J: number;
  /** that policy `[S·A]`; the caller's */
  policy: Float64Array;
}

const innerNames: { readonly [kind in TabularInner['kind']]: readonly string[] } = {
  'closed-form': ['floor'],
  fixed: ['alpha', 'steps'],
  armijo: ['c', 'objective', 'steps', 'maxAlpha', 'warmStart'],
  constrained: ['delta', 'steps'],
};
const names = ['method', 'eta', 'clipEpsilon', 'pessimistic', 'inner', 'iterations', 'policy', 'signal'];

/**
 * Runs a method on an MDP.
 * @returns an iterable of `iterations` records, each made when it is asked for
 * @throws ConfigError for options out of range, DataError for a table that is no MDP, before the first record; StoppedError
 * when the signal aborts
 * @example
 * for (const { iteration, J } of tabularFmaPg(mdps.cliffWorld(), { method: 'smdpo', eta: 0.0625, inner: { kind: 'closed-form' }, iterations: 1000 }))
 *   if (iteration % 100 === 0) console.log(iteration, J);
 */
export function tabularFmaPg(mdp: TabularMdp, o: TabularOptions): Iterable<TabularIteration> {
  checkMdp(mdp);
  checkOptions(o);
  if (o.policy !== undefined) checkPolicy(mdp, o.policy);
  return { [Symbol.iterator]: () => run(mdp, o) };
}

function* run(mdp: TabularMdp, o: TabularOptions): Generator<TabularIteration, void, undefined> {
  const { A } = mdp;
  const z = Float64Array.from(o.policy ?? uniformPolicy(mdp), Math.log);
  const logP = logSoftmaxRows(z, A, new Float64Array(z.length));
  const update = updater(mdp, o);
  for (let iteration = 0; iteration < o.iterations; iteration++) {
    if (o.signal?.aborted)
      throw new StoppedError({
        where: 'tabularFmaPg',
        what: `stopped after ${iteration} of ${o.iterations} iterations`,
      });
    const policy = expInto(logP, new Float64Array(z.length));
    const values = valuesOf(mdp, policy);
    yield { iteration, J: values.J, policy: policy.slice() };
    update(logP, { A, d: values.d, advantages: values.A, p: policy, logP });
  }
}

/** One outer step on log-probabilities, in place. */
function updater(
  mdp: TabularMdp,
  o: TabularOptions,
): (logP: Float64Array, anchor: Parameters<InnerLoop['fixed']>[1]) => void {
  const { inner } = o;
  if (inner.kind === 'closed-form') {
    const step: ClosedFormOptions = {
      method: o.method,
      eta: o.eta as number,
      floor: inner.floor ?? defaultFloor(o.method),
    };
    return (logP, { advantages }) => closedFormStep(logP, advantages, mdp.A, step);
  }
  // a surrogate in constrained form needs no η: its terms are used one by one
  const surrogate: TabularSurrogate = tabularSurrogate(inner.kind === 'constrained' ? { ...o, eta: o.eta ?? 1 } : o);
  const loop = new InnerLoop(mdp.S * mdp.A);
  return (logP, anchor) => {
    const z = logP.slice();
    const fixed = { ...anchor, logP: logP.slice() };
    if (inner.kind === 'fixed') loop.fixed(surrogate, fixed, z, inner);
    else if (inner.kind === 'armijo') loop.armijo(surrogate, fixed, z, inner);
    else constrainedAscent(o.method, surrogate, fixed, z, inner);
    logSoftmaxRows(z, mdp.A, logP);
  };
}

function checkOptions(o: TabularOptions): void {
  checkEach(o);
  const { inner } = o;
  if (inner.kind === 'constrained') refuseUnused(o, ['eta'], 'a constraint (inner.delta bounds the step)');
  refuseUnusedTabular(o, inner.kind);
}

function checkEach(o: TabularOptions): void {
  checkKnown('tabularFmaPg', o, names);
  checkCount('iterations', o.iterations, 0);
  const { inner } = o;
  requireOptions('inner', inner);
  checkName('inner.kind', inner.kind, Object.keys(innerNames));
  checkKnown(`inner of kind '${inner.kind}'`, inner, ['kind', ...innerNames[inner.kind]]);
  tabularSurrogate(inner.kind === 'constrained' ? { ...o, eta: o.eta ?? 1 } : o);
  if (inner.kind === 'closed-form') {
    if (!hasClosedForm(o.method)) {
      throw new ConfigError({
        where: 'inner.kind',
        what: `${o.method} has no closed form here`,
        wanted: `one of ${closedForms.join(', ')}`,
        fix: "Use inner: { kind: 'fixed', alpha, steps }",
      });
    }
    checkPositive('eta', o.eta ?? Number.NaN);
    if (o.method === 'cpi') checkShare('eta', o.eta as number);
    if (inner.floor !== undefined)
      checkOption('inner.floor', inner.floor, inner.floor >= 0 && inner.floor < 1, 'a number in [0, 1)');
    return;
  }
  checkCount('inner.steps', inner.steps);
  if (inner.kind === 'fixed') checkPositive('inner.alpha', inner.alpha);
  if (inner.kind === 'constrained') {
    checkConstrained(o.method);
    checkPositive('inner.delta', inner.delta);
  }
  if (inner.kind === 'armijo') {
    checkName('inner.objective', inner.objective ?? 'full', ['full', 'linear-only']);
    checkOption('inner.warmStart', inner.warmStart, typeof (inner.warmStart ?? true) === 'boolean', 'true or false');
    checkShare('inner.c', inner.c ?? 0.5);
    checkPositive('inner.maxAlpha', inner.maxAlpha ?? 10);
  }
}
