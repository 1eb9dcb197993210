import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { add, getBackend, tensor1d } from '@tensorflow/tfjs-core';
import type { Candidate } from './backend-info.ts';
import { choose, report } from './choose.ts';
import { backendReport, useBackend } from './use-backend.node.ts';

const printed: unknown[] = [];
const original = { ...console };
// what the user of this machine has installed is no part of the test
const nowhere = mkdtempSync(join(tmpdir(), 'gimbal-cache-'));
process.env.XDG_CACHE_HOME = nowhere;
afterAll(() => rmSync(nowhere, { recursive: true, force: true }));
beforeAll(() => {
  for (const method of ['log', 'warn', 'error'] as const) console[method] = (...text) => printed.push(text);
});
afterAll(() => Object.assign(console, original));

describe('useBackend', () => {
  test('auto takes the fastest that works and says why the faster ones were passed over', async () => {
    const info = await useBackend();
    expect(getBackend()).toBe(info.name);
    expect(['native', 'wasm']).toContain(info.name);
    expect(info.threads).toBeGreaterThanOrEqual(1);
    expect(info.passedOver[0]).toMatchObject({ name: 'node-gpu', reason: expect.stringContaining('TensorFlow') });
    expect(info.passedOver.map((p) => p.name)).toEqual(info.name === 'native' ? ['node-gpu'] : ['node-gpu', 'native']);
  });

  test.each(['wasm', 'cpu'] as const)('%s computes without printing anything', async (name) => {
    const handlers = process.listenerCount('uncaughtException') + process.listenerCount('unhandledRejection');
    const info = await useBackend(name);
    expect(info).toMatchObject({ name, threads: 1, bf16: false, passedOver: [] });
    expect([...add(tensor1d([1, 2]), tensor1d([3, 4])).dataSync()]).toEqual([4, 6]);
    expect(printed).toEqual([]);
    expect(process.listenerCount('uncaughtException') + process.listenerCount('unhandledRejection')).toBe(handlers);
  });

  test('a wrong name is a typed error with the nearest known one', async () => {
    await expect(useBackend('natve' as never)).rejects.toMatchObject({
      code: 'ERR_BACKEND',
      message:
        'useBackend: unknown backend; got "natve", wanted one of auto, node-gpu, native, node, webgpu, wasm, cpu. did you mean \'native\'?',
    });
    await expect(useBackend(undefined as never)).resolves.toBeDefined();
  });

  test('a backend that cannot be used is a typed error with the reason', async () => {
    for (const name of ['node', 'node-gpu', 'webgpu'] as const) {
      const before = getBackend();
      await expect(useBackend(name)).rejects.toMatchObject({ code: 'ERR_BACKEND', where: `useBackend('${name}')` });
      expect(getBackend()).toBe(before);
    }
  });

  test('bad thread counts are refused', async () => {
    for (const threads of [0, -1, 1.5, Number.NaN, 1e9, '2' as never]) {
      await expect(useBackend('cpu', { threads })).rejects.toMatchObject({ code: 'ERR_CONFIG' });
    }
  });

  test('one that cannot be used may name another to go on with, with one warning', async () => {
    const gone: Candidate = {
      name: 'node-gpu',
      automatic: true,
      load: async () => ({ reason: 'no GPU answers', fix: 'look', instead: 'cpu' }),
    };
    const cpu = { name: 'cpu', automatic: true, load: async () => ({ threads: 1 }) } as const;
    const wanted = { name: 'cpu', passedOver: [{ name: 'node-gpu', reason: 'no GPU answers', fix: 'look' }] };
    printed.length = 0;
    for (const name of ['node-gpu', 'node-gpu', 'auto'] as const)
      expect(await choose([gone, cpu], name, {})).toMatchObject(wanted);
    expect(printed).toEqual([["useBackend('node-gpu'): no GPU answers; going on with cpu"]]);
    printed.length = 0;
  });

  test('where nothing works the error lists every reason', async () => {
    const broken = (name: 'wasm' | 'cpu'): Candidate => ({
      name,
      automatic: true,
      load: async () => ({ reason: `${name} is broken` }),
    });
    await expect(choose([broken('wasm'), broken('cpu')], 'auto', {})).rejects.toMatchObject({
      message: 'useBackend: no backend works here (wasm: wasm is broken; cpu: cpu is broken)',
    });
  });
});

test('the report has a line per backend and changes nothing', async () => {
  await useBackend('cpu');
  const lines = await backendReport();
  expect(getBackend()).toBe('cpu');
  expect(lines.map((l) => l.name)).toEqual(['node-gpu', 'native', 'node', 'webgpu', 'wasm', 'cpu']);
  expect(lines.find((l) => l.name === 'cpu')).toEqual({ name: 'cpu', works: true, inUse: true, detail: '1 thread' });
  expect(lines.find((l) => l.name === 'wasm')).toMatchObject({
    works: true,
    inUse: false,
    detail: 'simd128, 1 thread',
  });
  expect(lines.find((l) => l.name === 'node-gpu')).toMatchObject({ works: false, fix: expect.any(String) });
});

test('one library under two names is in use under the first that works', async () => {
  await useBackend('cpu');
  const named = (name: Candidate['name'], works = true): Candidate => ({
    name,
    automatic: true,
    load: async () => (works ? { threads: 2, isa: 'Some library', registeredAs: 'cpu' } : { reason: 'no GPU' }),
  });
  expect(await report([named('node-gpu'), named('node')], {})).toEqual([
    { name: 'node-gpu', works: true, inUse: true, detail: 'Some library, 2 threads' },
    { name: 'node', works: true, inUse: false, detail: 'Some library, 2 threads, the library of node-gpu' },
  ]);
  expect((await report([named('node-gpu', false), named('node')], {})).map((l) => l.inUse)).toEqual([false, true]);
});
