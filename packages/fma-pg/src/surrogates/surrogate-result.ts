// A surrogate of the user's own and what it gives, looked at before anything is learnt from it.
import { ConfigError, isTensor, ShapeError } from '@gimbal/tensor-core';
import { dropped, isPromise, threw } from '../rollout/env-faults.ts';
import type { Surrogate, SurrogateInput, SurrogateResult, SurrogateStats } from './surrogate.ts';

const stats = [
  'klForward',
  'klReverse',
  'clipFraction',
  'ratioMax',
  'clampedShare',
  'heldShare',
] as const satisfies readonly (keyof SurrogateStats)[];

/** @throws ConfigError for what is no surrogate, and for one without its options */
export function checkSurrogate(got: unknown): asserts got is Surrogate {
  const { surrogate: name, options } = (got ?? {}) as Partial<Surrogate>;
  if (typeof got !== 'function' || name === undefined) {
    const wanted = 'one of surrogates, as surrogates.ppoClip()';
    throw new ConfigError({ where: 'surrogate', what: 'no surrogate', got, wanted });
  }
  // a checkpoint holds them, and steps are captured anew where they change
  if (typeof options === 'object' && options !== null) return;
  const wanted = 'what it was made with: {} where that is nothing';
  throw new ConfigError({ where: `surrogate ${name}`, what: 'it has no options', got: typeof options, wanted });
}

/**
 * Calls a surrogate.
 * @throws ConfigError, naming it, for what it throws (its cause), for a promise, and for a loss or number of `stats` that is
 * missing or no tensor; ShapeError for one that is no scalar
 */
export function resultOf(surrogate: Surrogate, input: SurrogateInput): SurrogateResult {
  const where = `surrogate ${surrogate.surrogate}`;
  let result: SurrogateResult;
  try {
    result = surrogate(input);
  } catch (error) {
    throw threw(error, where, 'it');
  }
  if (isPromise(result)) {
    dropped(result);
    throw new ConfigError({ where, what: 'it gave a promise', wanted, fix: 'Answer at once' });
  }
  const given: { loss?: unknown; stats?: { [name in keyof SurrogateStats]?: unknown } } = result ?? {};
  checkScalar(where, 'loss', given.loss);
  for (const name of stats) checkScalar(where, `stats.${name}`, given.stats?.[name]);
  return result;
}

const wanted = `{ loss, stats: { ${stats.join(', ')} } }, all of them scalars`;

function checkScalar(where: string, name: string, got: unknown): void {
  if (!isTensor(got)) {
    const what = got === undefined ? `it gave no ${name}` : `its ${name} is no tensor`;
    throw new ConfigError({ where, what, ...(got !== undefined && { got: typeof got }), wanted });
  }
  if (got.rank === 0) return;
  const fix = 'Reduce it with mean() or sum()';
  throw new ShapeError({ where, what: `its ${name} is no scalar`, got: got.shape, wanted: 'shape []', fix });
}
