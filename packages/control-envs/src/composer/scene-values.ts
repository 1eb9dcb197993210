/** Values in a scene's description: each refuses what is of another kind, and names its path. Absent ones pass. */
import { ConfigError, nearest } from '@gimbal/tensor-core';

export function objectOf(value: unknown, path: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw fault(path, 'no object', value);
}

export function onlyKeys(value: object, known: readonly string[], path: string): void {
  objectOf(value, path);
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const guess = nearest(unknown, known);
  const fix = guess === undefined ? undefined : `Did you mean ${guess}?`;
  throw fault(path, 'unknown key', unknown, known.join(', '), fix);
}

export function oneOf(value: string, known: readonly string[] = [], path: string): void {
  if (known.includes(value)) return;
  const guess = nearest(String(value), known);
  const fix = guess === undefined ? undefined : `Did you mean ${guess}?`;
  throw fault(path, 'unknown name', value, known.join(', '), fix);
}

/** @returns the list; an empty one where there is none */
export function list<T>(values: readonly T[] | undefined, path: string): readonly T[] {
  if (values === undefined) return [];
  if (!Array.isArray(values)) throw fault(path, 'no list', values);
  return values;
}

export function text(value: unknown, path: string): void {
  if (typeof value !== 'string') throw fault(path, 'no text', value, 'a name');
}

export function flag(value: unknown, path: string): void {
  if (value !== undefined && typeof value !== 'boolean') throw fault(path, 'neither true nor false', value);
}

export function numberFrom(value: unknown, least: number, path: string, wanted: string): void {
  if (value === undefined || (Number.isFinite(value) && (value as number) >= least)) return;
  throw fault(path, 'no such number', value, wanted);
}

export function finite(numbers: readonly number[] | undefined, length: number, path: string): void {
  if (numbers === undefined) return;
  if (Array.isArray(numbers) && numbers.length === length && numbers.every((x) => Number.isFinite(x))) return;
  throw fault(path, 'bad numbers', numbers, `${length} finite ones`);
}

export const fault = (where: string, what: string, got?: unknown, wanted?: string, fix?: string): ConfigError =>
  new ConfigError({ where, what, ...(got !== undefined && { got }), ...(wanted && { wanted }), ...(fix && { fix }) });
