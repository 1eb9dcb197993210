import { getBackend } from '@tensorflow/tfjs-core';
import { backendExtensions, type Precision } from '../backend/extensions.ts';
import { BackendError, ConfigError } from '../errors.ts';

/**
 * Runs f with the matrix products inside it, forward and backward, in a precision. With `bf16` their operands are
 * rounded to 8 significant bits and their sums are float32 (relative error of a product about 2e-3); a `kvCache` made
 * inside keeps keys and values so; parameters, optimiser state and everything else stay float32.
 * @param f a function; if it returns a promise the precision holds until that settles, for whatever else runs meanwhile
 * @throws BackendError where the backend or the machine has no bf16 products; ConfigError for another precision
 * @example withPrecision('bf16', () => valueAndGrad(loss)(params));
 */
export function withPrecision<T>(precision: Precision, f: () => T): T {
  if (precision !== 'float32' && precision !== 'bf16') {
    throw new ConfigError({
      where: 'withPrecision',
      what: 'unknown precision',
      got: precision,
      wanted: "'float32' or 'bf16'",
    });
  }
  const backend = backendExtensions();
  if (precision === 'bf16' && !backend?.bf16) throw noBf16('withPrecision');
  if (backend === undefined) return f(); // float32, as it is anyway
  const before = backend.precision;
  const restore = (): void => {
    backend.precision = before;
  };
  backend.precision = precision;
  let result: T;
  try {
    result = f();
  } catch (error) {
    restore();
    throw error;
  }
  if (isPromise(result)) return result.finally(restore) as T;
  restore();
  return result;
}

/** The precision of products at this moment. */
export const currentPrecision = (): Precision => backendExtensions()?.precision ?? 'float32';

/** The error for bf16 where there is none. */
export function noBf16(where: string): BackendError {
  return new BackendError({
    where,
    what: `the backend '${getBackend()}' has no bf16 products here`,
    wanted: "the backend 'native' on a processor with AVX512-BF16 or AMX",
    fix: "use precision 'float32'",
  });
}

const isPromise = (value: unknown): value is Promise<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as { finally?: unknown }).finally === 'function';
