// The surrogate of a checkpoint: made again from its name and options, or the one that is given, where it is the same.
import { CheckpointError, ConfigError } from '@gimbal/tensor-core';
import type { Surrogate } from '../surrogates/surrogate.ts';
import { surrogateOf, surrogates } from '../surrogates/surrogates.ts';

/** A schedule that was a function stands as 'function'; in older checkpoints it is left out. */
export interface SavedSurrogate {
  name: string;
  options: Readonly<Record<string, unknown>>;
}

/**
 * @param given to go on with; undefined: the saved one
 * @throws CheckpointError where it differs from the saved one, ConfigError where that cannot be made again
 */
export function surrogateGoingOn({ name, options }: SavedSurrogate, given?: Surrogate): Surrogate {
  if (given === undefined) {
    if (!Object.hasOwn(surrogates, name)) {
      const what = `${name} was one of yours, a function, which no checkpoint holds`;
      throw new ConfigError({ where: 'resume, surrogate', what, fix: 'Give surrogate again' });
    }
    const lost = Object.keys(options).find((key) => options[key] === 'function');
    if (lost === undefined) return surrogateOf(name, options);
    const what = 'it was a function, which no checkpoint holds';
    throw new ConfigError({ where: `resume, surrogate.${lost}`, what, fix: 'Give surrogate again' });
  }
  // what is no surrogate is refused with the other options
  if (typeof given !== 'function' || given.options === undefined) return given;
  if (given.surrogate !== name) throw differs('surrogate', given.surrogate, name);
  for (const key of new Set([...Object.keys(options), ...Object.keys(given.options)])) {
    const [before, now] = [options[key], given.options[key]];
    if (typeof now === 'function' ? before === 'function' || before === undefined : same(before, now)) continue;
    throw differs(`surrogate.${key}`, now, before);
  }
  return given;
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const differs = (option: string, got: unknown, wanted: unknown): CheckpointError =>
  new CheckpointError({
    where: 'resume',
    what: `${option} differs`,
    got: typeof got === 'function' ? 'a function' : (got ?? 'its default'),
    wanted: JSON.stringify(wanted ?? 'its default'),
    fix: 'Leave surrogate out, or begin a new run',
  });
