// Model files that Python's gguf wrote (golden/make_gguf_models.py: its names and keys, llama.cpp's turned rows of q and k,
// Gemma's norms as 1 + w): the logits that transformers has from the same weights. And what such a file cannot hold.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { disposeTree, fileSource, openSafetensors, rng, useBackend } from '@gimbal/tensor-core';
import { type Tensor, tensor2d } from '@tensorflow/tfjs-core';
import { configFromGguf } from '../src/gguf/config.ts';
import { readGgufHeader } from '../src/gguf/read-header.ts';
import { type DecoderOptions, decoder, loadGguf, saveGguf, trainTokenizer } from '../src/index.ts';
import { difference } from './helpers/difference.ts';

const golden = (name: string): string => fileURLToPath(new URL(`golden/gguf-models/${name}`, import.meta.url));
const valuesOf = (t: Tensor): Float32Array => {
  const values = t.dataSync() as Float32Array;
  t.dispose();
  return values;
};

let dir: string;
beforeAll(async () => {
  await useBackend('auto');
  dir = await mkdtemp(join(tmpdir(), 'gimbal-gguf-models-'));
});
afterAll(() => rm(dir, { recursive: true }));

describe.each(['llama', 'qwen2', 'qwen3', 'gemma2', 'gemma3'])('%s of Python’s gguf', (name) => {
  it('gives the logits of transformers, and again when it is saved', async () => {
    const file = await openSafetensors(golden(`${name}.safetensors`));
    const [ids, wanted] = [await file.tensor('ids'), valuesOf(await file.tensor('logits'))];
    await file.close();
    const rows = tensor2d(Int32Array.from(valuesOf(ids)), [2, 24], 'int32');
    const { model, params, tokenizer } = await loadGguf(golden(`${name}.gguf`));
    expect(difference(valuesOf(model.apply(params, rows)), wanted)).toBeLessThan(2e-5);
    expect(tokenizer?.token(63)).toBe('AB');
    expect([...(tokenizer?.encodeText('ABBA') ?? [])]).toEqual([63, 4, 3]);
    const path = join(dir, `${name}.gguf`);
    await saveGguf(path, model, params, { tokenizer: tokenizer as NonNullable<typeof tokenizer>, type: 'F16' });
    const again = await loadGguf(path);
    expect(difference(valuesOf(again.model.apply(again.params, rows)), wanted)).toBeLessThan(2e-5);
    for (const tree of [params, again.params]) disposeTree(tree);
    rows.dispose();
  });
});

const tokenizer = trainTokenizer(['the cat sat on the mat'], { vocabularySize: 280 });
const size = {
  vocabularySize: 300,
  width: 32,
  layers: 4,
  heads: 4,
  kvHeads: 2,
  headWidth: 8,
  feedForward: 32,
  contextLength: 64,
  initializerRange: 0.3,
  eosIds: [1],
};
const gemma = { ...size, window: 5, queryScale: 8 ** -0.5 };
const gemma2 = { ...gemma, family: 'gemma2', attentionSoftcap: 50, finalSoftcap: 30 } as const;
const gemma3 = { ...gemma, family: 'gemma3_text', localRopeTheta: 1e4 } as const;
const yarn = { type: 'yarn', factor: 4, betaFast: 32, betaSlow: 1, originalMaxPositions: 16 } as const;
const attentionFactor = 0.1 * Math.log(4) + 1;
const llama3 = { type: 'llama3', factor: 4, lowFrequencyFactor: 1, highFrequencyFactor: 4 } as const;

const held: [string, DecoderOptions][] = [
  ['YaRN as usual', { ...size, ropeScaling: { ...yarn, attentionFactor } }],
  ['Llama 3 from another context', { ...size, ropeTheta: 500, ropeScaling: { ...llama3, originalMaxPositions: 16 } }],
  ['Llama 3, no factor between', { ...size, ropeTheta: 1e7, ropeScaling: { ...llama3, originalMaxPositions: 70 } }],
  ['Gemma 3 that slides in another way', { ...gemma3, slidingLayers: [true, false, true, false] }],
  ['Gemma 3 that slides everywhere', { ...gemma3, slidingLayers: [true, true, true, true] }],
  ['Gemma 3 with another local base', { ...gemma3, localRopeTheta: 500, slidingLayers: [true, false, true, false] }],
  ['Gemma 3 with capped logits', { ...gemma3, finalSoftcap: 3, slidingLayers: [true, true, true, true] }],
];
it.each(held)('brings %s there and back', async (_, options) => {
  const model = decoder(options);
  const params = model.init(rng(1));
  const rows = tensor2d([Array.from({ length: 40 }, (_, i) => (i * 7) % 250)], [1, 40], 'int32');
  const path = join(dir, 'held.gguf');
  await saveGguf(path, model, params, { tokenizer, type: 'F32' });
  const again = await loadGguf(path);
  const logits = valuesOf(model.apply(params, rows));
  expect(difference(valuesOf(again.model.apply(again.params, rows)), logits)).toBeLessThan(1e-4);
  for (const tree of [params, again.params]) disposeTree(tree);
  rows.dispose();
});

