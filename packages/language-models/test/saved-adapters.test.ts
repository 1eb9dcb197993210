// Adapters that Gimbal trained and wrote, opened by Python's PEFT: golden/saved-adapters/ holds them (make-saved-adapters.mjs)
// with the logits that peft 0.21.2 computed from each (peft.json, by check_adapters.py). We must write these bytes today.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { disposeTree, type Params, useBackend } from '@gimbal/tensor-core';
import { type Tensor, tensor2d } from '@tensorflow/tfjs-core';
import {
  adaptTree,
  disposeAdapter,
  loadAdapter,
  loadPretrained,
  loadSeq2Seq,
  mergeLora,
  padBatch,
  saveAdapter,
} from '../src/index.ts';

const golden = (path: string): string => fileURLToPath(new URL(`golden/${path}`, import.meta.url));

interface Said {
  ids: number[];
  targets: number[];
  logits: number[];
  merged: number[];
}

beforeAll(async () => {
  await useBackend('auto');
});

describe.each([
  ['llama', 'saved/llama'],
  ['gpt2', 'saved/gpt2'],
  ['t5', 't5-tiny'],
  ['t5-gated-dora', 't5-gated-tiny'],
])('the adapter %s', (name, base) => {
  const from = golden(`saved-adapters/${name}`);

  it('gives the logits that PEFT gives with it, beside the model or merged, and is written alike today', async () => {
    const said = JSON.parse(await readFile(join(from, 'peft.json'), 'utf8')) as Said;
    const lastOf = (logits: Tensor, row: number): Float32Array => {
      const width = logits.shape.at(-1) as number;
      const values = logits.dataSync().slice(row * width, (row + 1) * width) as Float32Array;
      logits.dispose();
      return values;
    };
    const opened = base.startsWith('t5') ? await loadSeq2Seq(golden(base)) : await loadPretrained(golden(base));
    const { model, params } = opened;
    const logitsOf = (tree: Params): Float32Array => {
      if ('apply' in model) {
        return lastOf(model.apply(tree, tensor2d(said.ids, [1, said.ids.length], 'int32')), said.ids.length - 1);
      }
      const targets = padBatch([[...said.targets.slice(1), 0]], 0); // the decoder reads them after its first token
      return lastOf(model.logits(tree, padBatch([said.ids], 0), targets), said.targets.length - 1);
    };
    const adapter = await loadAdapter(from, model.config);
    const merged = mergeLora(model.config, params, adapter);
    for (const [tree, wanted] of [
      [adaptTree(params, adapter), said.logits],
      [merged, said.merged],
    ] as const) {
      const ours = logitsOf(tree);
      expect(ours).toHaveLength(wanted.length);
      for (const [i, logit] of wanted.entries()) expect(Math.abs((ours[i] as number) - logit)).toBeLessThan(1e-4);
    }
    const dir = await mkdtemp(join(tmpdir(), 'gimbal-adapter-'));
    try {
      await saveAdapter(join(dir, name), model.config, adapter, { base });
      const both = (file: string): Promise<Buffer[]> =>
        Promise.all([readFile(join(dir, name, file)), readFile(join(from, file))]);
      // the formatter may break the committed file's lines elsewhere
      const [config, committed] = (await both('adapter_config.json')).map((bytes) => JSON.parse(bytes.toString()));
      expect(config).toEqual(committed);
      const [now, then] = (await both('adapter_model.safetensors')) as [Buffer, Buffer];
      expect(now.equals(then)).toBe(true);
    } finally {
      await rm(dir, { recursive: true });
    }
    disposeAdapter(adapter);
    for (const tree of [merged, params]) disposeTree(tree);
  });
});
