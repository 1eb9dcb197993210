/**
 * The methods in one form, to be compared line by line: maximise 𝒥 − 𝒞/η, where
 *
 *   method      𝒥                            𝒞                       argmax over all tables
 *   reinforce   Σ d p_t A log ρ              –                       unbounded: one step (m = 1)
 *   cpi         Σ d p A                      – (mixes with greedy)   the greedy policy
 *   npg         Σ d p_t A log ρ              ½ Σ d Var(log ρ)        p_t exp(ηA)/Z
 *   trpo        Σ d p A                      Σ d KL(p_t ‖ p)         p_t/(c − ηA), c from Σ p = 1
 *   ppo         Σ d p_t min(ρA, clip(ρ)A)    –                       anything at or beyond the band
 *   mdpo        Σ d p A                      Σ d KL(p ‖ p_t)         p_t exp(ηA)/Z
 *   smdpo       Σ d p_t A log ρ              Σ d KL(p_t ‖ p)         p_t max(1 + ηA, 0)/Z
 *   sppo        Σ d p_t A clip(log ρ)        –                       anything at or beyond the band
 *   mpo         Σ d p_t w log ρ, w ∝ exp ηA  –                       p_t exp(ηA)/Z
 *
 * At p = p_t all have the gradient d p_t A, the policy gradient times 1 − γ (mpo: to first order in η, times η).
 */
import { checkName, checkOption, checkPositive, requireOptions } from '@gimbal/tensor-core';
import { refuseUnused } from '../internal/unused.ts';
import { hasClosedForm } from './closed-form.ts';
import {
  direct,
  expWeighted,
  fisher,
  forwardKl,
  logits,
  ppoClipped,
  reverseKl,
  sppoClipped,
  type Term,
} from './surrogate-terms.ts';

/** Every method by name; the formulas stand at the head of this file. */
export const tabularMethods = ['reinforce', 'cpi', 'npg', 'trpo', 'ppo', 'mdpo', 'smdpo', 'sppo', 'mpo'] as const;
/** One of `tabularMethods`. */
export type TabularMethod = (typeof tabularMethods)[number];

/** A method and its constants. */
export interface SurrogateOptions {
  /** which surrogate is maximised */
  method: TabularMethod;
  /** functional step size; needed where `tabularTakes` says so */
  eta?: number;
  /** ppo and sppo; default .2 */
  clipEpsilon?: number;
  /** sppo: the minimum with the unclipped term; default true */
  pessimistic?: boolean;
}

/** A surrogate's two terms and the weight between them. */
export interface TabularSurrogate {
  readonly linear: Term;
  readonly proximity: Term | undefined;
  /** 1/η; 0 without a proximity term */
  readonly weight: number;
}

/**
 * The surrogate of a method.
 * @throws ConfigError for η or ε out of range
 */
export function tabularSurrogate(o: SurrogateOptions): TabularSurrogate {
  requireOptions('tabular surrogate', o);
  checkName('method', o.method, tabularMethods);
  const { clipEpsilon = 0.2, pessimistic = true } = o;
  switch (o.method) {
    case 'reinforce':
      return { linear: logits, proximity: undefined, weight: 0 };
    case 'cpi':
      return { linear: direct, proximity: undefined, weight: 0 };
    case 'npg':
      return { linear: logits, proximity: fisher, weight: inverse(o) };
    case 'trpo':
      return { linear: direct, proximity: forwardKl, weight: inverse(o) };
    case 'mdpo':
      return { linear: direct, proximity: reverseKl, weight: inverse(o) };
    case 'smdpo':
      return { linear: logits, proximity: forwardKl, weight: inverse(o) };
    case 'mpo':
      return { linear: expWeighted(inverse(o)), proximity: undefined, weight: 0 };
    case 'ppo':
      checkOption('clipEpsilon', clipEpsilon, clipEpsilon > 0 && clipEpsilon < 1, 'a number in (0, 1)');
      return { linear: ppoClipped(clipEpsilon), proximity: undefined, weight: 0 };
    case 'sppo':
      checkOption('pessimistic', pessimistic, typeof pessimistic === 'boolean', 'true or false');
      checkPositive('clipEpsilon', clipEpsilon);
      return { linear: sppoClipped(clipEpsilon, pessimistic), proximity: undefined, weight: 0 };
  }
}

/** Options that not every method has, and the methods whose surrogates have them. */
const users = {
  eta: ['npg', 'trpo', 'mdpo', 'smdpo', 'mpo'],
  clipEpsilon: ['ppo', 'sppo'],
  pessimistic: ['sppo'],
} as const satisfies { [name in keyof SurrogateOptions]?: readonly TabularMethod[] };

/**
 * Whether a method takes an option.
 * @param inner how its surrogate is maximised: every closed form moves by η, and a constraint stands in its place; absent:
 * the surrogate itself is asked about
 * @throws ConfigError for an option that no method has
 */
export function tabularTakes(
  method: TabularMethod,
  option: keyof typeof users,
  inner?: 'closed-form' | 'fixed' | 'armijo' | 'constrained',
): boolean {
  checkName('tabularTakes, option', option, Object.keys(users));
  if (option === 'eta' && inner === 'constrained') return false;
  if (option === 'eta' && inner === 'closed-form') return hasClosedForm(method);
  return (users[option] as readonly string[]).includes(method);
}

/**
 * @param o each of them valid
 * @param inner as of `tabularTakes`
 * @throws ConfigError naming an option that would change nothing
 */
export function refuseUnusedTabular(o: SurrogateOptions, inner?: Parameters<typeof tabularTakes>[2]): void {
  const names = Object.keys(users) as (keyof typeof users)[];
  refuseUnused(
    o,
    names.filter((name) => !tabularTakes(o.method, name, inner)),
    o.method,
  );
}

function inverse({ eta, method }: SurrogateOptions): number {
  checkOption('eta', eta, eta !== undefined && Number.isFinite(eta) && eta > 0, `a finite number > 0 for ${method}`);
  return 1 / (eta as number);
}