const lost: [string, DecoderOptions, RegExp][] = [
  ['a window of Qwen', { ...size, family: 'qwen2', window: 4 }, /no key for its window, slidingLayers/],
  ['biases of Qwen 3', { ...size, family: 'qwen3', attentionBias: true }, /no key for its attentionBias/],
  ['a query scale', { ...gemma2, queryScale: 0.05, slidingLayers: [true, false, true, false] }, /its queryScale/],
  ['layers in no pattern', { ...gemma3, slidingLayers: [true, false, false, true] }, /its slidingLayers/],
  [
    'no cap of Gemma 2',
    { ...gemma, family: 'gemma2', slidingLayers: [true, false, true, false] },
    /its attentionSoftcap/,
  ],
  ['YaRN with another factor', { ...size, ropeScaling: { ...yarn, attentionFactor: 1 } }, /its ropeScaling/],
  ['YaRN with another border', { ...size, ropeScaling: { ...yarn, attentionFactor, betaFast: 4 } }, /its ropeScaling/],
  [
    'Llama 3 with other borders',
    { ...size, ropeTheta: 4, ropeScaling: { ...llama3, highFrequencyFactor: 9, originalMaxPositions: 16 } },
    /its ropeScaling/,
  ],
  [
    'Llama 3’s stretching in Qwen 2',
    { ...size, family: 'qwen2', ropeScaling: { ...llama3, originalMaxPositions: 16 } },
    /its ropeScaling/,
  ],
];
it.each(lost)('refuses to write %s', async (_, options, message) => {
  const model = decoder(options);
  const params = model.init(rng(1));
  const written = saveGguf(join(dir, 'lost.gguf'), model, params, { tokenizer });
  await expect(written).rejects.toMatchObject({ code: 'ERR_CONFIG', message: expect.stringMatching(message) });
  disposeTree(params);
});

describe('the metadata of stretched positions', () => {
  const read = async (
    name: string,
    keys: Record<string, number | string>,
    factors?: Float32Array,
  ): Promise<unknown> => {
    const source = await fileSource(golden(`${name}.gguf`));
    const { metadata, tensors } = await readGgufHeader(source);
    await source.close();
    return configFromGguf({ metadata: new Map([...metadata, ...Object.entries(keys)]), tensors }, 'a.gguf', factors);
  };
  const factor = { 'qwen3.rope.scaling.factor': 4 };
  it.each(['longrope', 'dynamic'])('of type %s is refused', async (type) => {
    await expect(read('qwen3', { ...factor, 'qwen3.rope.scaling.type': type })).rejects.toThrow(
      new RegExp(`a.gguf qwen3.rope.scaling.type: this stretching .* not known here.*got "${type}"`),
    );
  });
  it('with a factor on attention, of YaRN in Gemma, or as factors beside another kind is refused', async () => {
    await expect(read('qwen3', { 'qwen3.rope.scaling.attn_factor': 1.2 })).rejects.toThrow(/attn_factor.*got 1.2/);
    await expect(read('gemma3', { 'gemma3.rope.scaling.type': 'yarn' })).rejects.toThrow(/wanted "?none or linear/);
    await expect(read('qwen3', {}, Float32Array.of(1, 1, 1, 4, 4, 4))).rejects.toThrow(/but in architecture llama/);
  });
  it('is as llama.cpp takes it: a factor alone is linear, none is none', async () => {
    expect(await read('qwen3', factor)).toMatchObject({ ropeScaling: { type: 'linear', factor: 4 } });
    expect(await read('qwen3', { ...factor, 'qwen3.rope.scaling.type': 'none' })).not.toHaveProperty('ropeScaling');
  });
  it('tells the two models of 27B by their layers, whose scale of scores no key says', async () => {
    const scale = (await read('gemma2', { 'gemma2.block_count': 46 })) as { queryScale: number };
    expect(scale.queryScale).toBe((32 / 4) ** -0.5);
    expect(await read('gemma2', {})).toMatchObject({ queryScale: 12 ** -0.5 });
  });
});
