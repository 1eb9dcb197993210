/**
 * V-trace (IMPALA, arXiv 1802.01561, eq. 1) for rollouts of an older policy:
 *
 *   v[t] = V[t] + δ[t] + γ c[t] (v[t+1] − V[t+1]),   δ[t] = ρ̄[t] (r[t] + γ next[t] − V[t])
 *   A[t] = ρ̄[t] (r[t] + γ v[t+1] − V[t])
 *
 * with ρ̄ = min(ρMax, p_θ/p_t), c = λ min(1, p_θ/p_t). On the policy's own data it is GAE's return at λ.
 */
import { checkPositive, checkShare, ShapeError } from '@gimbal/tensor-core';
import { type AdvantageEstimate, checkTrajectory, nextValue, type TrajectoryBatch } from './gae.ts';

/**
 * Advantages and returns of a rollout that another policy made.
 * @param logRatios log p_θ(a|s) − log p_t(a|s), `[T·N]`
 * @returns `advantages` are those of eq. 2's policy gradient, ρ̄ included
 * @throws as `gae`; ConfigError for rhoMax ≤ 0
 */
export function vtrace(
  b: TrajectoryBatch,
  logRatios: Float32Array,
  { gamma, lambda = 1, rhoMax = 1 }: { gamma: number; lambda?: number; rhoMax?: number },
): AdvantageEstimate {
  checkTrajectory('vtrace', b);
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
  const { numEnvs: N, rewards, values, terminated, truncated } = b;
  const size = rewards.length;
  const [advantages, returns] = [new Float32Array(size), new Float32Array(size)];
  const excess = new Float64Array(N); // v[t+1] − V[t+1]
  for (let i = size - 1; i >= 0; i--) {
    const n = i % N;
    const ended = terminated[i] === 1 || truncated[i] === 1;
    const ratio = Math.exp(logRatios[i] as number);
    const rho = Math.min(rhoMax, ratio);
    const carried = ended ? 0 : (excess[n] as number);
    const next = nextValue(b, i);
    const delta = (rewards[i] as number) + gamma * next - (values[i] as number);
    advantages[i] = rho * (delta + gamma * carried);
    excess[n] = rho * delta + gamma * lambda * Math.min(1, ratio) * carried;
    returns[i] = (values[i] as number) + (excess[n] as number);
  }
  return { advantages, returns };
}
