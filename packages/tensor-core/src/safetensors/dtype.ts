/**
 * The element types of safetensors files, their sizes, and the way between a file's bytes and host arrays.
 * Files are little-endian, as is every machine this library runs on.
 */
import { CheckpointError } from '../errors.ts';
import { decodeBfloat16, decodeFloat16, encodeBfloat16, encodeFloat16 } from './half.ts';

/** The dtypes of the format, by its names. */
export type SafetensorsDtype =
  | 'BOOL'
  | 'U8'
  | 'I8'
  | 'F8_E5M2'
  | 'F8_E4M3'
  | 'I16'
  | 'U16'
  | 'F16'
  | 'BF16'
  | 'I32'
  | 'U32'
  | 'F32'
  | 'F64'
  | 'I64'
  | 'U64';

/** A tensor's elements as they stand in the file; F16 and BF16 as their bits, F8 as bytes. */
export type RawArray =
  | Uint8Array
  | Int8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** Bytes per element; the order is the reference's alignment order, which its writer sorts by. */
export const dtypeBytes: Readonly<Record<SafetensorsDtype, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
};

const order = Object.keys(dtypeBytes);

/** Rank of a dtype in the reference writer's order. */
export const dtypeOrder = (dtype: SafetensorsDtype): number => order.indexOf(dtype);

export const isDtype = (name: string): name is SafetensorsDtype => Object.hasOwn(dtypeBytes, name);

/** Bytes of a file as an array of its elements: a view where the alignment allows it, else a copy. */
export function rawArray(dtype: SafetensorsDtype, bytes: Uint8Array): RawArray {
  const size = dtypeBytes[dtype];
  // offsets in files of other writers are not aligned, and a typed array needs it
  const b = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  const n = b.byteLength / size;
  switch (dtype) {
    case 'I8':
      return new Int8Array(b.buffer, b.byteOffset, n);
    case 'I16':
      return new Int16Array(b.buffer, b.byteOffset, n);
    case 'U16':
    case 'F16':
    case 'BF16':
      return new Uint16Array(b.buffer, b.byteOffset, n);
    case 'I32':
      return new Int32Array(b.buffer, b.byteOffset, n);
    case 'U32':
      return new Uint32Array(b.buffer, b.byteOffset, n);
    case 'F32':
      return new Float32Array(b.buffer, b.byteOffset, n);
    case 'F64':
      return new Float64Array(b.buffer, b.byteOffset, n);
    case 'I64':
      return new BigInt64Array(b.buffer, b.byteOffset, n);
    case 'U64':
      return new BigUint64Array(b.buffer, b.byteOffset, n);
    default:
      return b;
  }
}

export type TensorDtype = 'float32' | 'int32' | 'bool';
/** Values as tfjs holds them: float32, int32, or bool as bytes. */
export type TensorValues = Float32Array | Int32Array | Uint8Array;

/** The tensor dtype that holds a file dtype. */
export function tensorDtype(dtype: SafetensorsDtype): TensorDtype {
  if (dtype === 'BOOL') return 'bool';
  return dtype.startsWith('F') || dtype === 'BF16' ? 'float32' : 'int32';
}

/**
 * Elements of a file as a tensor's values. F64 is rounded to float32; 64-bit and unsigned integers must fit int32.
 * @param out filled with the elements, as many values as they are, of the tensor's dtype
 * @throws CheckpointError naming `where` for F8 (meaningless without its scale) and for integers beyond int32
 */
export function tensorValues(dtype: SafetensorsDtype, raw: RawArray, where: string, out: TensorValues): void {
  switch (dtype) {
    case 'BF16':
      decodeBfloat16(raw as Uint16Array, out as Float32Array);
      return;
    case 'F16':
      decodeFloat16(raw as Uint16Array, out as Float32Array);
      return;
    case 'F32':
    case 'F64':
    case 'I8':
    case 'U8':
    case 'I16':
    case 'U16':
    case 'I32':
      out.set(raw as Float64Array);
      return;
    case 'BOOL':
      (raw as Uint8Array).forEach((b, i) => {
        out[i] = b === 0 ? 0 : 1;
      });
      return;
    case 'U32':
    case 'I64':
    case 'U64':
      checkInt32(raw as Uint32Array | BigInt64Array, dtype, where, out);
      return;
    default:
      throw new CheckpointError({
        where,
        what: 'an 8-bit float tensor means nothing without its scale',
        got: dtype,
        wanted: 'F32, F16, BF16 or F64',
        fix: 'Read the raw bytes with raw() and apply the scale, or store the tensor in another dtype',
      });
  }
}

function checkInt32(
  raw: Uint32Array | BigInt64Array | BigUint64Array,
  dtype: string,
  where: string,
  out: TensorValues,
): void {
  for (let i = 0; i < out.length; i++) {
    const value = Number(raw[i]);
    if (value < -2147483648 || value > 2147483647) {
      throw new CheckpointError({
        where,
        what: `element ${i} of a ${dtype} tensor does not fit int32`,
        got: String(raw[i]),
        wanted: 'a value from -2147483648 to 2147483647',
        fix: 'Read it with raw()',
      });
    }
    out[i] = value;
  }
}

/** Dtypes a float32 tensor can be written as. */
export type FloatDtype = 'F32' | 'F16' | 'BF16';

/** A tensor's values as bytes of a file; float32 values rounded to `float`. The result may share memory with `values`. */
export function fileBytes(values: TensorValues, float: FloatDtype): Uint8Array {
  const isFloat = Object.prototype.toString.call(values) === '[object Float32Array]';
  let out: ArrayBufferView = values;
  if (isFloat && float === 'BF16') out = encodeBfloat16(values as Float32Array);
  if (isFloat && float === 'F16') out = encodeFloat16(values as Float32Array);
  return new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
}
