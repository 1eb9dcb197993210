/**
 * Writing: the layout of a file from its tensors' names, dtypes and shapes, byte for byte as the reference writer
 * (safetensors 0.8.0) would lay them out, so that equal tensors give equal files. The bytes follow one tensor at a
 * time, so a file may be larger than memory.
 */
import { CheckpointError } from '../errors.ts';
import { dtypeBytes, dtypeOrder, type SafetensorsDtype } from './dtype.ts';
import { maxHeaderBytes } from './header.ts';

/** A tensor to write. `chunks` yields its bytes in order, at most once per write. */
export interface TensorToWrite {
  /** its name in the file */
  readonly name: string;
  /** of its elements in the file */
  readonly dtype: SafetensorsDtype;
  /** sizes of its dimensions */
  readonly shape: readonly number[];
  /** Its bytes, little-endian, row-major, in pieces. */
  chunks(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

export interface Layout {
  /** length field and header, padded with spaces to a multiple of 8 */
  readonly header: Uint8Array;
  /** the tensors in the order of their data */
  readonly tensors: readonly TensorToWrite[];
  /** bytes of all tensors */
  readonly dataBytes: number;
  /** of header and data */
  readonly fileBytes: number;
}

/** What Python's libraries expect to find in `__metadata__`. */
export const defaultMetadata: Readonly<Record<string, string>> = { format: 'pt' };

/** Bytes of a tensor's data. */
export const tensorBytes = (t: Pick<TensorToWrite, 'dtype' | 'shape'>): number =>
  t.shape.reduce((n, d) => n * d, dtypeBytes[t.dtype]);

/** Sorted by dtype (widest first), then by name (by code points, as Rust compares strings). */
export function sortForFile<T extends Pick<TensorToWrite, 'name' | 'dtype'>>(tensors: readonly T[]): T[] {
  return [...tensors].sort((a, b) => dtypeOrder(b.dtype) - dtypeOrder(a.dtype) || compareText(a.name, b.name));
}

/**
 * Lays out a file.
 * @throws CheckpointError for a name given twice or '__metadata__', a bad shape, or a header over the cap
 */
export function layout(tensors: readonly TensorToWrite[], metadata: Readonly<Record<string, string>>): Layout {
  const sorted = sortForFile(tensors);
  const seen = new Set<string>();
  const parts: string[] = [];
  if (Object.keys(metadata).length > 0) parts.push(`"__metadata__":${JSON.stringify(metadata)}`);
  let at = 0;
  for (const t of sorted) {
    const where = `tensor ${JSON.stringify(t.name)}`;
    if (seen.has(t.name) || t.name === '__metadata__') {
      throw new CheckpointError({ where, what: seen.has(t.name) ? 'the name is given twice' : 'the name is reserved' });
    }
    seen.add(t.name);
    const end = at + tensorBytes(t);
    if (!t.shape.every((d) => Number.isSafeInteger(d) && d >= 0) || !Number.isSafeInteger(end)) {
      throw new CheckpointError({ where, what: 'the shape cannot be written', got: t.shape });
    }
    parts.push(
      `${JSON.stringify(t.name)}:${JSON.stringify({ dtype: t.dtype, shape: t.shape, data_offsets: [at, end] })}`,
    );
    at = end;
  }
  const json = new TextEncoder().encode(`{${parts.join(',')}}`);
  const length = Math.ceil(json.length / 8) * 8;
  if (length > maxHeaderBytes) {
    throw new CheckpointError({
      where: 'safetensors',
      what: 'the header is too long',
      got: length,
      wanted: `at most ${maxHeaderBytes} bytes`,
    });
  }
  const header = new Uint8Array(8 + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, 8);
  return { header, tensors: sorted, dataBytes: at, fileBytes: header.length + at };
}

/** The bytes of the file, piece by piece; checks that each tensor yields as many as its shape says. */
export async function* fileChunks(file: Layout): AsyncGenerator<Uint8Array> {
  yield file.header;
  for (const t of file.tensors) {
    let bytes = 0;
    for await (const chunk of t.chunks()) {
      bytes += chunk.byteLength;
      yield chunk;
    }
    if (bytes !== tensorBytes(t)) {
      throw new CheckpointError({
        where: `tensor ${JSON.stringify(t.name)}`,
        what: `${t.dtype} of shape [${t.shape}]`,
        got: `${bytes} bytes`,
        wanted: `${tensorBytes(t)}`,
      });
    }
  }
}

/** Compares as UTF-8 bytes do: JavaScript's own order differs above U+FFFF. */
function compareText(a: string, b: string): number {
  const x = [...a];
  const y = [...b];
  for (let i = 0; i < x.length && i < y.length; i++) {
    const d = (x[i]?.codePointAt(0) ?? 0) - (y[i]?.codePointAt(0) ?? 0);
    if (d !== 0) return d;
  }
  return x.length - y.length;
}
