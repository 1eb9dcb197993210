// The allocator: free lists by size class over segments. A training step that allocates the same sizes each time takes
// everything from the lists once warm. A block's address is all there is to know about it; its class follows from the
// bytes its owner asked for.
//
// Sizes that change from step to step (rows of other lengths) leave blocks of every class behind. Before their pages come to
// half of what was ever live at once, they go back to the system; steps of equal sizes never come to that.
//
// A block that is freed while commands wait (commands.ts) may hold what one of them reads. Later commands may have it, as
// they run after that one; the host, which writes now, may not until the queue has run.
import { flush, isWaiting, onFlush } from '../commands.ts';
import { NativeError } from '../errors.ts';
import { commitTo, createSegment, discard, type Segment } from './segment.ts';
import { classBytes, sizeClass } from './size-class.ts';

/** Larger blocks get a segment of their own, whose pages go back to the system as soon as they are freed. */
const OWN_SEGMENT_BYTES = 2 ** 28;

/** Free blocks may hold pages of this many bytes whatever is live. */
const IDLE_BYTES = 2 ** 28;

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
  /** A block of the class that the step itself has freed, for a result; undefined for one from the heap. */
  reuse(index: number): number | undefined;
  /** @param fresh the host writes the block's values */
  allocated(address: number, fresh: boolean): void;
  freed(address: number, index: number): void;
  /** A kernel reads or writes the block. */
  touched(address: number): void;
}

export class Heap {
  #segments: Segment[] = [];
  #free: number[][] = [];
  // freed since the queue last ran, and the classes that have such blocks
  #recent: number[][] = [];
  #recentClasses: number[] = [];
  // of each class, how many free blocks hold pages: the ones freed last, which are given out first
  #warm: number[] = [];
  #warmBytes = 0;
  #live = 0;
  #peak = 0;
  /** The capture in progress. */
  observer: HeapObserver | undefined;
  // how many programs need a block, and the bytes of those that were freed meanwhile
  readonly #pins: Map<number, number> = new Map();
  readonly #parked: Map<number, number> = new Map();

  /**
   * A block of at least `bytes`, 64-byte aligned; its contents are whatever was there.
   * @param fresh a value the host writes: during a capture it gets memory that no command of the program uses.
   */
  allocate(bytes: number, fresh = false): number {
    const index = sizeClass(bytes);
    const size = classBytes(index);
    this.#live += size;
    if (this.#live > this.#peak) this.#peak = this.#live;
    if (this.observer === undefined) return this.#take(index, size, fresh);
    const address = (fresh ? undefined : this.observer.reuse(index)) ?? this.#take(index, size, fresh);
    this.#parked.delete(address);
    this.observer.allocated(address, fresh);
    return address;
  }

  #take(index: number, size: number, fresh: boolean): number {
    const warm = this.#warm[index] ?? 0;
    // memory grows by this block
    if (warm === 0 && this.#live + this.#warmBytes > 1.5 * this.#peak + IDLE_BYTES && this.observer === undefined) {
      this.releaseFreeMemory();
    }
    const recent = fresh ? undefined : this.#recent[index]?.pop();
    const block = recent ?? this.#free[index]?.pop();
    if (block === undefined) return this.#carve(size);
    if (warm > 0) {
      this.#warm[index] = warm - 1;
      this.#warmBytes -= size;
    }
    return block;
  }

  /** Gives back what `allocate(bytes)` returned; a block that a program needs is kept until its last `unpin`. */
  free(address: number, bytes: number): void {
    const index = sizeClass(bytes);
    this.#live -= classBytes(index);
    this.observer?.freed(address, index);
    if (this.#pins.size > 0 && this.#pins.has(address)) this.#parked.set(address, bytes);
    else this.#recycle(address, bytes);
  }

  /** Keeps a block from being reused, once per call. */
  pin(address: number): void {
    this.#pins.set(address, (this.#pins.get(address) ?? 0) + 1);
  }

  /** Takes one `pin` back; a block that was freed meanwhile can be reused after the last. */
  unpin(address: number): void {
    const left = (this.#pins.get(address) ?? 1) - 1;
    if (left > 0) {
      this.#pins.set(address, left);
      return;
    }
    this.#pins.delete(address);
    const bytes = this.#parked.get(address);
    if (bytes === undefined) return;
    this.#parked.delete(address);
    this.#recycle(address, bytes);
  }

  /** Puts a block into its free list. */
  #recycle(address: number, bytes: number): void {
    const index = sizeClass(bytes);
    const size = classBytes(index);
    if (size > OWN_SEGMENT_BYTES) {
      // its address space goes when the buffer is collected, its pages now
      const segment = this.#segments.find(({ base, bytes: length }) => address >= base && address < base + length);
      if (segment === undefined) return;
      flush();
      this.#segments = this.#segments.filter((other) => other !== segment);
      discard(segment, segment.base, segment.base + segment.bytes);
      return;
    }
    this.#warm[index] = (this.#warm[index] ?? 0) + 1;
    this.#warmBytes += size;
    const waiting = isWaiting();
    const lists = waiting ? this.#recent : this.#free;
    let list = lists[index];
    if (list === undefined) {
      list = [];
      lists[index] = list;
    }
    if (waiting && list.length === 0) this.#recentClasses.push(index);
    list.push(address);
  }

  /** The queue has run: what was freed meanwhile is anybody's. */
  settle(): void {
    for (const index of this.#recentClasses) {
      const recent = this.#recent[index] as number[];
      const free = this.#free[index];
      if (free === undefined) {
        this.#free[index] = recent;
        this.#recent[index] = [];
      } else while (recent.length > 0) free.push(recent.pop() as number);
    }
    this.#recentClasses.length = 0;
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
    throw new NativeError('ERR_BACKEND', { where: 'native', what: `no segment holds address ${address}` });
  }

  /**
   * Gives the memory of free blocks back to the system.
   * @returns the bytes given back (whole pages; address space stays reserved).
   */
  releaseFreeMemory(): number {
    flush();
    this.#warm.length = 0;
    this.#warmBytes = 0;
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
        released += discard(segment, begin, end);
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
onFlush(() => heap.settle());
