import '@tensorflow/tfjs-backend-cpu';
import { memory, ones, scalar, type Tensor, tensor1d, Variable, zeros } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import {
  cloneTree,
  disposeTree,
  filterTree,
  flatten,
  mapTree,
  matchPaths,
  mergeTrees,
  type Params,
  partitionTree,
  trainableMask,
  treeBytes,
  treeSize,
  unflatten,
  variables,
  zipTree,
} from '../index.ts';

const tree = (): { embed: Tensor; layers: { 0: { w: Tensor; b: Tensor }; 1: { w: Tensor; b: Tensor } } } => ({
  embed: ones([3, 2]),
  layers: { 0: { w: ones([2, 2]), b: zeros([2]) }, 1: { w: ones([2, 2]), b: zeros([2]) } },
});
const paths = ['embed', 'layers.0.w', 'layers.0.b', 'layers.1.w', 'layers.1.b'];
const names = (p: Params): string[] => flatten(p).map(([path]) => path);

test('flatten names every leaf by its path and unflatten is its inverse', () => {
  const params = tree();
  expect(names(params)).toEqual(paths);
  const back = unflatten(flatten(params));
  expect(back).toEqual(params);
  expect((back.layers as Params)[0]).not.toBe(params.layers[0]);
});

test('any set of paths survives the round trip', () => {
  const key = fc.stringMatching(/^[a-z0-9_-]{1,4}$/);
  fc.assert(
    fc.property(fc.uniqueArray(fc.array(key, { minLength: 1, maxLength: 4 }).map((k) => k.join('.'))), (all) => {
      // a path that continues another cannot be in the same tree
      const free = all.filter((p) => !all.some((q) => p !== q && p.startsWith(`${q}.`)));
      const leaf = scalar(1);
      const out = names(unflatten(free.map((p) => [p, leaf] as const)) as Params);
      expect(out.sort()).toEqual(free.sort());
    }),
  );
});

test('keys and paths that cannot be told apart are refused', () => {
  const t = scalar(0);
  const codeOf = (f: () => unknown): string | undefined => {
    try {
      f();
    } catch (error) {
      return `${(error as { code: string }).code}: ${(error as Error).message}`;
    }
    return undefined;
  };
  expect(codeOf(() => flatten({ 'a.b': t }))).toMatch(/ERR_CONFIG: parameter tree: a key cannot be used/);
  expect(codeOf(() => flatten({ a: { '': t } }))).toMatch(/ERR_CONFIG: parameter tree at a/);
  expect(codeOf(() => flatten({ a: [t] as unknown as Params }))).toMatch(/at a: a node is neither.*an array/);
  expect(
    codeOf(() =>
      unflatten([
        ['a', t],
        ['a.b', t],
      ]),
    ),
  ).toMatch(/unflatten at a\.b/);
  expect(
    codeOf(() =>
      unflatten([
        ['a.b', t],
        ['a', t],
      ]),
    ),
  ).toMatch(/unflatten at a:/);
  expect(
    codeOf(() =>
      unflatten([
        ['a', t],
        ['a', t],
      ]),
    ),
  ).toMatch(/given twice/);
  expect(codeOf(() => unflatten([['__proto__.x', t]]))).toMatch(/ERR_CONFIG/);
  expect(({} as Record<string, unknown>).x).toBeUndefined();
});

test('mapTree keeps the structure', () => {
  const shapes = mapTree(tree(), (t, path) => `${path}:${t.shape}`);
  expect(shapes.layers[1].w).toBe('layers.1.w:2,2');
  expect(Object.keys(shapes)).toEqual(['embed', 'layers']);
});

test('zipTree matches leaves by path, whatever the order of keys', () => {
  const a = { x: scalar(1), y: { z: scalar(2) } };
  const b = { y: { z: 20 }, x: 10 };
  expect(zipTree(a, b, (t, n, path) => `${path}=${t.dataSync()[0]}+${n}`)).toEqual({
    x: 'x=1+10',
    y: { z: 'y.z=2+20' },
  });
  expect(() => zipTree(a, { x: 1, y: { w: 2 } } as never, () => 0)).toThrow('parameter tree at y.w: the trees differ');
  expect(() => zipTree(a, { x: 1 } as never, () => 0)).toThrow('parameter tree at y');
  expect(() => zipTree(a, { x: { q: scalar(0) }, y: { z: 1 } } as never, () => 0)).toThrow('parameter tree at x');
});

test('sizes count elements and bytes', () => {
  expect(treeSize(tree())).toBe(6 + 2 * 6);
  expect(treeBytes({ f: zeros([3]), b: zeros([3], 'bool'), i: zeros([2], 'int32') })).toBe(12 + 3 + 8);
});

test('variables own their values; disposing twice changes nothing', () => {
  const before = memory();
  const params = tree();
  const owned = variables(params);
  disposeTree(params);
  disposeTree(params);
  expect(owned.embed instanceof Variable).toBe(true);
  expect([...owned.embed.dataSync()]).toEqual([1, 1, 1, 1, 1, 1]);
  const copy = cloneTree(owned);
  disposeTree(owned);
  disposeTree(owned);
  expect([...copy.layers[0].w.dataSync()]).toEqual([1, 1, 1, 1]);
  disposeTree(copy);
  expect(memory().numTensors).toBe(before.numTensors);
  expect(memory().numBytes).toBe(before.numBytes);
  expect(memory().numDataBuffers).toBe(before.numDataBuffers);
});

test('parts of a tree', () => {
  const params = tree();
  const { selected, rest } = partitionTree(params, matchPaths('layers.1.**'));
  expect(names(selected)).toEqual(['layers.1.w', 'layers.1.b']);
  expect(names(rest)).toEqual(['embed', 'layers.0.w', 'layers.0.b']);
  expect(names(mergeTrees(rest, selected))).toEqual(paths);
  expect(() => mergeTrees(params, { embed: tensor1d([1]) })).toThrow('mergeTrees at embed');
  expect(() => mergeTrees(params, { embed: { x: tensor1d([1]) } })).toThrow('mergeTrees at embed');
  expect(names(filterTree(params, (_, t) => t.rank === 1))).toEqual(['layers.0.b', 'layers.1.b']);
  expect(trainableMask(params, matchPaths('embed'))).toEqual({
    embed: false,
    layers: { 0: { w: true, b: true }, 1: { w: true, b: true } },
  });
});

test.each([
  ['layers.*.w', ['layers.0.w', 'layers.1.w']],
  ['**.w', ['layers.0.w', 'layers.1.w']],
  ['**', paths],
  ['layers.**', paths.slice(1)],
  ['layers.**.b', ['layers.0.b', 'layers.1.b']],
  ['**.0.**', ['layers.0.w', 'layers.0.b']],
  ['em*', ['embed']],
  ['embe?', []],
  ['layers', []],
])('the pattern %s', (pattern, wanted) => {
  expect(names(filterTree(tree(), matchPaths(pattern)))).toEqual(wanted);
});
