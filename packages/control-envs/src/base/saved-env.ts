/** All that an environment's later steps depend on, whether it offers snapshots or the state of its physics alone. */
import type { Env } from '@gimbal/tensor-core';

/** A snapshot, or the state of an environment that has no more; undefined where it cannot be saved. */
export function snapshotOf(env: Env): Float64Array | undefined {
  if (env.snapshot !== undefined) return env.snapshot();
  return env.setState === undefined ? undefined : env.getState?.();
}

/** Goes on from what `snapshotOf` gave of an equal environment. */
export function restoreTo(env: Env, state: Float64Array): void {
  if (env.restore !== undefined) env.restore(state);
  else env.setState?.(state);
}
