/** Checkpoints: complete or absent, the newest valid one is found, best and latest are kept. */
import { createHash } from 'node:crypto';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import './helpers/cpu.ts';
import { memory, scalar, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { checkConfig, firstDifference } from '../src/checkpoint/config-match.ts';
import type { CheckpointContent } from '../src/checkpoint/content.ts';
import { bestOf } from '../src/checkpoint/keep.node.ts';
import { latestCheckpoint, loadCheckpoint } from '../src/checkpoint/load.node.ts';
import { saveCheckpoint, writeCheckpoint } from '../src/checkpoint/save.node.ts';
import { type FileSystem, nodeFileSystem } from '../src/io/file-system.node.ts';
import { disposeTree } from '../src/tree/memory.ts';
import type { Params } from '../src/tree/params.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-checkpoint-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A checkpoint whose tensors all hold the step. */
function content(step: number, loss?: number): CheckpointContent {
  const params = { a: { w: tensor([step, step], [2, 1]) } };
  return {
    step,
    ...(loss !== undefined && { loss }),
    trees: { params, optimizer: { step: scalar(step), m: { a: { w: tensor([step, step], [2, 1]) } } } },
    state: { rng: { position: step }, history: [{ step, loss: loss ?? null }] },
    config: { model: { layers: 2 }, seed: 1 },
    version: '0.0.0',
  };
}

async function save(step: number, loss?: number, fs?: FileSystem): Promise<string> {
  const c = content(step, loss);
  try {
    return await saveCheckpoint(folder, c, { ...(fs && { fs }) });
  } finally {
    for (const tree of Object.values(c.trees)) disposeTree(tree);
  }
}

const steps = async (): Promise<string[]> => (await readdir(folder)).sort();

test('what was saved is loaded: trees, state, configuration, version', async () => {
  const path = await save(7, 2.5);
  const before = memory().numTensors;
  for (const from of [folder, path]) {
    const loaded = await loadCheckpoint(from, { config: { seed: 1, model: { layers: 2 } } });
    expect(loaded).toMatchObject({ path, step: 7, loss: 2.5, version: '0.0.0', trees: ['params', 'optimizer'] });
    expect(loaded.state).toEqual({ rng: { position: 7 }, history: [{ step: 7, loss: 2.5 }] });
    const optimizer = await loaded.tree('optimizer');
    expect(Array.from(((optimizer.m as Params).a as { w: Tensor }).w.dataSync())).toEqual([7, 7]);
    disposeTree(optimizer);
  }
  expect(memory().numTensors).toBe(before);
  // the manifest tells the truth about every file
  const manifest = JSON.parse(await readFile(join(path, 'manifest.json'), 'utf8'));
  expect(Object.keys(manifest.files)).toEqual([
    'config.json',
    'optimizer.safetensors',
    'params.safetensors',
    'state.json',
  ]);
  const bytes = await readFile(join(path, 'params.safetensors'));
  expect(manifest.files['params.safetensors']).toEqual({
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  });
});

test('validation losses 3, 1, 2, a resume, then 2, NaN, 2: the best stays that of step 2, best and latest always exist', async () => {
  const expected = [
    ['step-00000001'],
    ['step-00000002'],
    ['step-00000002', 'step-00000003'],
    ['step-00000002', 'step-00000004'],
    ['step-00000002', 'step-00000005'],
    ['step-00000002', 'step-00000006'],
  ];
  for (const [i, loss] of [3, 1, 2, 2, Number.NaN, 2].entries()) {
    // nothing is kept in memory between saves: a resume is nothing special
    await save(i + 1, loss);
    expect(await steps()).toEqual(expected[i]);
    expect((await loadCheckpoint(folder, { which: 'best' })).step).toBe(i === 0 ? 1 : 2);
    expect((await loadCheckpoint(folder)).step).toBe(i + 1);
  }
  expect(
    bestOf([
      { step: 4, loss: 1 },
      { step: 2, loss: 1 },
      { step: 1, loss: null },
    ])?.step,
  ).toBe(2);
});

test('the keep limit counts the latest, and best can be switched off', async () => {
  for (const step of [1, 2, 3, 4]) {
    const c = content(step, step);
    await saveCheckpoint(folder, c, { keep: { latest: 2, best: false } });
    for (const tree of Object.values(c.trees)) disposeTree(tree);
  }
  expect(await steps()).toEqual(['step-00000003', 'step-00000004']);
});

test('damaged and unfinished checkpoints are passed over with a warning', async () => {
  const keep = { latest: 10 };
  const all = [];
  for (const step of [1, 2, 3, 4, 5]) {
    const c = content(step);
    all.push(await saveCheckpoint(folder, c, { keep }));
    for (const tree of Object.values(c.trees)) disposeTree(tree);
  }
  const [, , third, fourth, fifth] = all as [string, string, string, string, string];
  await truncate(join(fifth, 'params.safetensors'), 100); // cut short
  const bytes = await readFile(join(fourth, 'optimizer.safetensors'));
  bytes[bytes.length - 1] = 1; // one byte of the last tensor
  await writeFile(join(fourth, 'optimizer.safetensors'), bytes);
  await rm(join(third, 'state.json'));
  await mkdir(join(folder, 'step-00000006')); // a partial folder from elsewhere
  await mkdir(join(folder, '123')); // any number
  const warnings: string[] = [];
  const loaded = await loadCheckpoint(folder, { warn: (m) => warnings.push(m) });
  expect(loaded.step).toBe(2);
  expect(warnings).toEqual([
    expect.stringMatching(/step-00000006: passed over, it has no manifest/),
    expect.stringMatching(/step-00000005: passed over, params.safetensors has 100 bytes instead of \d+/),
    expect.stringMatching(/step-00000004: passed over, optimizer.safetensors has other content than was written/),
    expect.stringMatching(/step-00000003: passed over, state.json is missing/),
  ]);
  await expect(loadCheckpoint(fifth)).rejects.toMatchObject({
    code: 'ERR_CHECKPOINT',
    message: expect.stringContaining('the checkpoint is damaged: params.safetensors'),
  });
  expect(await latestCheckpoint(join(folder, 'nothing'))).toBeUndefined();
  await expect(loadCheckpoint(join(folder, 'nothing'))).rejects.toThrow('there is no valid checkpoint');
  // a manifest that ends half-way is no manifest
  await appendFile(join(all[1] as string, 'manifest.json'), '{');
  expect((await loadCheckpoint(folder)).step).toBe(1);
  // none is whole: the newest that has a manifest is named, and nobody begins anew by mistake
  await truncate(join(all[0] as string, 'params.safetensors'), 10);
  const damage = {
    code: 'ERR_CHECKPOINT',
    message: expect.stringMatching(/step-00000005: the checkpoint is damaged: params.safetensors has 100 bytes.*copy/),
  };
  await expect(loadCheckpoint(folder)).rejects.toMatchObject(damage);
  await expect(latestCheckpoint(folder)).rejects.toMatchObject(damage);
  for (const path of all) await rm(path, { recursive: true });
  await expect(latestCheckpoint(folder)).rejects.toThrow('it has no readable manifest.json');
});

test('a checkpoint of another configuration is refused, naming the first option that differs', async () => {
  await save(1);
  await expect(loadCheckpoint(folder, { config: { seed: 1, model: { layers: 4 } } })).rejects.toMatchObject({
    code: 'ERR_CHECKPOINT',
    message: expect.stringContaining(
      'from another configuration: model.layers differs; got 4, wanted 2. Resume with the options of the run',
    ),
  });
  const wanted = { a: [1, { b: 2 }], f: () => 1, gone: undefined };
  expect(() => checkConfig({ a: [1, { b: 2 }] }, wanted, 'x')).not.toThrow();
  expect(firstDifference({ a: [1, { b: 3 }] }, { a: [1, { b: 2 }] })).toEqual({ path: 'a[1].b', saved: 3, wanted: 2 });
  expect(firstDifference({ a: [1] }, { a: [1, 2] })?.path).toBe('a');
  expect(firstDifference({ a: 1, extra: 2 }, { a: 1 })).toEqual({ path: 'extra', saved: 2, wanted: undefined });
});

test.each(['create', 'write', 'sync', 'rename', 'makeDirectory'] as const)(
  'a disk that is full in the n-th %s leaves the previous checkpoint',
  async (call) => {
    await save(1, 5);
    for (let n = 0; ; n++) {
      let calls = 0;
      const due = async (kind: string): Promise<void> => {
        if (kind === call && calls++ === n)
          throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      };
      const fs: FileSystem = {
        ...nodeFileSystem,
        create: async (path) => {
          await due('create');
          const file = await nodeFileSystem.create(path);
          return {
            write: (bytes) => due('write').then(() => file.write(bytes)),
            sync: () => due('sync').then(() => file.sync()),
            close: () => file.close(),
          };
        },
        rename: (from, to) => due('rename').then(() => nodeFileSystem.rename(from, to)),
        makeDirectory: (path) => due('makeDirectory').then(() => nodeFileSystem.makeDirectory(path)),
      };
      const failed = await save(2, 1, fs).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failed === undefined) {
        expect(n).toBeGreaterThan(0);
        break;
      }
      // pruning fails after the new one is complete; everything before leaves the old one alone
      const left = await loadCheckpoint(folder);
      if (left.step === 1)
        expect(failed).toMatchObject({ code: 'ERR_CHECKPOINT', message: expect.stringContaining('the disk is full') });
      expect((await steps()).filter((name) => name.startsWith('.'))).toEqual([]);
      await rm(folder, { recursive: true });
      await mkdir(folder);
      await save(1, 5);
    }
  },
);

test('saving to a path replaces what is there, and extra files are sealed too', async () => {
  const path = join(folder, 'final');
  for (const step of [1, 2]) {
    const c = content(step);
    await writeCheckpoint(path, c, {
      extra: async (inside) => {
        await mkdir(join(inside, 'model'));
        await writeFile(join(inside, 'model', 'config.json'), '{}');
      },
    });
    for (const tree of Object.values(c.trees)) disposeTree(tree);
  }
  expect((await loadCheckpoint(path)).step).toBe(2);
  expect(await readdir(folder)).toEqual(['final']);
  await writeFile(join(path, 'model', 'config.json'), '{"a":1}');
  await expect(loadCheckpoint(path)).rejects.toThrow('model/config.json has 7 bytes instead of 2');
});

test('twenty saves keep tensor count and bytes flat', async () => {
  const c = content(1);
  const { numTensors, numBytes } = memory();
  for (let step = 1; step <= 20; step++) await saveCheckpoint(folder, { ...c, step });
  expect(memory()).toMatchObject({ numTensors, numBytes });
  for (const tree of Object.values(c.trees)) disposeTree(tree);
});
