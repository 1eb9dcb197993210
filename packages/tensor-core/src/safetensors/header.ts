/**
 * The header of a safetensors file: 8 bytes length N (little-endian), N bytes of JSON, then the data buffer. Offsets
 * are relative to the data buffer. The checks are those of the reference (safetensors 0.8.0, tensor.rs) and a strict
 * JSON reader below them: what passes can neither claim memory nor point outside the file.
 */
import { CheckpointError } from '../errors.ts';
import { dtypeBytes, isDtype, type SafetensorsDtype } from './dtype.ts';
import { type JsonSyntaxError, type JsonValue, parseStrictJson } from './strict-json.ts';

/** The longest header that is read; the reference's cap. */
export const maxHeaderBytes = 100_000_000;

/** What a file's header says of one tensor. */
export interface TensorEntry {
  /** its name in the file */
  readonly name: string;
  /** of its elements in the file */
  readonly dtype: SafetensorsDtype;
  /** sizes of its dimensions; [] for a scalar */
  readonly shape: readonly number[];
  /** first byte, counted from the start of the file */
  readonly start: number;
  /** bytes of its elements */
  readonly byteLength: number;
}

export interface Header {
  /** by name, in the order of the data */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Checks the first 8 bytes of a file.
 * @param prefix the file's first 8 bytes (fewer if it is shorter)
 * @param fileSize in bytes
 * @returns the header's length N
 */
export function headerLength(prefix: Uint8Array, fileSize: number, where: string): number {
  if (prefix.length < 8 || fileSize < 8) {
    throw new CheckpointError({
      where,
      what: 'too short for a safetensors file',
      got: `${fileSize} bytes`,
      wanted: 'at least 8',
    });
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(maxHeaderBytes)) {
    throw new CheckpointError({
      where,
      what: 'the header is said to be longer than any real one',
      got: `${length} bytes`,
      wanted: `at most ${maxHeaderBytes}`,
      fix: 'This is no safetensors file, or its first bytes are damaged',
    });
  }
  if (Number(length) > fileSize - 8) {
    throw new CheckpointError({
      where,
      what: 'the file ends inside its header',
      got: `${fileSize} bytes`,
      wanted: `at least ${8 + Number(length)}`,
      fix: 'The file is truncated: copy or download it again',
    });
  }
  return Number(length);
}

/**
 * Parses and checks a header.
 * @param bytes the N bytes after the first 8
 * @param fileSize of the whole file, in bytes
 * @throws CheckpointError naming the file, the tensor and its offsets
 */
export function parseHeader(bytes: Uint8Array, fileSize: number, where: string): Header {
  if (bytes[0] !== 0x7b) throw bad(where, 'the header does not start with {', `byte ${bytes[0]}`);
  let root: JsonValue;
  try {
    // ignoreBOM keeps a byte order mark in the text, where it is an error; the end may be padded with spaces only
    root = parseStrictJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    const what =
      (error as { name?: string }).name === 'JsonSyntaxError' ? (error as JsonSyntaxError).message : 'no valid UTF-8';
    throw bad(where, `the header is no valid JSON: ${what}`);
  }
  const tensors: TensorEntry[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of root as Map<string, JsonValue>) {
    if (name === '__metadata__') metadata = parseMetadata(value, where);
    else tensors.push(parseEntry(name, value, 8 + bytes.length, where));
  }
  // zero-size tensors share their offset with a neighbour: they come first, so that the tiling below is gapless
  tensors.sort((a, b) => a.start - b.start || a.byteLength - b.byteLength);
  checkTiling(tensors, 8 + bytes.length, fileSize, where);
  return { tensors: new Map(tensors.map((t) => [t.name, t])), metadata };
}

function parseMetadata(value: JsonValue, where: string): Record<string, string> {
  if (!isMap(value)) throw bad(where, '__metadata__ is no object');
  const entries: [string, string][] = [];
  for (const [key, text] of value) {
    if (typeof text !== 'string') throw bad(where, `__metadata__ ${JSON.stringify(key)} is no string`);
    entries.push([key, text]);
  }
  return Object.fromEntries(entries); // defines own properties: a key "__proto__" changes no prototype
}

function parseEntry(name: string, value: JsonValue, dataStart: number, file: string): TensorEntry {
  const where = `${file}, tensor ${JSON.stringify(name)}`;
  if (!isMap(value)) throw bad(where, 'the entry is no object');
  for (const key of value.keys()) {
    if (key !== 'dtype' && key !== 'shape' && key !== 'data_offsets') throw bad(where, 'unknown key in the entry', key);
  }
  const dtype = value.get('dtype');
  if (typeof dtype !== 'string') throw bad(where, 'the dtype is missing or no string');
  if (!isDtype(dtype)) {
    throw bad(where, 'a dtype that cannot be read', dtype, Object.keys(dtypeBytes).join(', '));
  }
  const shape = integers(value.get('shape'), where, 'shape');
  const offsets = integers(value.get('data_offsets'), where, 'data_offsets');
  const [begin, end] = offsets;
  if (begin === undefined || end === undefined || offsets.length !== 2) {
    throw bad(where, 'data_offsets', offsets, 'two numbers, first and one past the last byte');
  }
  if (end < begin) throw bad(where, 'data_offsets end before they begin', offsets);
  let size = dtypeBytes[dtype];
  for (const d of shape) {
    size *= d;
    // checked at each factor: a later 0 must not hide an overflow, as in the reference
    if (!Number.isSafeInteger(size)) throw bad(where, 'the shape is too large', shape);
  }
  if (end - begin !== size) {
    throw bad(
      where,
      `data_offsets [${begin},${end}] do not hold ${dtype} of shape [${shape}]`,
      `${end - begin} bytes`,
      `${size}`,
    );
  }
  return { name, dtype, shape, start: dataStart + begin, byteLength: size };
}

function integers(value: JsonValue | undefined, where: string, key: string): number[] {
  if (!Array.isArray(value)) throw bad(where, `${key} is missing or no array`);
  return value.map((item) => {
    const text = typeof item === 'object' && item !== null && 'number' in item ? item.number : undefined;
    const n = Number(text);
    if (text === undefined || !/^[0-9]+$/.test(text) || !Number.isSafeInteger(n)) {
      throw bad(where, `${key} holds something that is no whole number from 0 to 2^53 − 1`, text ?? typeof item);
    }
    return n;
  });
}

/** Tensors in the order of their offsets must cover the data buffer exactly: no hole, no overlap, nothing after. */
function checkTiling(tensors: readonly TensorEntry[], dataStart: number, fileSize: number, where: string): void {
  let at = dataStart;
  let before = 'the start of the data';
  for (const t of tensors) {
    const range = `[${t.start - dataStart},${t.start - dataStart + t.byteLength}]`;
    if (t.start !== at) {
      throw bad(
        `${where}, tensor ${JSON.stringify(t.name)}`,
        t.start < at ? `data_offsets ${range} overlap ${before}` : `data_offsets ${range} leave a hole after ${before}`,
        t.start - dataStart,
        `${at - dataStart}`,
      );
    }
    at += t.byteLength;
    before = `tensor ${JSON.stringify(t.name)}, which ends at ${at - dataStart}`;
  }
  if (at > fileSize) {
    throw new CheckpointError({
      where,
      what: `the file ends inside its data: ${before}`,
      got: `${fileSize} bytes`,
      wanted: `${at}`,
      fix: 'The file is truncated: copy or download it again',
    });
  }
  if (at < fileSize) {
    throw bad(where, `bytes after the last tensor (${before})`, `${fileSize} bytes`, `${at}`);
  }
}

const isMap = (v: JsonValue | undefined): v is Map<string, JsonValue> =>
  typeof v === 'object' && v !== null && Object.prototype.toString.call(v) === '[object Map]';

function bad(where: string, what: string, got?: unknown, wanted?: string): CheckpointError {
  return new CheckpointError({
    where,
    what,
    ...(got !== undefined && { got }),
    ...(wanted !== undefined && { wanted }),
  });
}
