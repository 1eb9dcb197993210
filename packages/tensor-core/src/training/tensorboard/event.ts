/**
 * TensorBoard's event messages (tensorflow/core/util/event.proto, framework/summary.proto), as far as scalars need them:
 *
 *   Event   { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; SessionLog session_log = 7 }
 *   Summary { repeated Value value = 1 }     Value { string tag = 1; float simple_value = 2 }
 *   SessionLog { SessionStatus status = 1 }  START = 1
 *
 * and the records they stand in (TFRecord): length, its masked checksum, data, its masked checksum.
 */
import { maskedCrc32c } from './crc32c.ts';

/** The first record of every file. */
export const fileVersionEvent = (wallTimeSeconds: number): Uint8Array =>
  message([...double(1, wallTimeSeconds), ...text(3, 'brain.Event:2')]);

/** Tells readers to forget what other files of the folder say from this step on: the start of a resumed run. */
export const sessionStartEvent = (wallTimeSeconds: number, step: number): Uint8Array =>
  message([...double(1, wallTimeSeconds), ...varintField(2, step), ...bytes(7, varintField(1, 1))]);

/** Scalars of one step. */
export function scalarsEvent(
  wallTimeSeconds: number,
  step: number,
  scalars: Readonly<Record<string, number>>,
): Uint8Array {
  const values = Object.entries(scalars).flatMap(([tag, value]) => bytes(1, [...text(1, tag), ...float(2, value)]));
  return message([...double(1, wallTimeSeconds), ...varintField(2, step), ...bytes(5, values)]);
}

/** A message framed as a TFRecord. */
export function record(data: Uint8Array): Uint8Array {
  const out = new Uint8Array(data.length + 16);
  const view = new DataView(out.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(out.subarray(0, 8)), true);
  out.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc32c(data), true);
  return out;
}

const message = (parts: readonly number[]): Uint8Array => Uint8Array.from(parts);

// protobuf's wire format: tag = field number · 8 + wire type (0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes)

function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  while (rest >= 128) {
    out.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  out.push(rest);
  return out;
}

/** A field with its default value (0) is left out, as the reference writer does. */
const varintField = (field: number, value: number): number[] => (value === 0 ? [] : [field * 8, ...varint(value)]);
const bytes = (field: number, content: readonly number[]): number[] => [
  field * 8 + 2,
  ...varint(content.length),
  ...content,
];
const text = (field: number, value: string): number[] => bytes(field, [...new TextEncoder().encode(value)]);

function double(field: number, value: number): number[] {
  return [field * 8 + 1, ...new Uint8Array(Float64Array.of(value).buffer)];
}

function float(field: number, value: number): number[] {
  return [field * 8 + 5, ...new Uint8Array(Float32Array.of(value).buffer)];
}
