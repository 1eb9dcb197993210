// Checks of numbers, with this package's reason.
import { refusal } from '../internal/refuse.ts';

/** A whole number of at least `least`. */
export function checkSize(where: string, got: number, least = 1): void {
  if (!Number.isSafeInteger(got) || got < least)
    throw refusal('CONFIG', { where, what: 'out of range', got, wanted: `a whole number ≥ ${least}` });
}

/** Refuses a value that does not pass its test. */
export function checkThat(where: string, good: boolean, got: unknown, wanted: string): void {
  if (!good) throw refusal('CONFIG', { where, what: 'out of range', got, wanted });
}

/** Numbers of one array of codes: 256 MiB of them. */
const most = 2 ** 26;

/** Refuses more codes of `dim` numbers than one array is made for: they are made at once, and nothing could stop it. */
export function checkCount(where: string, rows: number, dim: number): void {
  checkThat(where, rows * dim <= most, rows, `at most ${Math.floor(most / dim)} codes of ${dim} numbers at once`);
}
