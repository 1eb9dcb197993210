// Blocks, bit by bit as Python's gguf (golden/make_gguf.py), and whole files there and back.
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  backendExtensions,
  bytesSource,
  disposeTree,
  flatten,
  heldBytes,
  rng,
  unflatten,
  useBackend,
} from '@gimbal/tensor-core';
import { memory, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import {
  type DecoderOptions,
  decoder,
  loadGguf,
  loadPretrained,
  padBatch,
  quantizeWeights,
  saveGguf,
  trainTokenizer,
} from '../index.ts';
import { dequantize } from './dequantize.ts';
import { quantize } from './quantize.ts';
import { readGguf } from './read-gguf.ts';
import { readGgufHeader } from './read-header.ts';
import { tokenizerFromGguf, tokenizerToGguf } from './tokenizer.ts';
import type { GgufType } from './types.ts';

type Golden = {
  read: Record<string, { blocks: string; values: string }>;
  rows: string;
  written: Record<string, string>;
};
const golden = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../test/golden/gguf.golden.json', import.meta.url)), 'utf8'),
) as Golden;
const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const hex = (data: Uint8Array): string => Array.from(data, (byte) => byte.toString(16).padStart(2, '0')).join('');
const hexOf = (values: Float32Array): string => hex(new Uint8Array(values.slice().buffer));

let dir: string;
beforeAll(async () => {
  await useBackend('auto');
  dir = await mkdtemp(join(tmpdir(), 'gimbal-gguf-'));
});
afterAll(() => rm(dir, { recursive: true }));

it.each(Object.keys(golden.read))('reads %s as the reference does, to the bit', (name) => {
  const { blocks, values } = golden.read[name] as Golden['read'][string];
  expect(hexOf(dequantize(bytes(blocks), name as GgufType))).toBe(values);
});

it('reads BF16 as the upper halves of floats', () => {
  const halves = Uint16Array.of(0x3f80, 0xc049, 0x0000, 0x7f80); // 1, −3.140625, 0, ∞
  expect([...dequantize(new Uint8Array(halves.buffer), 'BF16')]).toEqual([1, -3.140625, 0, Number.POSITIVE_INFINITY]);
});

it.each(['Q8_0', 'Q4_0', 'F16'] as const)('writes %s as the reference does, to the bit', (name) => {
  const rows = new Float32Array(bytes(golden.rows).buffer);
  const blocks = quantize(rows, name);
  expect(hex(blocks)).toBe(golden.written[name]);
});

it.each(['Q8_0', 'Q4_0'] as const)('%s is near what was quantised, and exact where it can be', (name) => {
  const rows = new Float32Array(bytes(golden.rows).buffer);
  const back = dequantize(quantize(rows, name), name);
  expect(back.every(Number.isFinite)).toBe(true);
  expect(back.subarray(64, 128).every((x) => x === 0)).toBe(true); // zeros are exact
  // constants within half a step
  expect(Math.abs((back[128] as number) + 9)).toBeLessThan(9 / 14);
  expect(Math.abs((back[192] as number) - 9)).toBeLessThan(9 / 14);
  // too small for the scale: nothing, and no NaN (the reference divides by zero)
  expect([...dequantize(quantize(new Float32Array(32).fill(1e-38), name), name)]).toEqual(
    Array(32).fill(expect.closeTo(0, 30)),
  );
  expect(() => quantize(rows.subarray(0, 80), name)).toThrow(
    /do not fill whole blocks; got 80, wanted a multiple of 32/,
  );
});

it('Q8_0 is within half a step of every number, the step of a block being its largest over 127', () => {
  const draw = rng(12);
  // blocks of sizes from 1e-3 to 1e3, one of them with a number far from its others
  const rows = Float32Array.from({ length: 32 * 64 }, (_, i) => draw.normal() * 10 ** ((Math.floor(i / 32) % 7) - 3));
  rows[40] = 5e3;
  const back = dequantize(quantize(rows, 'Q8_0'), 'Q8_0');
  for (let block = 0; block < rows.length; block += 32) {
    const largest = rows.subarray(block, block + 32).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    // the step is kept as float16, off by 2^-11 of it, or by 2^-25 where it is subnormal; 127 of them stand for the largest
    const step = largest / 127;
    const most = step / 2 + 127 * Math.max(step * 2 ** -11, 2 ** -25);
    for (let i = block; i < block + 32; i++) {
      expect(Math.abs((back[i] as number) - (rows[i] as number))).toBeLessThanOrEqual(most);
    }
  }
});

