// Names of options and of choices: a misspelt one is refused with the nearest that there is, and with this package's reason.
import * as core from '@gimbal/tensor-core';

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
