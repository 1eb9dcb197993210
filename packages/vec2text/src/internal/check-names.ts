// Names of options and of choices: a misspelt one is refused with the nearest that there is, and with this package's reason.
import * as core from '@gimbal/tensor-core';

/** The names of a type of options, each of them: the compiler refuses a list that lacks one. */
export const optionNames = <T>(names: { readonly [K in keyof Required<T>]: true }): readonly string[] =>
  Object.keys(names);

/** The training loop's. */
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
  seed: true,
} as const satisfies Record<Exclude<keyof core.LoopOptions, 'overflow'>, true>;

/** Refuses an option that is not there. @throws ConfigError (`CONFIG`) */
export const checkKnown = (where: string, options: object, known: readonly string[]): void =>
  withReason(() => core.checkKnown(where, options, known));

/** Refuses a choice that is not there. @throws ConfigError (`CONFIG`) */
export const checkName = (where: string, got: string, names: readonly string[]): void =>
  withReason(() => core.checkName(where, got, names));

function withReason(check: () => void): void {
  try {
    check();
  } catch (error) {
    throw error instanceof core.ConfigError ? Object.assign(error, { reason: 'CONFIG' }) : error;
  }
}