const tokenizer = trainTokenizer(['the cat sat on the mat'], {
  vocabularySize: 280,
  specialTokens: ['<|im_end|>'],
  promptSuffix: '',
});
const size = {
  vocabularySize: 280,
  width: 32,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headWidth: 8,
  feedForward: 64,
  contextLength: 64,
  eosIds: [1],
  bosId: 1,
};
const gemma = { queryScale: 8 ** -0.5, window: 5 };
const models: [string, DecoderOptions][] = [
  ['llama', { ...size, family: 'llama', ropeTheta: 500 }],
  [
    'llama with stretched positions',
    {
      ...size,
      ropeTheta: 500000,
      ropeScaling: {
        type: 'llama3',
        factor: 8,
        lowFrequencyFactor: 1,
        highFrequencyFactor: 4,
        originalMaxPositions: 8192,
      },
    },
  ],
  ['qwen2', { ...size, family: 'qwen2', tieEmbeddings: false }],
  ['qwen3', { ...size, family: 'qwen3', ropeScaling: { type: 'linear', factor: 2 } }],
  [
    'gemma2',
    { ...size, ...gemma, family: 'gemma2', slidingLayers: [true, false], attentionSoftcap: 50, finalSoftcap: 30 },
  ],
  ['gemma3', { ...size, ...gemma, family: 'gemma3_text', localRopeTheta: 10000, slidingLayers: [true, true] }],
];

it.each(models)('brings a %s model there and back: names, transforms, options, tokenizer', async (_, options) => {
  const model = decoder(options);
  const params = model.init(rng(3));
  const path = join(dir, 'model.gguf');
  await saveGguf(path, model, params, { tokenizer, type: 'F32' });
  const again = await loadPretrained(path);
  expect(again.model.config).toEqual(model.config);
  const saved = new Map(flatten(again.params));
  for (const [name, tensor] of flatten(params)) {
    const [a, b] = [saved.get(name)?.dataSync() ?? [], tensor.dataSync()];
    const worst = Math.max(...Array.from(b, (x, i) => Math.abs(x - (a[i] as number))));
    expect(worst).toBeLessThan(1e-6); // 1 + w is rounded
  }
  const text = 'the cat <|im_end|> 12 Mats!';
  expect([...(again.tokenizer?.encodeText(text) ?? [])]).toEqual([...tokenizer.encodeText(text)]);
  expect(again.tokenizer?.special).toEqual(tokenizer.special);
  disposeTree(again.params);
  disposeTree(params);
});

it.each(['F16', 'Q8_0', 'Q4_0'] as const)('keeps what %s can keep of the logits', async (type) => {
  const model = decoder({ ...size, initializerRange: 0.1 });
  const params = model.init(rng(3));
  const path = join(dir, `${type}.gguf`);
  await saveGguf(path, model, params, { tokenizer, type });
  const again = await loadGguf(path);
  const ids = tensor2d([[5, 6, 7, 8]], [1, 4], 'int32');
  const [a, b] = [model.apply(params, ids).dataSync(), again.model.apply(again.params, ids).dataSync()];
  const worst = Math.max(...Array.from(a, (x, i) => Math.abs(x - (b[i] as number))));
  expect(worst).toBeGreaterThan(0);
  expect(worst).toBeLessThan({ F16: 0.005, Q8_0: 0.1, Q4_0: 1 }[type]);
  disposeTree(again.params);
  disposeTree(params);
});

