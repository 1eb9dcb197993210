import fc from 'fast-check';
import { describeNative } from '../../test/native.ts';
import { Heap } from './heap.ts';
import { classBytes, sizeClass } from './size-class.ts';

describe('size classes', () => {
  test('hold what was asked, waste at most a quarter above 8 KiB, and stay aligned', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 40 }), (bytes) => {
        const size = classBytes(sizeClass(bytes));
        expect(size).toBeGreaterThanOrEqual(bytes);
        expect(size % 64).toBe(0);
        if (bytes > 8192) expect(size).toBeLessThanOrEqual(bytes * 1.25);
        else expect(size - bytes).toBeLessThanOrEqual(64);
      }),
    );
  });

  test('a class is the class of its own size', () => {
    for (let index = 1; index < 250; index++) expect(sizeClass(classBytes(index))).toBe(index);
  });
});

describeNative('the heap', () => {
  test('gives the same block again after it was freed, and nothing new once warm', () => {
    const heap = new Heap();
    const first = heap.allocate(1000);
    heap.free(first, 1000);
    expect(heap.allocate(970)).toBe(first);
    const sizes = [16, 4000, 70_000, 1_000_000];
    const step = (): void => {
      const blocks = sizes.map((bytes) => heap.allocate(bytes));
      for (const [i, address] of blocks.entries()) heap.free(address, sizes[i] as number);
    };
    step();
    const { usedBytes } = heap.report();
    for (let i = 0; i < 100; i++) step();
    expect(heap.report().usedBytes).toBe(usedBytes);
  });

  test('live blocks never overlap', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 100_000 })), { maxLength: 200 }),
        (steps) => {
          const heap = new Heap();
          const live: [address: number, bytes: number][] = [];
          for (const [allocate, n] of steps) {
            if (allocate || live.length === 0) live.push([heap.allocate(n), n]);
            else heap.free(...(live.splice(n % live.length, 1)[0] as [number, number]));
          }
          live.sort((x, y) => x[0] - y[0]);
          for (let i = 1; i < live.length; i++) {
            const [address, bytes] = live[i - 1] as [number, number];
            expect(address + bytes).toBeLessThanOrEqual((live[i] as [number, number])[0]);
          }
          const liveBytes = live.reduce((sum, [, bytes]) => sum + classBytes(sizeClass(bytes)), 0);
          expect(heap.report().liveBytes).toBe(liveBytes);
        },
      ),
      { numRuns: 30 },
    );
  });

  test('a pinned block is not given to others until the last pin is gone', () => {
    const heap = new Heap();
    const block = heap.allocate(500);
    heap.pin(block);
    heap.pin(block);
    heap.free(block, 500);
    expect(heap.allocate(500)).not.toBe(block);
    heap.unpin(block);
    expect(heap.allocate(500)).not.toBe(block);
    heap.unpin(block);
    expect(heap.allocate(500)).toBe(block);
  });

  test('holds more than 4 GiB in several segments, huge blocks in their own', () => {
    const heap = new Heap();
    const huge = 2 ** 29;
    const blocks = Array.from({ length: 10 }, () => heap.allocate(huge));
    const report = heap.report();
    expect(report.liveBytes).toBe(10 * huge);
    expect(report.segments).toBe(10);
    const { buffer, offset } = heap.locate(blocks[9] as number);
    const ends = new Float32Array(buffer, offset, huge / 4);
    ends[huge / 4 - 1] = 7;
    expect(ends[huge / 4 - 1]).toBe(7);
    for (const block of blocks) heap.free(block, huge);
    expect(heap.report().segments).toBe(0);
  });

  test('releases free memory and gives correct blocks afterwards', () => {
    const heap = new Heap();
    const size = 2 ** 22;
    const blocks = Array.from({ length: 8 }, () => heap.allocate(size));
    const kept = blocks[3] as number;
    const { buffer, offset } = heap.locate(kept);
    new Uint8Array(buffer, offset, size).fill(5);
    for (const block of blocks) if (block !== kept) heap.free(block, size);
    expect(heap.releaseFreeMemory()).toBe(7 * size);
    const again = Array.from({ length: 7 }, () => heap.allocate(size));
    expect(new Set([kept, ...again]).size).toBe(8);
    expect(new Uint8Array(buffer, offset, size).every((x) => x === 5)).toBe(true);
  });

  test('gives memory back where sizes change from step to step, and never where they do not', () => {
    let releases = 0;
    class Counting extends Heap {
      override releaseFreeMemory(): number {
        releases++;
        return super.releaseFreeMemory();
      }
    }
    const heap = new Counting();
    const step = (size: number): void => {
      const blocks = Array.from({ length: 24 }, () => heap.allocate(size)); // half a gigabyte and more
      for (const block of blocks) heap.free(block, size);
    };
    for (let i = 0; i < 20; i++) step(2 ** 25);
    expect(releases).toBe(0);
    // ten classes: 8 GB would stay
    const sizes = Array.from({ length: 10 }, (_, i) => classBytes(sizeClass(2 ** 25) + i));
    for (const size of sizes) step(size);
    expect(releases).toBeGreaterThanOrEqual(2);
    const before = releases;
    for (let i = 0; i < 20; i++) step(2 ** 25); // again steps of equal sizes
    expect(releases).toBeLessThanOrEqual(before + 1);
  });
});
