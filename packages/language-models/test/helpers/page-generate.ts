// Runs in a page: opens a model behind an address, writes with it, and trains it for some steps.
import {
  CausalLmTrainer,
  dataset,
  generate,
  generateStream,
  loadGguf,
  loadPretrained,
  type Tokenizer,
} from '@gimbal/language-models';
import { disposeTree, rng, useBackend } from '@gimbal/tensor-core';
import { memory } from '@tensorflow/tfjs-core';

/** What a page did on a backend; travels as JSON. */
export interface PageResult {
  backend: string;
  greedy: (readonly number[])[];
  streamed: string;
  losses: number[];
  folder: string;
  missing: string;
  /** The same from a .gguf file behind an address, and from the file itself as a Blob. */
  gguf: (readonly number[])[];
  tensors: number;
}

async function run(backend: 'cpu' | 'wasm', address: string, texts: readonly string[]): Promise<PageResult> {
  const { name } = await useBackend(backend, { wasmPaths: `${address}wasm/` });
  const before = memory().numTensors;
  const { model, params, ...rest } = await loadPretrained(address);
  const tokenizer = rest.tokenizer as Tokenizer;
  const o = { temperature: 0, maxNewTokens: 8, promptSuffix: false, rng: rng(0) };
  const greedy = [];
  for (const text of texts) greedy.push((await generate(model, params, tokenizer, [text], o))[0]?.ids ?? []);
  let streamed = '';
  for await (const { text } of generateStream(model, params, tokenizer, texts.slice(0, 1), o)) streamed += text;

  const data = dataset([{ text: 'the nurse hid the coat' }, { text: 'the mayor bought the apple' }]);
  const options = { model, params, tokenizer, data, batchSize: 1, seed: 0 };
  const trainer = new CausalLmTrainer(options);
  const losses: number[] = [];
  for await (const { loss } of trainer.train({ steps: 5 })) losses.push(loss);
  const folder = await trainer.save('x').catch((error: { code: string }) => error.code);
  trainer.dispose();
  disposeTree(params);
  const file = `${address}model.gguf`;
  const ofBlob = loadGguf as unknown as (from: Blob) => ReturnType<typeof loadGguf>; // the types here are Node's
  const gguf = [];
  for (const opened of [await loadPretrained(file), await ofBlob(await (await fetch(file)).blob())]) {
    const written = await generate(opened.model, opened.params, opened.tokenizer as Tokenizer, texts.slice(0, 1), o);
    gguf.push(written[0]?.ids ?? []);
    disposeTree(opened.params);
  }
  const missing = await loadPretrained(`${address}nothing`).catch((error: Error) => error.message);
  return {
    backend: name,
    greedy,
    streamed,
    losses,
    folder: String(folder),
    missing: String(missing),
    gguf,
    tensors: memory().numTensors - before,
  };
}

Object.assign(globalThis, { run });
