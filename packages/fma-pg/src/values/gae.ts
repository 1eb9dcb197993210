/**
 * Generalised advantage estimation (arXiv 1506.02438), time limits kept apart from ends:
 *
 *   next[t] = V[t+1] if the episode goes on, V(final observation) if it was truncated, 0 if it terminated
 *   δ[t] = r[t] + γ next[t] − V[t];   A[t] = δ[t] + γλ (1 − ended[t]) A[t+1];   returns = A + V
 *
 * Both flags cut the trace; only `terminated` takes the bootstrap away, and it wins where both are set.
 */
import { checkShare, DataError, NumericalError, requireOptions, ShapeError } from '@gimbal/tensor-core';
import { checkNumbers, checkParts } from '../internal/given.ts';

/** A rollout of N copies and T steps. */
export interface TrajectoryBatch {
  /** N: entry t·N + i is step t of copy i */
  numEnvs: number;
  /** `[T·N]` */
  rewards: Float32Array;
  /** V of the observation acted on, `[T·N]` */
  values: Float32Array;
  /** V of the observation after the last step, `[N]` */
  lastValues: Float32Array;
  /** V of the final observation where an episode was truncated, `[T·N]`; not looked at elsewhere */
  finalValues: Float32Array;
  /** `[T·N]`, 0 or 1 */
  terminated: Uint8Array;
  /** `[T·N]`, 0 or 1 */
  truncated: Uint8Array;
}

/** What policy and value function learn from. */
export interface AdvantageEstimate {
  /** `[T·N]` */
  advantages: Float32Array;
  /** targets of the value function `[T·N]` */
  returns: Float32Array;
}

/**
 * Advantages and returns of a rollout.
 * @throws ShapeError where an array has not `[T·N]` entries; DataError for what is no list, and for no flags; ConfigError for γ or λ outside [0, 1]; NumericalError for a
 * reward or value that is not finite, by its step and copy; `finalValues` count where an episode was truncated
 */
export function gae(b: TrajectoryBatch, o: { gamma: number; lambda: number }): AdvantageEstimate {
  checkTrajectory('gae', b);
  requireOptions('gae', o);
  const { gamma, lambda } = o;
  checkShare('gae.gamma', gamma);
  checkShare('gae.lambda', lambda);
  const { numEnvs: N, rewards, values } = b;
  const size = rewards.length;
  const [advantages, returns] = [new Float32Array(size), new Float32Array(size)];
  const ahead = new Float64Array(N); // A[t+1]
  for (let i = size - 1; i >= 0; i--) {
    const n = i % N;
    const ended = isSet(b.terminated[i]) || isSet(b.truncated[i]);
    const delta = (rewards[i] as number) + gamma * nextValue(b, i) - (values[i] as number);
    const advantage = delta + (ended ? 0 : gamma * lambda * (ahead[n] as number));
    ahead[n] = advantage;
    advantages[i] = advantage;
    returns[i] = advantage + (values[i] as number);
  }
  return { advantages, returns };
}

/** A flag as typed arrays have it, or a boolean of a plain array. */
export const isSet = (flag: unknown): boolean => flag === 1 || flag === true;

/** What follows entry i: V of the next step, of the final observation, or 0. */
export function nextValue(b: TrajectoryBatch, i: number): number {
  if (isSet(b.terminated[i])) return 0;
  if (isSet(b.truncated[i])) return b.finalValues[i] as number;
  const next = i + b.numEnvs;
  return (next < b.values.length ? b.values[next] : b.lastValues[i % b.numEnvs]) as number;
}

/** @throws ShapeError for lengths that do not go together; NumericalError for what is not finite; DataError for no flags */
export function checkTrajectory(where: string, b: TrajectoryBatch): void {
  checkParts(where, b, '{ numEnvs, rewards, values, lastValues, finalValues, terminated, truncated }');
  const { rewards, values, lastValues, finalValues, terminated, truncated } = b;
  for (const [name, array] of Object.entries({ rewards, values, lastValues, finalValues, terminated, truncated }))
    checkNumbers(`${where}, ${name}`, array);
  const size = rewards.length;
  for (const [name, array] of Object.entries({ values, finalValues, terminated, truncated })) {
    if (array.length === size) continue;
    throw new ShapeError({ where, what: `${name} has another length than rewards`, got: array.length, wanted: size });
  }
  if (!(size % b.numEnvs === 0 && b.lastValues.length === b.numEnvs && size > 0)) {
    throw new ShapeError({
      where,
      what: 'the lengths are no T·N',
      got: `rewards ${size}, lastValues ${b.lastValues.length}`,
      wanted: `a multiple of ${b.numEnvs}, and ${b.numEnvs}`,
    });
  }
  for (const [name, flags] of Object.entries({ terminated, truncated })) {
    const at = flags.findIndex((flag: unknown) => !isSet(flag) && flag !== 0 && flag !== false);
    if (at < 0) continue;
    const entry = `${where}, ${entryOf(b, at)}`;
    throw new DataError({ where: entry, what: `${name} is no flag`, got: flags[at], wanted: '0 or 1' });
  }
  const refuse = (name: string, array: Float32Array, at: number): void => {
    if (at < 0) return;
    throw new NumericalError({ where: `${where}, ${entryOf(b, at)}`, what: `${name} is not finite`, got: array[at] });
  };
  for (const [name, array] of Object.entries({ rewards: b.rewards, values, lastValues: b.lastValues }))
    refuse(
      name,
      array,
      array.findIndex((x) => !Number.isFinite(x)),
    );
  const isUsed = (i: number): boolean => isSet(truncated[i]) && !isSet(terminated[i]);
  refuse(
    'finalValues',
    finalValues,
    finalValues.findIndex((x, i) => isUsed(i) && !Number.isFinite(x)),
  );
}

/** Names entry i in messages. */
export const entryOf = ({ numEnvs }: TrajectoryBatch, i: number): string =>
  `step ${Math.floor(i / numEnvs)}, copy ${i % numEnvs}`;
