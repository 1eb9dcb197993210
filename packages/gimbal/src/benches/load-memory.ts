// What opening a checkpoint takes in memory: a random one of SmolLM2-135M's shape, 538 MB in float32, opened by a process of
// its own. The number is the peak of that process, Node and the program itself included, against 1.3 × the float32 weights.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { BackendError } from '@gimbal/tensor-core';
import { known } from '../bench/row.ts';
import { type BenchRow, defineSuite } from '../bench/suite.ts';

const shape = { vocabularySize: 49152, width: 576, layers: 30, heads: 9, kvHeads: 3, feedForward: 1536 };
const script = fileURLToPath(new URL('../../peers/load-model.mjs', import.meta.url));

export const suite = defineSuite({
  name: 'load-memory',
  summary: 'peak memory of opening a checkpoint of 135 M parameters (goal: 1.3 × its float32 size)',
  parts: ['float32', 'bfloat16', 'shards'],
  async *run({ backend, options, note, wants }): AsyncIterable<BenchRow> {
    const { decoder, savePretrained } = await import('@gimbal/language-models');
    const { disposeTree, rng, treeBytes } = await import('@gimbal/tensor-core');
    const folder = await mkdtemp(join(tmpdir(), 'gimbal-load-memory-'));
    try {
      const model = decoder({ family: 'llama', ...shape, contextLength: 2048 });
      const params = model.init(rng(options.seed));
      const bytes = treeBytes(params);
      const cases = [
        { part: 'float32', dtype: 'float32' },
        { part: 'bfloat16', dtype: 'bfloat16' },
        { part: 'shards', dtype: 'float32', maxShardBytes: 1e8 },
      ] as const;
      const made = cases.filter(({ part }) => wants(part));
      for (const { part, ...o } of made) await savePretrained(join(folder, part), model, params, o);
      disposeTree(params);
      for (const { part } of made) {
        const { before, peak, seconds } = await opened(join(folder, part), backend);
        note(`${part}: ${mega(before)} MB before, opened in ${seconds.toFixed(1)} s`);
        yield known({
          name: `peak of the process, ${mega(bytes)} MB of weights, ${part} (peer: what is allowed)`,
          unit: 'MB',
          ours: peak / 1e6,
          peer: (1.3 * bytes) / 1e6,
          goal: 1,
          hostKernels: 0,
          others: null,
        });
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  },
});

const mega = (bytes: number): string => (bytes / 1e6).toFixed(0);

async function opened(folder: string, backend: string): Promise<{ before: number; peak: number; seconds: number }> {
  const { stdout } = await promisify(execFile)(process.execPath, [script, folder, backend]).catch((cause: Error) => {
    throw new BackendError({
      where: 'gimbal bench load-memory',
      what: `the model does not open: ${cause.message}`,
      cause,
    });
  });
  return JSON.parse(stdout);
}
