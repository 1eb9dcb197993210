// The allocator: free lists by size class over segments. A training step that allocates the same sizes each time takes
// everything from the lists once warm. A block's address is all there is to know about it; its class follows from the
// bytes its owner asked for.
import { loadAddon } from '../addon.ts';
import { commitTo, createSegment, type Segment } from './segment.ts';
import { classBytes, sizeClass } from './size-class.ts';

/** Larger blocks get a segment of their own, whose pages go back to the system as soon as they are freed. */
const OWN_SEGMENT_BYTES = 2 ** 28;
const PAGE = 4096;

/** Bytes in tensors now, the most there ever were, and what is kept for reuse. */
export interface HeapReport {
  liveBytes: number;
  peakBytes: number;
  /** Cut from segments: live, or in a free list and still backed by memory unless given back. */
  usedBytes: number;
  reservedBytes: number;
  segments: number;
}

/** Sees every block while a step is captured (capture.ts): the program's memory must not be reused by others. */
export interface HeapObserver {
  allocate(index: number, fresh: boolean): number | undefined;
  allocated(address: number, bytes: number, fresh: boolean): void;
  /** True when the observer keeps the block. */
  free(address: number, bytes: number): boolean;
}

export class Heap {
  #segments: Segment[] = [];
  #free: number[][] = [];
  #live = 0;
  #peak = 0;
  /** The capture in progress. */
  observer: HeapObserver | undefined;
  /** Blocks that belong to programs: freeing one tells its program instead. */
  readonly owned: Map<number, { released(address: number): void }> = new Map();

  /**
   * A block of at least `bytes`, 64-byte aligned; its contents are whatever was there.
   * @param fresh a value the host writes: during a capture it gets memory that no command of the program uses.
   */
  allocate(bytes: number, fresh = false): number {
    const index = sizeClass(bytes);
    const size = classBytes(index);
    this.#live += size;
    if (this.#live > this.#peak) this.#peak = this.#live;
    if (this.observer !== undefined) {
      const address = this.observer.allocate(index, fresh) ?? this.#take(index, size);
      this.observer.allocated(address, bytes, fresh);
      return address;
    }
    return this.#take(index, size);
  }

  #take(index: number, size: number): number {
    return this.#free[index]?.pop() ?? this.#carve(size);
  }

  /** Gives back what `allocate(bytes)` returned. */
  free(address: number, bytes: number): void {
    this.#live -= classBytes(sizeClass(bytes));
    if (this.observer?.free(address, bytes)) return;
    const owner = this.owned.size > 0 ? this.owned.get(address) : undefined;
    if (owner !== undefined) owner.released(address);
    else this.recycle(address, bytes);
  }

  /** Puts a block into its free list. */
  recycle(address: number, bytes: number): void {
    const index = sizeClass(bytes);
    const size = classBytes(index);
    if (size > OWN_SEGMENT_BYTES) {
      const at = this.#segments.findIndex(({ base, bytes: length }) => address >= base && address < base + length);
      const [segment] = this.#segments.splice(at, 1);
      // its address space goes when the buffer is collected, its pages now
      if (segment)
        loadAddon()?.discard(Math.ceil(segment.base / PAGE) * PAGE, Math.floor(segment.bytes / PAGE - 1) * PAGE);
      return;
    }
    let list = this.#free[index];
    if (list === undefined) {
      list = [];
      this.#free[index] = list;
    }
    list.push(address);
  }

  #carve(size: number): number {
    const own = size > OWN_SEGMENT_BYTES;
    let segment = own ? undefined : this.#segments.find((s) => s.bytes - s.used >= size);
    if (segment === undefined) {
      segment = createSegment(size);
      this.#segments.push(segment);
    }
    commitTo(segment, segment.used + size);
    const address = segment.base + segment.used;
    // nothing else is cut from a segment of its own
    segment.used = own ? segment.bytes : segment.used + size;
    return address;
  }

  /** The segment that holds an address, and the offset in it. */
  locate(address: number): { buffer: ArrayBuffer; offset: number } {
    for (const segment of this.#segments) {
      const offset = address - segment.base;
      if (offset >= 0 && offset < segment.bytes) return { buffer: segment.buffer, offset };
    }
    throw new Error(`tensor-native: no segment holds address ${address}`);
  }

  /**
   * Gives the memory of free blocks back to the system.
   * @returns the bytes given back (whole pages; address space stays reserved).
   */
  releaseFreeMemory(): number {
    const addon = loadAddon();
    let released = 0;
    for (const segment of this.#segments) {
      // neighbouring free blocks as one range each
      const blocks: [address: number, bytes: number][] = [];
      for (const [index, list] of this.#free.entries())
        for (const address of list ?? [])
          if (address >= segment.base && address < segment.base + segment.bytes)
            blocks.push([address, classBytes(index)]);
      blocks.sort((x, y) => x[0] - y[0]);
      const ranges: [begin: number, end: number][] = [];
      for (const [address, bytes] of blocks) {
        const last = ranges.at(-1);
        if (last && last[1] === address) last[1] = address + bytes;
        else ranges.push([address, address + bytes]);
      }
      // a range at the end of what is used goes back to the uncut part
      const last = ranges.at(-1);
      if (last && last[1] === segment.base + segment.used) {
        segment.used = last[0] - segment.base;
        for (const list of this.#free)
          if (list) {
            const kept = list.filter((address) => address < last[0] || address >= last[1]);
            list.length = 0;
            for (const address of kept) list.push(address);
          }
      }
      for (const [begin, end] of ranges) {
        const first = Math.ceil(begin / PAGE) * PAGE;
        const bytes = Math.floor(end / PAGE) * PAGE - first;
        if (bytes <= 0) continue;
        addon?.discard(first, bytes);
        released += bytes;
      }
    }
    // segments without a block in them go altogether
    this.#segments = this.#segments.filter((segment) => segment.used > 64);
    return released;
  }

  report(): HeapReport {
    let usedBytes = 0;
    let reservedBytes = 0;
    for (const segment of this.#segments) {
      usedBytes += segment.used;
      reservedBytes += segment.bytes;
    }
    return { liveBytes: this.#live, peakBytes: this.#peak, usedBytes, reservedBytes, segments: this.#segments.length };
  }

  /** Starts `peakBytes` anew from what is live. */
  resetPeak(): void {
    this.#peak = this.#live;
  }
}

/** The one heap of this thread. */
export const heap: Heap = new Heap();
