// Checks of options, shared by every package: each throws a ConfigError that names the option, before work starts.
import { ConfigError, kindOf, nearest } from '../errors.ts';

/** Refuses what is no object of named options, so that no option is read from it: called first by what takes one. */
export function requireOptions(where: string, got: unknown): void {
  if (typeof got === 'object' && got !== null && !Array.isArray(got)) return;
  throw new ConfigError({ where, what: 'the options are no object', got: kindOf(got), wanted: 'an object of options' });
}

/** Refuses a value that does not pass its test. */
export function checkOption(where: string, got: unknown, good: boolean, wanted: string, fix?: string): void {
  if (!good) throw new ConfigError({ where, what: 'out of range', got, wanted, ...(fix !== undefined && { fix }) });
}

/** A finite number greater than 0. */
export function checkPositive(where: string, got: number, fix?: string): void {
  checkOption(where, got, Number.isFinite(got) && got > 0, 'a finite number > 0', fix);
}

/** A number in [0, 1]. */
export function checkShare(where: string, got: number): void {
  checkOption(where, got, typeof got === 'number' && got >= 0 && got <= 1, 'a number from 0 to 1');
}

/** A number in (0, 1). */
export function checkOpenShare(where: string, got: number): void {
  checkOption(where, got, typeof got === 'number' && got > 0 && got < 1, 'a number between 0 and 1');
}

/** A whole number of at least `least`. */
export function checkCount(where: string, got: number, least = 1): void {
  checkOption(where, got, Number.isSafeInteger(got) && got >= least, `a whole number ≥ ${least}`);
}

/** One of a list of names. */
export function checkName(where: string, got: string, names: readonly string[]): void {
  if (names.includes(got)) return;
  const near = nearest(String(got), names);
  throw new ConfigError({
    where,
    what: 'no such choice',
    got,
    wanted: `one of ${names.join(', ')}`,
    ...(near !== undefined && { fix: `Did you mean ${near}?` }),
  });
}

/** Refuses an option that is not there, and suggests the nearest that is. */
export function checkKnown(where: string, options: object, known: readonly string[]): void {
  requireOptions(where, options);
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    throw new ConfigError({
      where,
      what: `unknown option ${name}`,
      wanted: `one of ${known.join(', ')}`,
      ...(near !== undefined && { fix: `Did you mean ${near}?` }),
    });
  }
}

/** A seed: a whole number from 0 to 2^53 − 1. There is no default: what is drawn is the caller's choice. */
export function checkSeed(got: number | undefined): void {
  const wanted = 'a whole number from 0 to 2^53 − 1';
  if (got === undefined) throw new ConfigError({ where: 'seed', what: 'it is missing', wanted, fix: 'Give seed: 0' });
  checkOption('seed', got, Number.isSafeInteger(got) && got >= 0, wanted);
}
