// Two worker threads at once: each has its own state in the binary (registry, threads, memory). They
// use the binary itself, as Node 20 cannot start a worker from TypeScript.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { loadAddon, nativeInfo, setThreads } from './index.ts';

const binary = join(
  dirname(dirname(fileURLToPath(import.meta.url))),
  'prebuilds',
  `${process.platform}-${process.arch}`,
  'tensor-native.node',
);

// a product of two matrices filled with `value`, many times; posts what a wrong sharing would change
const program = `
  const { parentPort, workerData } = require('node:worker_threads');
  const addon = require(workerData.binary);
  const n = 96, value = workerData.value;
  const buffer = addon.reserve(2 ** 22);
  const base = addon.addressOf(buffer);
  const a = new Float32Array(buffer, 0, n * n).fill(value);
  const c = new Float32Array(buffer, n * n * 4, n * n);
  const gemm = addon.opId('gemm');
  addon.setThreads(workerData.threads);
  const words = new Float64Array(23);
  let wrong = 0;
  for (let i = 0; i < 3000; i++) {
    c.fill(0);
    words.set([23, gemm, n, n, n, base, n, 0, base, n, 0, base + n * n * 4, n, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    addon.run(words, 23);
    if (c[0] !== n * value * value || c[n * n - 1] !== n * value * value) wrong++;
  }
  parentPort.postMessage({ wrong, threads: addon.info().threads });
`;

const runWorker = (value: number, threads: number): Promise<{ wrong: number; threads: number }> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(program, { eval: true, workerData: { binary, value, threads } });
    let result = { wrong: -1, threads: 0 };
    worker.on('message', (message) => {
      result = message;
    });
    worker.on('error', reject);
    worker.on('exit', () => resolve(result));
  });

const testBuilt = loadAddon() && existsSync(binary) ? test : test.skip;
if (testBuilt === test.skip) console.warn('workers: skipped, the native binary was not built here');

testBuilt('two workers compute at the same time without touching each other or the main thread', async () => {
  const mine = nativeInfo()?.threads;
  const results = await Promise.all([runWorker(2, 1), runWorker(3, 2)]);
  expect(results).toEqual([
    { wrong: 0, threads: 1 },
    { wrong: 0, threads: 2 },
  ]);
  expect(nativeInfo()?.threads).toBe(mine);
});

testBuilt('a worker that is ended takes its threads with it', async () => {
  for (let i = 0; i < 5; i++) {
    const worker = new Worker(program, { eval: true, workerData: { binary, value: 1, threads: 3 } });
    await new Promise((resolve) => worker.once('online', resolve));
    await worker.terminate();
  }
  expect(setThreads(nativeInfo()?.threads ?? 1)).toBe(nativeInfo()?.threads);
});
