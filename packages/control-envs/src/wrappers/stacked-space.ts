/** The space of stacked observations, and one copy's stack, for wrappers of one environment and of many. */
import { type BoxSpace, ConfigError, type Space } from '@gimbal/tensor-core';
import { box } from '../spaces/spaces.ts';
import { boxOf } from './scales.ts';

/** What fills the older places after a reset. */
export interface FrameStackOptions {
  /** 'reset' (the default): the reset's observation; 'zero': zeros */
  padding?: 'reset' | 'zero';
}

/** of one stacked observation */
const mostElements = 2 ** 26;

/** `[count, …]` of a Box. @throws ConfigError for a bad count, and for observations that are no Box */
export function stackedSpace(space: Space, count: number, { padding }: FrameStackOptions, where: string): BoxSpace {
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new ConfigError({ where, what: 'bad count', got: count, wanted: 'a whole number from 1' });
  }
  if (padding !== undefined && padding !== 'reset' && padding !== 'zero') {
    throw new ConfigError({ where, what: 'bad padding', got: padding, wanted: 'reset, zero' });
  }
  const inner = boxOf(space, where);
  if (count * inner.low.length > mostElements) {
    throw new ConfigError({ where, what: 'too many frames', got: count, wanted: `at most ${mostElements} numbers` });
  }
  const reach = (bound: Float64Array, zero: (x: number) => number): number[] =>
    Array.from({ length: count }, () => [...bound].map(padding === 'zero' ? zero : (x) => x)).flat();
  const [low, high] = [reach(inner.low, (x) => Math.min(x, 0)), reach(inner.high, (x) => Math.max(x, 0))];
  return box(low, high, [count, ...inner.shape], inner.dtype);
}

/** Begins the stack at `frames[from …]` with a reset's observation. */
export function beginStack(
  frames: Float32Array,
  from: number,
  obs: Float32Array,
  count: number,
  { padding = 'reset' }: FrameStackOptions,
): void {
  const size = obs.length;
  if (padding === 'zero') frames.fill(0, from, from + count * size);
  else for (let i = 0; i < count; i++) frames.set(obs, from + i * size);
  frames.set(obs, from + (count - 1) * size);
}

/** Moves the stack at `frames[from …]` by one and puts `obs` last. */
export function pushFrame(frames: Float32Array, from: number, obs: Float32Array, count: number): void {
  frames.copyWithin(from, from + obs.length, from + count * obs.length);
  frames.set(obs, from + (count - 1) * obs.length);
}
