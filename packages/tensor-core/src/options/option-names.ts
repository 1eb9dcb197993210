// Names of options, so that a misspelt one is refused with the nearest that is there.
import type { LoopOptions } from '../contracts/loop.ts';

/** The names of a type of options, each of them: the compiler refuses a list that lacks one. For `checkKnown`. */
export const optionNames = <T>(names: { readonly [K in keyof Required<T>]: true }): readonly string[] =>
  Object.keys(names);

/** The training loop's, to spread into those of a trainer. */
export const loopNames = {
  learningRate: true,
  optimizer: true,
  batchSize: true,
  accumulate: true,
  maxGradNorm: true,
  precision: true,
  gradientCheckpointing: true,
  evalEvery: true,
  keepBest: true,
  checkpointEvery: true,
  keepCheckpoints: true,
  earlyStop: true,
  logEvery: true,
  out: true,
  overflow: true,
  seed: true,
} as const satisfies Record<keyof LoopOptions, true>;
