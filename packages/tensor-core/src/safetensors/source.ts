/**
 * Where bytes are read from: a buffer, a Blob (a file chosen in a page), a URL by range requests, or, in Node, a path
 * (file-source.node.ts). Reads are ranged, so a header can be read without the gigabytes behind it.
 */
import { CheckpointError } from '../errors.ts';

/** Bytes that are read by ranges. */
export interface ByteSource {
  /** for messages: a path, an address, 'bytes' */
  readonly name: string;
  /** in bytes */
  readonly size: number;
  /**
   * Exactly the bytes `start` … `end` − 1; may be a view of memory that the source keeps.
   * @param into at least as long: what a source that copies may fill and give a view of
   */
  read(start: number, end: number, into?: Uint8Array): Promise<Uint8Array>;
  /** Lets go of what is open; safe to call twice. */
  close(): Promise<void>;
}

export type Bytes = Uint8Array | ArrayBuffer;

/** Bytes in memory. */
export function bytesSource(bytes: Bytes, name = 'bytes'): ByteSource {
  const all = ArrayBuffer.isView(bytes) ? bytes : new Uint8Array(bytes);
  return {
    name,
    size: all.byteLength,
    read: async (start, end) => all.subarray(start, end),
    close: async () => {},
  };
}

/** A Blob, such as a file that was chosen in a page. */
export function blobSource(blob: Blob, name?: string): ByteSource {
  return {
    name: name ?? (blob as Partial<File>).name ?? 'blob',
    size: blob.size,
    read: async (start, end) => new Uint8Array(await blob.slice(start, end).arrayBuffer()),
    close: async () => {},
  };
}

/**
 * A file on a server that answers range requests (RFC 9110 §14); from one that does not, the file is downloaded once.
 * @param request replaces `fetch`, to add headers
 * @throws CheckpointError when the server refuses or sends other bytes than asked for
 */
export async function urlSource(url: string, request: typeof fetch = fetch): Promise<ByteSource> {
  const get = async (start: number, end: number): Promise<Response> => {
    const response = await request(url, { headers: { Range: `bytes=${start}-${end - 1}` } });
    if (!response.ok && response.status !== 416) {
      throw new CheckpointError({ where: url, what: 'the server refused', got: response.status, wanted: '200 or 206' });
    }
    return response;
  };
  const first = await get(0, 8);
  if (first.status === 200) return bytesSource(await first.arrayBuffer(), url); // ranges are not supported there
  const size = Number(/\/(\d+)$/.exec(first.headers.get('content-range') ?? '')?.[1] ?? Number.NaN);
  await first.body?.cancel();
  if (!Number.isSafeInteger(size)) {
    throw new CheckpointError({
      where: url,
      what: 'the server does not tell how long the file is',
      got: first.headers.get('content-range'),
      wanted: 'Content-Range: bytes 0-7/<length>',
      fix: 'Download the file and open its bytes',
    });
  }
  return {
    name: url,
    size,
    read: async (start, end) => {
      if (end <= start) return new Uint8Array(0);
      const response = await get(start, end);
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (response.status !== 206 || bytes.length !== end - start) {
        throw new CheckpointError({
          where: url,
          what: `asked for bytes ${start} to ${end - 1}`,
          got: `${bytes.length} bytes, status ${response.status}`,
          wanted: `${end - start} bytes, status 206`,
        });
      }
      return bytes;
    },
    close: async () => {},
  };
}

/** All that `openSafetensors` accepts; a string is an address when it has a scheme, else a path (Node only). */
export type SourceLike = string | URL | Blob | Bytes | ByteSource;

export const isAddress = (s: string): boolean => /^[a-z][a-z0-9+.-]+:\/\//i.test(s);

/** A source for everything but paths. */
export async function openSource(from: Exclude<SourceLike, string>): Promise<ByteSource> {
  if ('read' in from) return from;
  if ('href' in from) return urlSource(from.href);
  if ('byteLength' in from) return bytesSource(from);
  return blobSource(from);
}
