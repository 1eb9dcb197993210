// What plain JavaScript may hand to a public function, looked at before anything is read from it.
import { ConfigError, checkOption, DataError, type Rng } from '@gimbal/tensor-core';
import { isPromise } from '../rollout/env-faults.ts';

/** What came where something else was wanted, in a word or two. */
export function kindOf(got: unknown): string {
  if (got === null) return 'null';
  if (Array.isArray(got)) return 'an array';
  return isPromise(got) ? 'a promise' : typeof got;
}

/** Numbers in a row, in a plain array or a typed one. @throws DataError for anything else */
export function checkNumbers(where: string, got: unknown): void {
  const isTyped = ArrayBuffer.isView(got) && typeof (got as { length?: unknown }).length === 'number';
  if (isTyped || Array.isArray(got)) return;
  const wanted = 'an array of numbers';
  throw new DataError({ where, what: 'it is no list of numbers', got: kindOf(got), wanted });
}

/** An object with parts. @param wanted its parts @throws DataError for anything else */
export function checkParts(where: string, got: unknown, wanted: string): void {
  if (typeof got === 'object' && got !== null && !Array.isArray(got)) return;
  throw new DataError({ where, what: 'it is not there', got: kindOf(got), wanted });
}

/** A stream of random numbers. @throws ConfigError for anything else */
export function checkRng(where: string, got: unknown): asserts got is Rng {
  // not by `split`, which strings have
  if (typeof (got as Partial<Rng> | null | undefined)?.uniform === 'function') return;
  throw new ConfigError({ where, what: 'it is no stream of random numbers', fix: 'Give rng(seed)' });
}

/** A function. @throws ConfigError for anything else */
export function checkFunction(where: string, got: unknown, wanted: string): void {
  checkOption(where, kindOf(got), typeof got === 'function', wanted);
}
