// Weights of 4 or 8 bits: codes with a scale for each group of 16 or 32 of a row. A backend that multiplies by them as they
// are holds nothing else; elsewhere they become float32.
import { type Tensor2D, tensor2d } from '@tensorflow/tfjs-core';
import { type BlockWeight, backendExtensions } from '../backend/extensions.ts';
import { ShapeError } from '../errors.ts';
import { checkTensor } from '../ops/internal/check.ts';
import { requireOptions } from '../options/checks.ts';
import { decodeFloat16 } from '../safetensors/half.ts';
import { flatten, type Params } from '../tree/params.ts';

const floats = (x: Float32Array | Uint16Array): Float32Array => (x instanceof Float32Array ? x : decodeFloat16(x));

/** The elements of such a matrix, row by row, every product and sum in float32. @throws ShapeError as `blockWeight` */
export function blockValues(w: BlockWeight): Float32Array {
  checkBlocks(w);
  const { group, codes, zero, bits } = w;
  const [scales, offsets] = [floats(w.scales), w.offsets && floats(w.offsets)];
  const signed = bits === 8 ? new Int8Array(codes.buffer, codes.byteOffset, codes.length) : codes;
  const out = new Float32Array(codes.length);
  for (let g = 0, at = 0; g < scales.length; g++) {
    const [scale, offset] = [scales[g] as number, offsets?.[g]];
    // the product is rounded before the sum: storing it does so
    for (const end = at + group; at < end; at++) {
      out[at] = scale * ((signed[at] as number) - zero);
      if (offset !== undefined) out[at] = (out[at] as number) + offset;
    }
  }
  return out;
}

/**
 * A float32 weight [n, k] of which a backend that can (`native`) keeps the codes only: products x Wᵀ (`weightLayout:
 * 'out-in'`, in float32 whatever the precision) and `embedding` read those. Whatever else asks for its elements makes
 * floats of them, which then stay; writing it in place lets go of the codes.
 * @returns the caller disposes it; the codes are copied
 * @throws ShapeError where sizes or types do not fit, or scales or offsets are no finite numbers; ConfigError for no object
 * Source: ggml's blocks (papers/open-checkpoints.md §10).
 */
export function blockWeight(w: BlockWeight): Tensor2D {
  checkBlocks(w);
  checkFinite(w);
  const backend = backendExtensions();
  return backend ? (backend.blockWeight(w) as Tensor2D) : tensor2d(blockValues(w), w.shape);
}

/** Bytes that the weights of a tree take as they are held now: of blocks their codes, of others their elements. */
export function heldBytes(params: Params): number {
  const backend = backendExtensions();
  let bytes = 0;
  for (const [path, t] of flatten(params)) {
    checkTensor('heldBytes', path, t);
    bytes += backend?.blockBytes(t) ?? t.size * (t.dtype === 'bool' ? 1 : 4);
  }
  return bytes;
}

function bad(what: string, got: unknown, wanted: string): never {
  throw new ShapeError({ where: 'blockWeight', what, got, wanted });
}

/** By name: an array may come from another realm, as in a test runner's context. */
const typeOf = (x: unknown): string => Object.prototype.toString.call(x).slice(8, -1);

function checkBlocks(w: BlockWeight): void {
  requireOptions('blockWeight', w);
  const { shape, bits, group, codes, scales, offsets, zero } = w;
  if (!Array.isArray(shape) || shape.length !== 2 || !shape.every(Number.isSafeInteger))
    bad('bad shape', shape, '[rows, columns]');
  const [n, k] = shape;
  if (bits !== 4 && bits !== 8) bad('bad bits', bits, '4 or 8');
  if (group !== 16 && group !== 32) bad('bad group', group, '16 or 32');
  if (!(n >= 1) || !(k >= group) || k % group !== 0)
    bad('rows do not fill whole groups', `[${n}, ${k}]`, `[n, a multiple of ${group}]`);
  if (typeOf(codes) !== 'Uint8Array') bad('codes of another type', typeOf(codes), 'a Uint8Array');
  if (codes.length !== n * k) bad('codes do not fit the shape', codes.length, `${n * k}`);
  if (bits === 8 && zero !== 0) bad('codes of 8 bits are signed', `zero ${zero}`, 'zero 0');
  if (!Number.isInteger(zero) || zero < 0 || zero > 15) bad('bad zero', zero, 'a whole number from 0 to 15');
  if (bits === 4) for (const code of codes) if (code > 15) bad('a code beyond 4 bits', code, '0 to 15');
  for (const x of [scales, ...(offsets === undefined ? [] : [offsets])])
    if (typeOf(x) !== 'Float32Array' && typeOf(x) !== 'Uint16Array')
      bad('scales or offsets of another type', typeOf(x), 'a Float32Array, or a Uint16Array of float16');
  const groups = (n * k) / group;
  if (scales.length !== groups) bad('scales do not fit the shape', scales.length, `${groups}`);
  if (offsets === undefined) return;
  if (offsets.length !== groups) bad('offsets do not fit the shape', offsets.length, `${groups}`);
  if (offsets.BYTES_PER_ELEMENT !== scales.BYTES_PER_ELEMENT)
    bad('offsets are of another type than scales', offsets.constructor.name, scales.constructor.name);
}

/** Of values in a file whoever reads it says which are no numbers. */
function checkFinite({ scales, offsets }: BlockWeight): void {
  for (const x of [scales, ...(offsets === undefined ? [] : [offsets])]) {
    const at = floats(x).findIndex((value) => !Number.isFinite(value));
    if (at >= 0) bad(`scale or offset ${at} is no finite number`, floats(x)[at], 'finite numbers');
  }
}
