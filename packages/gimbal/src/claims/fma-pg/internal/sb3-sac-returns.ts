// Curves that peers/rl_returns.py made of Stable-Baselines3's SAC, to a tenth; none so far.
import type { SeededCurves } from './sb3-curves.ts';

/** Curves by environment and seed. */
export const sb3SacReturns: { readonly [env: string]: SeededCurves } = {};
