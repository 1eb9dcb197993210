// Segments: large ranges of address space that tensors live in. An ArrayBuffer lies over each, so JavaScript can read
// tensors without copying; memory is used only where it was touched.
import { loadAddon } from '../addon.ts';
import { NativeError } from '../errors.ts';

/** One range; blocks are cut from `used` upwards. */
export interface Segment {
  readonly base: number; // address of the first byte
  readonly bytes: number;
  readonly buffer: ArrayBuffer;
  /** The addon reserved it; otherwise the runtime did, and its pages are not ours to give back. */
  readonly external: boolean;
  used: number;
  /** Bytes from the start that Windows was asked to back; elsewhere pages come by themselves. */
  committed: number;
}

const GIB = 2 ** 30;
/** Address space reserved at a time. Several segments hold more than 4 GiB, the most that Node 20 lets one buffer have. */
const SEGMENT_BYTES = GIB;
/** Where the runtime refuses external buffers (Electron) V8 allocates instead; it zeroes lazily too, but smaller is safer. */
const FALLBACK_BYTES = GIB / 4;
const COMMIT_STEP = 2 ** 24;
const PAGE = 4096;

/** Set when the runtime refused an external buffer once, or by GIMBAL_SEGMENTS=js (tests of that path). */
let externalRefused = process.env.GIMBAL_SEGMENTS === 'js';

const outOfMemory = (bytes: number, cause?: unknown): NativeError =>
  new NativeError('ERR_BACKEND', {
    where: 'native',
    what: 'the system gives no more memory',
    got: `${bytes} bytes for a segment`,
    fix: 'Dispose tensors that are no longer needed, or use smaller batches',
    ...(cause !== undefined && { cause }),
  });

function allocate(bytes: number): ArrayBuffer {
  try {
    return new ArrayBuffer(bytes);
  } catch (cause) {
    throw outOfMemory(bytes, cause);
  }
}

/**
 * Reserves a segment of at least `bytes`.
 * @throws NativeError when the system gives no address space.
 */
export function createSegment(bytes: number): Segment {
  const addon = loadAddon();
  if (!addon) throw new NativeError('ERR_BACKEND', { where: 'native', what: 'no binary was loaded' });
  // an address-space limit may refuse the usual size but allow less
  for (let size = Math.max(bytes, SEGMENT_BYTES); !externalRefused; size = Math.max(bytes, size / 4)) {
    const buffer = addon.reserve(size);
    if (buffer) return { base: addon.addressOf(buffer), bytes: size, buffer, external: true, used: 0, committed: 0 };
    if (size !== bytes && size >= 2 ** 24) continue;
    externalRefused = bytes <= SEGMENT_BYTES; // more than there is says nothing about smaller ones
    break;
  }
  // 64 more bytes to align the first block
  const size = Math.max(bytes, FALLBACK_BYTES) + 64;
  const buffer = allocate(size);
  const base = addon.addressOf(buffer);
  return { base, bytes: size, buffer, external: false, used: (64 - (base % 64)) % 64, committed: size };
}

/** Makes the first `end` bytes of a segment usable. @throws NativeError when memory is exhausted. */
export function commitTo(segment: Segment, end: number): void {
  if (end <= segment.committed) return;
  const target = Math.min(segment.bytes, Math.ceil(end / COMMIT_STEP) * COMMIT_STEP);
  if (loadAddon()?.commit(segment.base + segment.committed, target - segment.committed) === false)
    throw outOfMemory(target);
  segment.committed = target;
}

/** Gives the whole pages in [begin, end) back to the system; their contents are lost. @returns their bytes */
export function discard(segment: Segment, begin: number, end: number): number {
  const first = Math.ceil(begin / PAGE) * PAGE;
  const bytes = Math.floor(end / PAGE) * PAGE - first;
  if (bytes <= 0 || !segment.external) return 0;
  loadAddon()?.discard(first, bytes);
  return bytes;
}
