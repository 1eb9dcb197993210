// NumPy's file format of arrays, version 1.0 and 2.0 (numpy.lib.format): magic, length of the header, a Python dict, the
// numbers. Of floats, row by row, as vectors are.
import { DataError } from '@gimbal/tensor-core';

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** An array of float32 as a .npy. */
export function npyBytes(values: Float32Array, shape: readonly number[]): Uint8Array {
  const dict = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')}${shape.length === 1 ? ',' : ''}), }`;
  // magic, version, length, dict and line feed are a multiple of 64 bytes
  const size = Math.ceil((10 + dict.length + 1) / 64) * 64;
  const bytes = new Uint8Array(size + 4 * values.length).fill(0x20, 0, size);
  bytes.set([...magic, 1, 0]);
  const view = new DataView(bytes.buffer);
  view.setUint16(8, size - 10, true);
  bytes.set(new TextEncoder().encode(dict), 10);
  bytes[size - 1] = 0x0a;
  for (const [i, x] of values.entries()) view.setFloat32(size + 4 * i, x, true);
  return bytes;
}

/**
 * The numbers of a .npy of float32 or float64, as float32.
 * @throws DataError naming the file, for what is no such array
 */
export function parseNpy(bytes: Uint8Array, file: string): { values: Float32Array; shape: number[] } {
  const wanted = 'an array of float32 or float64, row by row: np.save(file, codes.astype(np.float32))';
  const refuse = (what: string, got?: unknown): DataError => new DataError({ where: file, what, got, wanted });
  if (bytes.length < 12 || magic.some((byte, i) => bytes[i] !== byte)) throw refuse('the file is no .npy');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = bytes[6] === 1 ? 10 : 12;
  const from = start + (bytes[6] === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  const header = new TextDecoder('latin1').decode(bytes.subarray(start, from));
  const descr = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const dims = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  if (descr !== '<f4' && descr !== '<f8') throw refuse('numbers of another kind', descr);
  if (dims === undefined || /'fortran_order':\s*True/.test(header)) throw refuse('an array of another order');
  const shape = dims.split(',').flatMap((n) => (n.trim() === '' ? [] : [Number(n)]));
  const length = shape.reduce((a, b) => a * b, 1);
  const size = descr === '<f4' ? 4 : 8;
  if (from + length * size !== bytes.length)
    throw refuse('the file is cut short, or longer than its array', bytes.length);
  const at = (i: number): number =>
    size === 4 ? view.getFloat32(from + 4 * i, true) : view.getFloat64(from + 8 * i, true);
  return { values: Float32Array.from({ length }, (_, i) => at(i)), shape };
}
