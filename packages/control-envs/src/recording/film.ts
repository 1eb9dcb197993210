/** What the encoders of films share. */
import { ShapeError } from '@gimbal/tensor-core';

/** A film that is encoded picture by picture, so that no picture has to be kept. */
export interface Film {
  /** Appends a picture, rgb `[height * width * 3]`; the array is the caller's again afterwards. */
  add(rgb: Uint8Array): void;
  /** The file of what was added so far. */
  finish(): Uint8Array;
}

/** @throws ShapeError for a picture of another size */
export function checkPicture(rgb: Uint8Array, width: number, height: number, where: string): void {
  const wanted = width * height * 3;
  if (wanted > 0 && rgb?.length === wanted) return;
  throw new ShapeError({ where, what: `no picture of ${width} × ${height}`, got: rgb?.length, wanted });
}

export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
