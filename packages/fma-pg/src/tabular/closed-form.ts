/**
 * The surrogates' maximisers over all tables. Each raises J whatever η is: the new probabilities are reweighted by a
 * function that does not fall with A, so that Σ_a p A ≥ 0 in every state, and the performance-difference lemma does the
 * rest. (η's bound matters for inexact inner loops and restricted policies.)
 */
import { checkOption, NumericalError } from '@gimbal/tensor-core';

export interface ClosedFormOptions {
  method: string;
  /** functional step size; cpi: the share of the greedy policy that is mixed in */
  eta: number;
  /**
   * smdpo: weights max(1 + ηA, floor); mdpo, npg, mpo: log-probabilities are kept above log floor where it is not 0.
   * A probability that is 0 never comes back, so the floor decides which optimum a large η reaches
   */
  floor: number;
}

/** Methods with a closed form. */
export const closedForms: readonly string[] = ['cpi', 'npg', 'mdpo', 'smdpo', 'mpo'];

/** Whether the maximiser over all tables of a method's surrogate is known. */
export const hasClosedForm = (method: string): boolean => closedForms.includes(method);

/** The floors that are used by default: the released code's 1e-8 for smdpo, none for the others (they work in logs). */
export const defaultFloor = (method: string): number => (method === 'smdpo' ? 1e-8 : 0);

/**
 * log p_{t+1}, written over log p_t.
 * @param logP log-probabilities `[S·A]`, changed
 * @param advantages A_t `[S·A]`. States that p_t does not visit change too: the surrogate does not ask, and where they
 * are left alone, a visitation that has underflowed to 0 freezes them for ever
 * @param A number of actions
 * @throws NumericalError where every weight of a state is 0
 */
export function closedFormStep(logP: Float64Array, advantages: Float64Array, A: number, o: ClosedFormOptions): void {
  for (let s = 0; s * A < logP.length; s++) {
    const rows: [Float64Array, Float64Array] = [
      logP.subarray(s * A, (s + 1) * A),
      advantages.subarray(s * A, (s + 1) * A),
    ];
    if (o.method === 'smdpo') reweight(...rows, (advantage) => Math.log(Math.max(1 + o.eta * advantage, o.floor)));
    else if (o.method === 'cpi') mixWithGreedy(...rows, o.eta);
    else reweight(...rows, (advantage) => o.eta * advantage);
    normalize(rows[0], s);
    if (o.floor === 0 || o.method === 'smdpo') continue;
    raise(rows[0], Math.log(o.floor));
    normalize(rows[0], s);
  }
}

function reweight(logP: Float64Array, advantages: Float64Array, logWeight: (advantage: number) => number): void {
  for (let a = 0; a < logP.length; a++) logP[a] = (logP[a] as number) + logWeight(advantages[a] as number);
}

/** p ← (1 − η) p + η·greedy (conservative policy iteration; Kakade & Langford 2002). */
function mixWithGreedy(logP: Float64Array, advantages: Float64Array, share: number): void {
  checkOption('eta', share, share <= 1, 'a share of the greedy policy, at most 1, for cpi');
  let best = 0;
  for (let a = 1; a < logP.length; a++) if ((advantages[a] as number) > (advantages[best] as number)) best = a;
  for (let a = 0; a < logP.length; a++)
    logP[a] = Math.log((1 - share) * Math.exp(logP[a] as number) + (a === best ? share : 0));
}

function raise(logP: Float64Array, least: number): void {
  for (let a = 0; a < logP.length; a++) logP[a] = Math.max(logP[a] as number, least);
}

function normalize(logP: Float64Array, s: number): void {
  let most = Number.NEGATIVE_INFINITY;
  for (const x of logP) most = Math.max(most, x);
  if (!Number.isFinite(most)) {
    throw new NumericalError({
      where: `closed form, state ${s}`,
      what: 'every action’s weight is 0 or no number',
      fix: 'Give a floor > 0, or a smaller eta',
    });
  }
  let total = 0;
  for (const x of logP) total += Math.exp(x - most);
  const shift = most + Math.log(total);
  for (let a = 0; a < logP.length; a++) logP[a] = (logP[a] as number) - shift;
}
