import { valuesOf } from './evaluate-policy.ts';
import { InnerLoop } from './inner-ascent.ts';
import { checkLength, checkMdp, checkPolicy, type TabularMdp } from './mdp.ts';
import { refuseUnusedTabular, type SurrogateOptions, tabularSurrogate } from './methods.ts';

/** A surrogate and its slope at one table of logits. */
export interface TabularGradient {
  /** ℓ(z) − ℓ(z_t), with the normalised visitation */
  value: number;
  /** by the logits `[S·A]` */
  gradient: Float64Array;
}

/**
 * A method's surrogate and its gradient at one table of logits, on the exact values of another policy: for checks and
 * plots. At the logits of that policy the gradient is (1 − γ) ∇J, whatever the method and η.
 * @param anchor the policy that was evaluated, probabilities > 0 `[S·A]`
 * @param logits z `[S·A]`
 * @throws DataError for arrays that are not of these lengths; ConfigError for an option out of range, and for one that the
 * method does not use
 */
export function surrogateGradient(
  mdp: TabularMdp,
  anchor: Float64Array,
  logits: Float64Array,
  o: SurrogateOptions,
): TabularGradient {
  checkMdp(mdp);
  checkPolicy(mdp, anchor);
  checkLength('logits', logits, mdp.S * mdp.A);
  const surrogate = tabularSurrogate(o);
  refuseUnusedTabular(o);
  const { d, A: advantages } = valuesOf(mdp, anchor);
  const at = { A: mdp.A, d, advantages, p: anchor, logP: anchor.map(Math.log) };
  const loop = new InnerLoop(logits.length);
  const gradient = loop.gradient(surrogate, at, logits).slice();
  return { value: loop.value(surrogate, at, logits), gradient };
}
