// Options that are lists.
import { checkOption } from '@gimbal/tensor-core';

/** Widths of layers, none for a linear map. @throws ConfigError */
export function checkWidths(where: string, got: unknown): void {
  const isWidth = (width: unknown): boolean => Number.isSafeInteger(width) && (width as number) >= 1;
  checkOption(where, got, Array.isArray(got) && got.every(isWidth), 'a list of whole numbers ≥ 1, as [64, 64]');
}

/** Names. @throws ConfigError */
export function checkNames(where: string, got: unknown): void {
  const isList = Array.isArray(got) && got.every((name) => typeof name === 'string');
  checkOption(where, got, isList, 'a list of names');
}