describe.each(models)('%s in blocks', (_, options) => {
  it.each(['Q8_0', 'Q4_0'] as const)('generates from %s as from its floats', async (type) => {
    const model = decoder({ ...options, initializerRange: 0.1 });
    const params = model.init(rng(3));
    const path = join(dir, 'blocks.gguf');
    await saveGguf(path, model, params, { tokenizer, type });
    const [floats, blocks] = [await loadGguf(path), await loadGguf(path, { weights: 'blocks' })];
    const before = heldBytes(blocks.params);
    if (backendExtensions()) expect(before).toBeLessThan(heldBytes(floats.params));
    const ids = tensor2d([[5, 6, 7, 8]], [1, 4], 'int32');
    const [a, b] = [floats, blocks].map((m) => m.model.apply(m.params, ids).dataSync()) as [Float32Array, Float32Array];
    expect(Math.max(...Array.from(a, (x, i) => Math.abs(x - (b[i] as number))))).toBeLessThan(1e-5);
    const prompts = padBatch([Int32Array.of(5, 6, 7), Int32Array.of(9)], 0);
    const written = await Promise.all(
      [floats, blocks].map(async ({ model: m, params: p }) => {
        const written = await m.sample(p, prompts, { maxNewTokens: 12, temperature: 0, rng: rng(0) });
        return [...written.ids];
      }),
    );
    expect(written[1]).toEqual(written[0]);
    expect(heldBytes(blocks.params)).toBe(before); // nothing was inflated
    for (const tree of [floats.params, blocks.params, params]) disposeTree(tree);
  });
});

