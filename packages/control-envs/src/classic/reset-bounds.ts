/** `reset({ options: { low, high } })`, which Gymnasium's classic tasks understand. */
import { ConfigError } from '@gimbal/tensor-core';

export interface ResetBounds {
  low?: number;
  high?: number;
}

/** @throws ConfigError for bounds that are no interval */
export function resetBounds(
  options: ResetBounds | undefined,
  low: number,
  high: number,
  id: string,
): Required<ResetBounds> {
  const bounds = { low: options?.low ?? low, high: options?.high ?? high };
  if (!(Number.isFinite(bounds.low) && Number.isFinite(bounds.high) && bounds.low <= bounds.high)) {
    throw new ConfigError({ where: `${id}: reset`, what: 'bad bounds', got: bounds, wanted: 'low ≤ high, finite' });
  }
  return bounds;
}
