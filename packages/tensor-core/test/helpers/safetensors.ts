/** Builds safetensors files by hand, good and bad ones. */

export interface RawFile {
  /** an object is written as JSON, a string as it is */
  header: object | string;
  data?: Uint8Array | number[];
  /** the length field, if it should differ from the header's length */
  length?: bigint;
}

/** The bytes of a file; nothing is padded or checked. */
export function rawFile({ header, data = [], length }: RawFile): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

/** An entry of a header. */
export const entry = (dtype: string, shape: unknown, begin: unknown, end: unknown): object => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

/** The same bytes in a larger buffer, starting at an odd offset. */
export function atOddOffset(bytes: Uint8Array): Uint8Array {
  const buffer = new Uint8Array(bytes.length + 1);
  buffer.set(bytes, 1);
  return buffer.subarray(1);
}

/** A header padded with spaces until its length is 8k + `rest`. */
export function padTo(header: object, rest: number): string {
  const json = JSON.stringify(header);
  const bytes = new TextEncoder().encode(json).length;
  return json + ' '.repeat((8 + rest - (bytes % 8)) % 8);
}
