/**
 * V-trace (IMPALA, arXiv 1802.01561, eq. 1) for rollouts of an older policy, with rlax's λ:
 *
 *   v[t] = V[t] + ρ̄[t] δ[t] + γλ c[t] (v[t+1] − V[t+1]),   δ[t] = r[t] + γ next[t] − V[t]
 *   A[t] = δ[t] + γλ (v[t+1] − V[t+1])                      (λ = 1: r[t] + γ v[t+1] − V[t], as in IMPALA's gradient)
 *
 * with ρ̄ = min(ρMax, p_θ/p_t), c = min(1, p_θ/p_t). Where all ratios are 1, v and A are GAE's returns and advantages.
 */
import { checkPositive, checkShare, NumericalError, requireOptions, ShapeError } from '@gimbal/tensor-core';
import { checkNumbers } from '../internal/given.ts';
import { type AdvantageEstimate, checkTrajectory, entryOf, isSet, nextValue, type TrajectoryBatch } from './gae.ts';

/** What `vtrace` is told beside the rollout. */
export interface VtraceOptions {
  /** γ, in [0, 1] */
  gamma: number;
  /** in [0, 1]; default 1 */
  lambda?: number;
  /** bound of ρ̄; default 1 */
  rhoMax?: number;
  /**
   * whether `advantages` are ρ̄ A, as IMPALA's policy gradient ρ̄ A ∇log p_θ wants them (default), or A itself: for a loss
   * of p_θ/p_t, which has the ratio in it already, or one that is an expectation under p_t
   */
  weighted?: boolean;
}

/**
 * Advantages and returns of a rollout that another policy made.
 * @param logRatios log p_θ(a|s) − log p_t(a|s), `[T·N]`
 * @returns `returns` are v, always corrected by the ratios; `advantages` are ρ̄ A, or A where `weighted` is false
 * @throws as `gae`; ConfigError for rhoMax ≤ 0; NumericalError for a log-ratio that is not finite
 */
export function vtrace(b: TrajectoryBatch, logRatios: Float32Array, o: VtraceOptions): AdvantageEstimate {
  checkTrajectory('vtrace', b);
  requireOptions('vtrace', o);
  checkNumbers('vtrace, logRatios', logRatios);
  const { gamma, lambda = 1, rhoMax = 1, weighted = true } = o;
  checkShare('vtrace.gamma', gamma);
  checkShare('vtrace.lambda', lambda);
  checkPositive('vtrace.rhoMax', rhoMax);
  if (logRatios.length !== b.rewards.length) {
    const wanted = String(b.rewards.length);
    throw new ShapeError({
      where: 'vtrace',
      what: 'logRatios has another length than rewards',
      got: logRatios.length,
      wanted,
    });
  }
  const bad = logRatios.findIndex((x) => !Number.isFinite(x));
  if (bad >= 0) {
    const where = `vtrace, ${entryOf(b, bad)}`;
    throw new NumericalError({ where, what: 'the log-ratio is not finite', got: logRatios[bad] });
  }
  const { numEnvs: N, rewards, values, terminated, truncated } = b;
  const size = rewards.length;
  const [advantages, returns] = [new Float32Array(size), new Float32Array(size)];
  const excess = new Float64Array(N); // v[t+1] − V[t+1]
  for (let i = size - 1; i >= 0; i--) {
    const n = i % N;
    const ended = isSet(terminated[i]) || isSet(truncated[i]);
    const ratio = Math.exp(logRatios[i] as number);
    const rho = Math.min(rhoMax, ratio);
    const carried = ended ? 0 : gamma * lambda * (excess[n] as number);
    const delta = (rewards[i] as number) + gamma * nextValue(b, i) - (values[i] as number);
    advantages[i] = (weighted ? rho : 1) * (delta + carried);
    excess[n] = rho * delta + Math.min(1, ratio) * carried;
    returns[i] = (values[i] as number) + (excess[n] as number);
  }
  return { advantages, returns };
}
