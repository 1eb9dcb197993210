/**
 * Does a checkpoint belong to the run that wants it? Configurations are compared as JSON; the first option that differs
 * is named.
 */
import { CheckpointError } from '../errors.ts';

/** Plain JSON, as files hold it. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A value as JSON would give it back: functions and absent options are gone, NaN is null. */
export function asJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value ?? null)) as Json;
}

/** A path whose values differ. */
export interface Difference {
  readonly path: string;
  readonly saved: Json | undefined;
  readonly wanted: Json | undefined;
}

/**
 * The first difference between two configurations, in the order of the wanted one's keys; keys that only the saved one
 * has come last.
 */
export function firstDifference(saved: Json | undefined, wanted: Json | undefined, path = ''): Difference | undefined {
  if (isObject(saved) && isObject(wanted)) {
    for (const key of new Set([...Object.keys(wanted), ...Object.keys(saved)])) {
      const found = firstDifference(saved[key], wanted[key], path === '' ? key : `${path}.${key}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (Array.isArray(saved) && Array.isArray(wanted) && saved.length === wanted.length) {
    for (let i = 0; i < saved.length; i++) {
      const found = firstDifference(saved[i], wanted[i], `${path}[${i}]`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  return JSON.stringify(saved) === JSON.stringify(wanted) ? undefined : { path, saved, wanted };
}

/**
 * Refuses a checkpoint of another configuration.
 * @param where the checkpoint, for the message
 * @throws CheckpointError naming the first option that differs: `got` is its value now, `wanted` the checkpoint's
 */
export function checkConfig(saved: unknown, wanted: unknown, where: string): void {
  const difference = firstDifference(asJson(saved), asJson(wanted));
  if (difference === undefined) return;
  const { path } = difference;
  throw new CheckpointError({
    where,
    what: `the checkpoint is from another configuration: ${path === '' ? 'it' : path} differs`,
    got: difference.wanted ?? 'nothing',
    wanted: JSON.stringify(difference.saved) ?? 'nothing',
    fix: 'Resume with the options of the run, which its config.json lists, or start a new run',
  });
}

const isObject = (v: unknown): v is { [key: string]: Json } => typeof v === 'object' && v !== null && !Array.isArray(v);