it('quantises weights in memory as the file would', async () => {
  const model = decoder({ ...size, initializerRange: 0.1, tieEmbeddings: false });
  const params = model.init(rng(3));
  const path = join(dir, 'q8.gguf');
  await saveGguf(path, model, params, { tokenizer, type: 'Q8_0' });
  const read = await loadGguf(path);
  const made = await quantizeWeights(model, params, 'Q8_0');
  const small = await quantizeWeights(model, params, 'Q4_0');
  if (backendExtensions()) {
    expect(heldBytes(made)).toBeLessThan(heldBytes(params) / 3);
    expect(heldBytes(small)).toBeLessThan(heldBytes(made));
  }
  const wanted = new Map(flatten(read.params));
  for (const [name, tensor] of flatten(made))
    expect([name, tensor.dataSync()]).toEqual([name, wanted.get(name)?.dataSync()]);
  for (const tree of [read.params, made, small, params]) disposeTree(tree);
  await expect(quantizeWeights(model, params, 'Q5_0' as never)).rejects.toThrow(/unknown type; got "?Q5_0/);
});

it('refuses weights that are no numbers, by file and tensor', async () => {
  const model = decoder(size);
  const params = model.init(rng(3));
  const [path, weight] = flatten(params).find(([name]) => name.endsWith('norm.weight')) ?? [];
  const file = join(dir, 'nan.gguf');
  const whole = tensor1d(Float32Array.from(weight?.dataSync() ?? [], (x, i) => (i === 3 ? Number.NaN : x)));
  const broken = unflatten(flatten(params).map(([name, t]) => [name, name === path ? whole : t]));
  await saveGguf(file, model, broken, { tokenizer, type: 'F32' });
  const before = memory().numTensors;
  await expect(loadGguf(file)).rejects.toThrow(
    /nan\.gguf, tensor ".*norm\.weight": element 3 of its weights is no finite number; got NaN/,
  );
  expect(memory().numTensors).toBe(before);
  disposeTree(params);
  whole.dispose();
});

it.each(['float32', 'blocks'] as const)(
  'names the element whose scale is no number, weights as %s',
  async (weights) => {
    const model = decoder(size);
    const params = model.init(rng(3));
    const file = join(dir, 'scale.gguf');
    await saveGguf(file, model, params, { tokenizer, type: 'Q8_0' });
    disposeTree(params);
    const bytes = new Uint8Array(await readFile(file));
    const { tensors } = await readGgufHeader(bytesSource(bytes));
    bytes.set([0x00, 0x7c], (tensors.get('token_embd.weight')?.start as number) + 3 * 34); // the fourth block's scale
    const before = memory().numTensors;
    await expect(readGguf(bytesSource(bytes), { weights })).rejects.toThrow(
      /tensor "token_embd.weight": element 96 of its weights is no finite number; got (Infinity|-Infinity|NaN)/,
    );
    expect(memory().numTensors).toBe(before);
  },
);

it('refuses two tensors on the same bytes', async () => {
  const model = decoder(size);
  const params = model.init(rng(3));
  const path = join(dir, 'overlap.gguf');
  await saveGguf(path, model, params, { tokenizer, type: 'F32' });
  disposeTree(params);
  const bytes = await readFile(path);
  /** Where a matrix's offset stands: after its name, rank, two sizes and type. */
  const offsetOf = (name: string): number => bytes.indexOf(name) + name.length + 4 + 2 * 8 + 4;
  const [one, two] = [offsetOf('blk.0.attn_q.weight'), offsetOf('blk.1.attn_q.weight')];
  bytes.copy(bytes, two, one, one + 8);
  await expect(readGguf(bytesSource(new Uint8Array(bytes)))).rejects.toMatchObject({
    code: 'ERR_CHECKPOINT',
    message: expect.stringMatching(/tensor blk.1.attn_q.weight: it lies on the bytes of tensor blk.0.attn_q.weight/),
  });
});

it('refuses more tokens than embeddings, and types of another number than the tokens', () => {
  const metadata = tokenizerToGguf(tokenizer, 280);
  expect(() => tokenizerFromGguf(metadata, 'a.gguf', 280)).not.toThrow();
  expect(() => tokenizerFromGguf(metadata, 'a.gguf', 275)).toThrow(
    /a.gguf tokenizer.ggml.tokens: there are more tokens than the model has embeddings for; got 280, wanted "?at most 275/,
  );
  metadata.set('tokenizer.ggml.token_type', [1, 3, 1]);
  expect(() => tokenizerFromGguf(metadata, 'a.gguf', 280)).toThrow(
    /tokenizer.ggml.token_type: not one type for each token; got 3, wanted "?280 numbers/,
  );
});

it('refuses files that are cut off, of another kind, or of a model that is not known', async () => {
  const model = decoder(size);
  const params = model.init(rng(3));
  const path = join(dir, 'whole.gguf');
  await saveGguf(path, model, params, { tokenizer });
  const whole = await readFile(path);
  for (const length of [3, 10, 200, 5000, whole.length - 64]) {
    await expect(readGguf(bytesSource(new Uint8Array(whole.subarray(0, length))))).rejects.toMatchObject({
      code: 'ERR_CHECKPOINT',
    });
  }
  const other = join(dir, 'other.gguf');
  await writeFile(
    other,
    Buffer.from(
      whole
        .toString('latin1')
        .replaceAll('qwen2', 'qwen9')
        .replace(
          'architecture\x08\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00llama',
          'architecture\x08\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00mamba',
        ),
      'latin1',
    ),
  );
  await expect(loadGguf(other)).rejects.toThrow(
    /architecture is not known here; got "mamba", wanted one of llama, qwen2/,
  );
  await writeFile(other, Buffer.from(whole.toString('latin1').replace('blk.1.ffn_up', 'blk.1.ffn_xx'), 'latin1'));
  await expect(loadGguf(other)).rejects.toThrow(/missing blk.1.ffn_up.weight \[64,32\]; unknown blk.1.ffn_xx.weight/);
  for (const [key, damaged] of [
    ['tokens', 'tokenz'],
    ['merges', 'mergez'],
  ] as const) {
    const text = whole.toString('latin1').replace(`tokenizer.ggml.${key}`, `tokenizer.ggml.${damaged}`);
    await writeFile(other, Buffer.from(text, 'latin1'));
    await expect(loadGguf(other)).rejects.toThrow(new RegExp(`tokenizer.ggml.${key}: .*wanted a list of texts`));
  }
  await writeFile(other, 'no model');
  await expect(loadGguf(other)).rejects.toThrow(/no GGUF file/);
  disposeTree(params);
});
