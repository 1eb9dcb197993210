/**
 * Advantages as the surrogate gets them. They are standardised first and weighed by γ^t after that: a mean that was taken
 * off weighed ones would come back in every row, however small its weight.
 */
import { gatherRows } from '../rollout/rollout.ts';
import { normalizeAdvantages } from '../values/normalize-advantages.ts';
import { vtrace } from '../values/vtrace.ts';
import type { ActorCritic, ActorCriticParams } from './actor-critic.ts';
import { type ActedBatch, logProbsOf, trajectoryOf } from './on-policy-batch.ts';
import type { ResolvedOnPolicy } from './on-policy-options.ts';

/** Advantages of all entries, and what they are multiplied with. */
export interface Credit {
  /** `[T·N]`; standardised over the counted entries where that is asked for of the whole batch */
  readonly advantages: Float32Array;
  /** γ^t, `[T·N]` */
  readonly weights?: Float32Array;
}

type CreditOptions = Pick<ResolvedOnPolicy, 'normalizeAdvantage' | 'discountedStateWeights' | 'gamma'>;

/** @param advantages as they were estimated `[T·N]`; they stay */
export function creditOf(batch: ActedBatch, advantages: Float32Array, o: CreditOptions): Credit {
  const { entries } = batch;
  const out = advantages.slice();
  if (o.normalizeAdvantage === 'batch') {
    const standard = normalizeAdvantages(gatherRows(advantages, 1, entries));
    for (let i = 0; i < entries.length; i++) out[entries[i] as number] = standard[i] as number;
  }
  return o.discountedStateWeights ? { advantages: out, weights: stateWeights(batch, o.gamma) } : { advantages: out };
}

/** Â of some entries, which are one minibatch. @param out written and returned */
export function creditedRows(
  { advantages, weights }: Credit,
  rows: Int32Array,
  { normalizeAdvantage }: CreditOptions,
  out: Float32Array = new Float32Array(rows.length),
): Float32Array {
  gatherRows(advantages, 1, rows, out);
  if (normalizeAdvantage === 'minibatch') normalizeAdvantages(out, out);
  if (weights !== undefined)
    for (let i = 0; i < rows.length; i++) out[i] = (out[i] as number) * (weights[rows[i] as number] as number);
  return out;
}

/** γ^t, t from where an entry's episode began: that may be in an earlier rollout. */
function stateWeights({ rollout }: ActedBatch, gamma: number): Float32Array {
  const { numEnvs } = rollout.size;
  const weights = new Float32Array(rollout.rows).fill(1);
  const age = rollout.ages.slice();
  for (let i = 0; i < weights.length; i++) {
    const n = i % numEnvs;
    // a step that only resets is none of the episode
    if (rollout.valid[i] === 0) continue;
    weights[i] = gamma ** (age[n] as number);
    age[n] = rollout.terminated[i] === 1 || rollout.truncated[i] === 1 ? 0 : (age[n] as number) + 1;
  }
  return weights;
}

/**
 * V-trace's advantages under the policy as it is now; the batch's returns are replaced too. Only `reinforce`, whose
 * gradient is A ∇log p_θ wherever p_θ is, needs the truncated ratio in them: all other surrogates have p_θ/p_t in
 * themselves, or are expectations under p_t.
 */
export function reweighed(
  net: ActorCritic,
  params: ActorCriticParams,
  batch: ActedBatch,
  { gamma, gaeLambda, surrogate }: Pick<ResolvedOnPolicy, 'gamma' | 'gaeLambda' | 'surrogate'>,
): Float32Array {
  const now = logProbsOf(net, params.policy, batch.rollout);
  const logRatios = now.map((x, i) => x - (batch.logProbs[i] as number));
  const weighted = surrogate.surrogate === 'reinforce';
  const estimate = vtrace(trajectoryOf(batch), logRatios, { gamma, lambda: gaeLambda, weighted });
  batch.returns.set(estimate.returns);
  return estimate.advantages;
}
