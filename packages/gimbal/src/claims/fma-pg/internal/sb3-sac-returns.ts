// Curves that peers/rl_returns.py made of Stable-Baselines3's SAC, to a tenth (stable-baselines3 2.9.2, torch 2.13.0,
// gymnasium 1.3.0); those that are missing are made by --peer.
import type { SeededCurves } from './sb3-curves.ts';

/** Curves by environment and seed. */
export const sb3SacReturns: { readonly [env: string]: SeededCurves } = {
  'Hopper-v5': {
    1: [
      20.0, 118.4, 193.7, 248.1, 283.4, 284.9, 308.8, 306.6, 249.2, 308.4, 320.0, 321.2, 319.1, 335.2, 342.8, 341.9,
      361.1, 521.5, 315.4, 24.4, 520.2, 398.4, 515.4, 575.5, 613.4, 571.1, 483.5, 512.1, 521.7, 461.0,
    ],
  },
};
