/** Weight-space operations, on trees and on files larger than they may be in memory. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import './helpers/cpu.ts';
import { memory, scalar, type Tensor, tensor, tensor1d } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import type { TensorToWrite } from '../src/safetensors/layout.ts';
import { openSafetensors, readSafetensors } from '../src/safetensors/open.ts';
import { writeSafetensors, writeShardedSafetensors } from '../src/safetensors/write.node.ts';
import { disposeTree } from '../src/tree/memory.ts';
import { flatten, type Params } from '../src/tree/params.ts';
import { Ema } from '../src/weights/ema.ts';
import { resolveShares } from '../src/weights/members.ts';
import { type MergeOptions, type MergeRecipe, mergeFiles } from '../src/weights/merge-files.node.ts';
import { applyTaskVectors, averageTrees, interpolateTrees, slerpTrees, taskVector } from '../src/weights/trees.ts';
import { holdsMoreThan } from './helpers/live-memory.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-weights-'));
});
afterEach(() => rm(folder, { recursive: true }));

const value = (t: unknown): number[] => Array.from((t as Tensor).dataSync());

describe('trees', () => {
  test('two models of ones with weights 0.1 and 1.0: 1.1 as stated, 1.0 only when normalised, and the note says which', () => {
    const ones = { layer: { w: tensor1d([1, 1]) } };
    const weights = [0.1, 1];
    expect(value(averageTrees([ones, ones], { weights }).layer.w)[0]).toBeCloseTo(1.1, 6);
    expect(value(averageTrees([ones, ones], { weights, normalize: true }).layer.w)).toEqual([1, 1]);
    expect(value(averageTrees([ones, ones], { weights: [1, -1] }).layer.w)).toEqual([0, 0]);
    expect(value(averageTrees([ones, ones], { weights: [0, 0] }).layer.w)).toEqual([0, 0]);
    for (const bad of [
      [1, -1],
      [0, 0],
    ]) {
      expect(() => averageTrees([ones, ones], { weights: bad, normalize: true })).toThrow(
        'weights that sum to 0 cannot be normalised',
      );
    }
    expect(resolveShares(2, { weights }).note).toBe('weights 0.1, 1 as given, not normalised (their sum is 1.1)');
    expect(resolveShares(2, { weights, normalize: true }).note).toBe('weights 0.1, 1 normalised to 0.090909, 0.909091');
    expect(resolveShares(3, {}).note).toBe('uniform weights 1/3');
  });

  test('the mean of equal members is the member to the bit, for any number of them', () => {
    const member = { w: tensor1d([0.1, 1 / 3, 1e-20, -7e8]) };
    for (const n of [2, 3, 6, 7])
      expect(value(averageTrees(Array<typeof member>(n).fill(member)).w)).toEqual(value(member.w));
  });

  test('the mean does not depend on the order of the members and lies between them', () => {
    const members = fc.array(fc.array(fc.float({ min: -100, max: 100, noNaN: true }), { minLength: 3, maxLength: 3 }), {
      minLength: 2,
      maxLength: 5,
    });
    fc.assert(
      fc.property(members, (rows) => {
        const trees = rows.map((r) => ({ w: tensor1d(r) }));
        const [a, b] = [value(averageTrees(trees).w), value(averageTrees([...trees].reverse()).w)];
        for (const i of [0, 1, 2]) {
          const column = rows.map((r) => r[i] as number);
          expect(Math.abs((a[i] as number) - (b[i] as number))).toBeLessThan(1e-4);
          expect(a[i]).toBeGreaterThanOrEqual(Math.min(...column) - 1e-4);
          expect(a[i]).toBeLessThanOrEqual(Math.max(...column) + 1e-4);
        }
      }),
    );
  });

  test('interpolation has its ends exactly and goes beyond them only by name', () => {
    const [a, b] = [{ w: tensor1d([1, 0.3]) }, { w: tensor1d([3, 0.1]) }];
    expect(value(interpolateTrees(a, b, 0).w)).toEqual(value(a.w));
    expect(value(interpolateTrees(a, b, 1).w)).toEqual(value(b.w));
    expect(value(interpolateTrees(a, b, 0.25).w)[0]).toBe(1.5);
    expect(value(interpolateTrees(a, b, 2, { extrapolate: true }).w)[0]).toBe(5);
    expect(() => interpolateTrees(a, b, 2)).toThrow(
      'interpolateTrees: the share of the second tree; got 2, wanted a number from 0 to 1',
    );
  });

  test('slerp keeps the length on a circle, and takes the chord for parallel and zero tensors', () => {
    // from 0° to 90°: 30° is a third of the way
    const arc = slerpTrees({ w: tensor1d([1, 0]) }, { w: tensor1d([0, 1]) }, 1 / 3);
    expect(value(arc.w)[0]).toBeCloseTo(Math.cos(Math.PI / 6), 6);
    expect(value(arc.w)[1]).toBeCloseTo(0.5, 6);
    expect(value(slerpTrees({ w: tensor1d([1, 1]) }, { w: tensor1d([3, 3]) }, 0.5).w)).toEqual([2, 2]);
    expect(value(slerpTrees({ w: tensor1d([0, 0]) }, { w: tensor1d([2, 0]) }, 0.5).w)).toEqual([1, 0]);
  });

  test('slerp takes the chord for opposite directions too, where no arc is the shortest', () => {
    const [a, b] = [{ w: tensor1d([1, 0]) }, { w: tensor1d([-1, 0]) }];
    expect(value(slerpTrees(a, b, 0.5).w)).toEqual([0, 0]);
    expect(value(slerpTrees(a, b, 0.25).w)).toEqual([0.5, 0]);
  });

  test('task vectors add up and take away', () => {
    const base = { w: tensor1d([1, 2]) };
    const [a, b] = [{ w: tensor1d([2, 2]) }, { w: tensor1d([1, 5]) }];
    const [ta, tb] = [taskVector(a, base), taskVector(b, base)];
    expect(value(applyTaskVectors(base, [ta, tb]).w)).toEqual([2, 5]);
    expect(value(applyTaskVectors(base, [ta, tb], [2, -1]).w)).toEqual([3, -1]);
    expect(value(applyTaskVectors(base, [ta], 0.5).w)).toEqual([1.5, 2]);
    expect(() => applyTaskVectors(base, [ta, tb], [1])).toThrow('one number per vector is needed');
  });

  test('the first tensor that differs is named with member and shapes', () => {
    const full = (): Params => ({ body: { w: tensor([[1, 2]]) }, score: { weight: tensor1d([1]) } });
    const headless: Params = { body: { w: tensor([[1, 2]]) } };
    const larger: Params = {
      body: {
        w: tensor([
          [1, 2],
          [3, 4],
        ]),
      },
      score: { weight: tensor1d([1]) },
    };
    expect(() => averageTrees([full(), headless, larger])).toThrow(
      'merge, member 2: has no tensor score.weight; wanted float32 [1], as in member 1',
    );
    expect(() => averageTrees([full(), full(), larger])).toThrow(
      'merge, member 3: tensor body.w differs; got "float32 [2,2]", wanted float32 [1,2], as in member 1',
    );
    expect(() => averageTrees([headless, full()])).toThrow(
      'merge, member 2: has a tensor that member 1 has not: score.weight',
    );
    expect(() => averageTrees([{ w: tensor1d([1]) }, { w: tensor1d([1], 'int32') }])).toThrow(
      'got "int32 [1]", wanted float32 [1]',
    );
    expect(() => averageTrees([full()])).toThrow('merge: too few members; got 1, wanted at least 2');
    for (const weights of [[1], [1, Number.NaN]])
      expect(() => averageTrees([full(), full()], { weights })).toThrow('merge.weights');
  });

  test('whole numbers are copied where they agree, ties stay ties, nothing is left over', () => {
    const tie = tensor1d([1, 2]);
    const members = [1, 2].map(() => ({ embed: tie.clone(), head: tie.clone(), position: tensor1d([5], 'int32') }));
    const before = memory();
    const average = averageTrees(members);
    expect(value(average.position)).toEqual([5]);
    // three leaves; the tied ones on one new buffer, the copy on its member’s
    expect(memory()).toMatchObject({ numTensors: before.numTensors + 3, numDataBuffers: before.numDataBuffers + 1 });
    disposeTree(average);
    (members[1] as (typeof members)[0]).position = tensor1d([6], 'int32');
    const numTensors = memory().numTensors;
    expect(() => averageTrees(members)).toThrow(
      'tensor position is int32 and differs from member 1: whole numbers cannot be averaged',
    );
    expect(memory().numTensors).toBe(numTensors);
  });

  test('the moving average follows its formula, also while warming up', () => {
    const start = { w: scalar(0), n: scalar(1, 'int32') };
    const ema = new Ema(start, { decay: 0.9 });
    const params = { w: scalar(1), n: scalar(2, 'int32') };
    for (let i = 0; i < 3; i++) ema.update(params);
    expect(value(ema.params.w)[0]).toBeCloseTo(1 - 0.9 ** 3, 6);
    expect(value(start.w)).toEqual([0]);
    const warm = new Ema(start, { decay: 0.9, warmup: true });
    warm.update(params); // d = 2/11
    expect(value(warm.params.w)[0]).toBeCloseTo(9 / 11, 6);
    warm.restore(ema.params, 7);
    expect([value(warm.params.w), warm.updates]).toEqual([value(ema.params.w), 7]);
    ema.dispose();
    ema.dispose();
    expect(() => new Ema(start, { decay: 1 })).toThrow('ema.decay: out of range');
    expect(() => warm.update({ x: scalar(1) })).toThrow('ema at w: the parameters have no such leaf');
  });
});

describe('files', () => {
  const write = async (name: string, params: Params, sharded = false): Promise<string> => {
    const path = join(folder, name);
    if (sharded) await writeShardedSafetensors(path, params, { maxShardBytes: 16 });
    else await writeSafetensors(path, params);
    disposeTree(params);
    return path;
  };
  const members = (): Promise<string[]> =>
    Promise.all([
      write('a.safetensors', {
        body: {
          w: tensor([
            [1, 2],
            [3, 4],
          ]),
        },
        score: { weight: tensor1d([1, 0]) },
        n: tensor1d([7], 'int32'),
      }),
      write(
        'b',
        {
          body: {
            w: tensor([
              [3, 2],
              [1, 0],
            ]),
          },
          score: { weight: tensor1d([0, 1]) },
          n: tensor1d([7], 'int32'),
        },
        true,
      ),
    ]);
  const merge = async (recipe: MergeRecipe, o: MergeOptions = {}): Promise<Record<string, number[]>> => {
    const output = join(folder, 'out.safetensors');
    // pieces of three elements: a tensor of four needs two
    await mergeFiles(await members(), recipe, output, { pieceElements: 3, ...o });
    const params = await readSafetensors(output);
    const out = Object.fromEntries(flatten(params).map(([path, t]) => [path, value(t)]));
    disposeTree(params);
    return out;
  };

  test('one file and a sharded folder average, interpolate on the sphere and take task vectors', async () => {
    expect(await merge({ method: 'linear' })).toEqual({ 'body.w': [2, 2, 2, 2], 'score.weight': [0.5, 0.5], n: [7] });
    expect(await merge({ method: 'linear', weights: [1, 3], normalize: true })).toMatchObject({
      'body.w': [2.5, 2, 1.5, 1],
    });
    expect(await merge({ method: 'task', scales: 2 })).toMatchObject({ 'body.w': [5, 2, -1, -4] });
    const s = await merge({ method: 'slerp', lambda: 1 / 3 });
    expect(s['score.weight']?.[0]).toBeCloseTo(Math.cos(Math.PI / 6), 6);
    expect(s['score.weight']?.[1]).toBeCloseTo(0.5, 6);
  });

  test('files and trees agree', async () => {
    const [a, b] = (await members()) as [string, string];
    const trees = await Promise.all([readSafetensors(a), readSafetensors(b)]);
    const output = join(folder, 'm');
    for (const [recipe, tree] of [
      [{ method: 'linear', weights: [0.3, 0.7] }, averageTrees(trees, { weights: [0.3, 0.7] })],
      [{ method: 'slerp', lambda: 0.3 }, slerpTrees(...(trees as [Params, Params]), 0.3)],
    ] as [MergeRecipe, Params][]) {
      await mergeFiles([a, b], recipe, output);
      const fromFile = await readSafetensors(output);
      for (const [path, t] of flatten(tree)) {
        const other = flatten(fromFile).find(([p]) => p === path)?.[1] as Tensor;
        for (const [i, x] of value(t).entries()) expect(value(other)[i]).toBeCloseTo(x, 6);
      }
    }
  });

  test('the result keeps the members’ dtype, or takes the one asked for; the report says what was done', async () => {
    const paths = ['x.safetensors', 'y.safetensors'].map((n) => join(folder, n));
    for (const p of paths) await writeSafetensors(p, { w: tensor1d([1, 2]) }, { dtype: 'BF16' });
    const report = await mergeFiles(paths, { method: 'linear', weights: [1, 1] }, join(folder, 'sum'));
    expect(report).toEqual({
      files: ['model.safetensors'],
      tensors: 1,
      note: 'weights 1, 1 as given, not normalised (their sum is 2)',
    });
    const dtype = async (): Promise<string> => {
      const file = await openSafetensors(join(folder, 'sum'));
      await file.close();
      return file.entry('w').dtype;
    };
    expect(await dtype()).toBe('BF16');
    await mergeFiles(paths, { method: 'linear' }, join(folder, 'sum'), { dtype: 'F32' });
    expect(await dtype()).toBe('F32');
  });

  test('members that do not fit, hold a NaN, or differ in whole numbers are named, and nothing is written', async () => {
    const [a, b] = (await members()) as [string, string];
    const base = {
      body: {
        w: tensor([
          [1, 2],
          [3, 4],
        ]),
      },
      score: { weight: tensor1d([1, 0]) },
    };
    const cases: [Params, RegExp][] = [
      [
        { body: { w: tensor([[1, 2]]) }, score: base.score, n: tensor1d([7], 'int32') },
        /merge, .*c\.safetensors: tensor body\.w differs; got "F32 \[1,2\]", wanted F32 \[2,2\], as in .*a\.safetensors/,
      ],
      [{ body: base.body, n: tensor1d([7], 'int32') }, /c\.safetensors: has no tensor score\.weight/],
      [
        { ...base, score: { weight: tensor1d([1, Number.NaN]) }, n: tensor1d([7], 'int32') },
        /c\.safetensors, tensor "score\.weight": element 1 of its weights is no finite number; got NaN/,
      ],
      [{ ...base, n: tensor1d([8], 'int32') }, /c\.safetensors: tensor n is I32 and differs from .*a\.safetensors/],
    ];
    for (const [params, message] of cases) {
      await writeSafetensors(join(folder, 'c.safetensors'), params);
      const merging = mergeFiles(
        [a, b, join(folder, 'c.safetensors')],
        { method: 'linear' },
        join(folder, 'out.safetensors'),
      );
      await expect(merging).rejects.toMatchObject({ code: 'ERR_CHECKPOINT', message: expect.stringMatching(message) });
      expect(await readdir(folder)).not.toContain('out.safetensors');
    }
    await expect(mergeFiles([a, b], { method: 'slerp', lambda: 2 }, 'x')).rejects.toThrow('merge.lambda: out of range');
    await expect(mergeFiles([a, b, a], { method: 'slerp', lambda: 0 }, 'x')).rejects.toThrow(
      'merge.slerp: the number of members; got 3',
    );
    await expect(mergeFiles([a, b], { method: 'task', scales: [1, 1] }, 'x')).rejects.toThrow('merge.scales');
    await expect(mergeFiles([a], { method: 'linear' }, 'x')).rejects.toThrow('too few members');
  });

  test('four members of 48 MiB each are merged in less memory than one of them has', async () => {
    const size = 4 << 20; // elements of a tensor: 16 MiB
    const paths: string[] = [];
    for (let m = 0; m < 4; m++) {
      const chunk = new Float32Array(1 << 18).fill(m);
      const tensors = ['a', 'b', 'c'].map(
        (name): TensorToWrite => ({
          name,
          dtype: 'F32',
          shape: [size],
          *chunks() {
            for (let i = 0; i < size; i += chunk.length) yield new Uint8Array(chunk.buffer);
          },
        }),
      );
      paths.push(join(folder, `m${m}`));
      await writeShardedSafetensors(paths[m] as string, tensors, { maxShardBytes: 20 << 20 });
    }
    const merge = (pieceElements: number) => () =>
      mergeFiles(paths, { method: 'linear' }, join(folder, 'out'), { pieceElements });
    expect(await holdsMoreThan(48 << 20, merge(1 << 18))).toBe(false);
    const out = await openSafetensors(join(folder, 'out'));
    expect([...(await out.values('c', size - 2, size))]).toEqual([1.5, 1.5]);
    await out.close();
    // the measurement sees what is held: with whole tensors as pieces, up to four of 16 MiB and a sum of 32 MiB
    expect(await holdsMoreThan(48 << 20, merge(size))).toBe(true);
  }, 60000);
});
