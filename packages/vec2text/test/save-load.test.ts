import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flatten, rng, useBackend } from '@gimbal/tensor-core';
import { memory } from '@tensorflow/tfjs-core';
import {
  decodeCodes,
  encodeTexts,
  encodeVec2Text,
  loadVec2Text,
  sample,
  saveVec2Text,
  spaceStats,
  specialIds,
  textTokenizer,
  trainedModel,
  type Vec2Text,
  vec2text,
  wordTokenizer,
} from '../src/index.ts';
import { loadVec2Text as loadInPage } from '../src/model/load.browser.ts';
import { randomModel } from './helpers/toy.ts';

let folder: string;
let model: Vec2Text;
const text = 'the boy saw the old lamp';
const reasonOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'nothing thrown',
    (error) => (error as { reason?: string; code: string }).reason ?? (error as { code: string }).code,
  );

beforeAll(async () => {
  await useBackend('auto');
  folder = await mkdtemp(join(tmpdir(), 'vec2text-'));
  model = randomModel();
});
afterAll(async () => {
  model.dispose();
  await rm(folder, { recursive: true });
});

test('a model comes back from its folder, its one file and its bytes: the same codes and texts to the bit', async () => {
  const path = join(folder, 'model');
  await saveVec2Text(path, model);
  await saveVec2Text(path, model); // one that is there is replaced
  const bytes = await encodeVec2Text(model);
  await writeFile(join(folder, 'one.safetensors'), bytes);
  const z = sample(model.module.space, 5, { prior: 'gaussian-fit', stats: model.stats, rng: rng(0) });
  const { numTensors } = memory();
  for (const from of [path, join(folder, 'one.safetensors'), bytes]) {
    using loaded = await loadVec2Text(from);
    expect(loaded.module.config).toEqual(model.module.config);
    expect(loaded.stats).toEqual(model.stats);
    expect(await encodeTexts(loaded, [text])).toEqual(await encodeTexts(model, [text]));
    expect(await decodeCodes(loaded, z)).toEqual(await decodeCodes(model, z));
  }
  using page = await loadInPage(bytes);
  expect(await decodeCodes(page, z)).toEqual(await decodeCodes(model, z));
  page.dispose();
  // the first model keeps its decoding state between calls: one for a batch of five
  expect(memory().numTensors - numTensors).toBeLessThan(40);
});

test('BF16 halves the weights and moves codes by little', async () => {
  const half = await encodeVec2Text(model, { dtype: 'BF16' });
  using loaded = await loadVec2Text(half);
  const [a, b] = [await encodeTexts(model, [text]), await encodeTexts(loaded, [text])];
  for (let j = 0; j < 4; j++) expect(Math.abs((a[j] as number) - (b[j] as number))).toBeLessThan(0.03);
  const weights = flatten(model.params).reduce((n, [, t]) => n + t.size, 0);
  expect((await encodeVec2Text(model)).length - half.length).toBeGreaterThan(1.9 * weights);
});

test('what is no model, is damaged, or contradicts what is asked for is refused', async () => {
  const path = join(folder, 'damaged');
  expect(await reasonOf(loadVec2Text(join(folder, 'nowhere')))).toBe('ERR_CHECKPOINT');
  await saveVec2Text(path, model);
  await expect(loadVec2Text(path, { config: { space: 'sphere' } })).rejects.toThrow(
    'space is not what was asked for; got "box", wanted sphere. A model is used as it was trained: leave the option away.',
  );
  expect(await reasonOf(loadVec2Text(path, { config: { space: 'box' } }))).toBe('nothing thrown');
  const damage = async (name: string, change: (text: string) => string | undefined): Promise<string> => {
    const file = join(path, name);
    const before = await readFile(file, 'utf8');
    const after = change(before);
    if (after === undefined) await rm(file);
    else await writeFile(file, after);
    const reason = await reasonOf(loadVec2Text(path));
    await writeFile(file, before);
    return reason;
  };
  expect(await damage('tokenizer.json', () => undefined)).toBe('CHECKPOINT');
  expect(await damage('stats.json', () => undefined)).toBe('CHECKPOINT');
  expect(await damage('stats.json', (json) => json.replace('"box"', '"ball"'))).toBe('CHECKPOINT');
  for (const bad of ['{}', 'null', '[]']) expect(await damage('stats.json', () => bad)).toBe('CHECKPOINT');
  for (const name of ['mean', 'std', 'cholesky'])
    expect(
      await damage('stats.json', (json) => json.replace(new RegExp(`"${name}": \\[\\s*[^,]*`), `"${name}": [null`)),
    ).toBe('CHECKPOINT');
  expect(await damage('stats.json', (json) => json.replace(/"rms": [^,]*/, '"rms": "x"'))).toBe('CHECKPOINT');
  expect(await damage('config.json', () => '{')).toBe('CHECKPOINT');
  expect(await damage('config.json', () => 'null')).toBe('CHECKPOINT');
  expect(await damage('config.json', (json) => json.replace('gimbal-vec2text', 'gpt2'))).toBe('CHECKPOINT');
  expect(await damage('config.json', (json) => json.replace('"memorySlots": 2', '"memorySlots": 3'))).toBe(
    'CHECKPOINT',
  );
  expect(await damage('config.json', (json) => json.replace('"encoderLayers": 1', '"encoderLayers": 2'))).toBe(
    'CHECKPOINT',
  );
  for (const [part, other] of [
    ...[
      ['"heads": 2', '"heads": 5'],
      ['"space": "box"', '"space": "ball"'],
      ['"padId": 0', '"padId": 9'],
    ],
    ...[
      ['"width": 16', '"width": "x"'],
      ['"heads": 2', '"haeds": 2'],
    ],
  ] as [string, string][])
    expect([other, await damage('config.json', (json) => json.replace(part, other))]).toEqual([other, 'CHECKPOINT']);
  expect(await damage('tokenizer.json', () => '{}')).toBe('CHECKPOINT');
  for (const [part, number] of [
    ['rms', -1],
    ['rms', 1e300],
    ['saturation', 2],
  ] as const)
    expect(
      await damage('stats.json', (json) => json.replace(new RegExp(`"${part}": [^,\\s]*`), `"${part}": ${number}`)),
    ).toBe('CHECKPOINT');
  for (const [part, number] of [
    ['mean', 1e300],
    ['std', -1],
  ] as const)
    expect(
      await damage('stats.json', (json) =>
        json.replace(new RegExp(`"${part}": \\[\\s*[^,]*`), `"${part}": [${number}`),
      ),
    ).toBe('CHECKPOINT');
  // by the file
  const config = join(path, 'config.json');
  const before = await readFile(config, 'utf8');
  await writeFile(config, before.replace('"heads": 2', '"heads": 5'));
  await expect(loadVec2Text(path)).rejects.toThrow(
    `${config}: the file is damaged, or another model’s: vec2text.width`,
  );
  await writeFile(config, before);
  const words = join(path, 'tokenizer.json');
  const whole = await readFile(words, 'utf8');
  await writeFile(words, whole.replace(/,\s*"red": 17/, ''));
  await expect(loadVec2Text(path)).rejects.toThrow(`${words}: the tokenizer is of another vocabulary`);
  await writeFile(words, whole);
  // a tokenizer with a word more than the model
  expect(await damage('tokenizer.json', (json) => json.replace('"red": 17', '"red": 17, "blue": 18'))).toBe(
    'CHECKPOINT',
  );
  // and with one less: its codes would be those of other words
  expect(await damage('tokenizer.json', (json) => json.replace(/,\s*"red": 17/, ''))).toBe('CHECKPOINT');
  const { numTensors } = memory();
  await damage('config.json', (json) => json.replace('"memorySlots": 2', '"memorySlots": 3'));
  expect(memory().numTensors).toBe(numTensors);
});

test('tokenizers: special tokens of their own, and a model of another’s is refused', () => {
  const open = textTokenizer(['the boy saw the lamp', 'the girl saw the lamp'], { vocabularySize: 300 });
  expect(specialIds(open)).toEqual({ padId: 0, bosId: 2, eosId: 1, maskId: 3 });
  expect(open.decodeIds(open.encodeText('ünknown Wörds 🙂'))).toBe('ünknown Wörds 🙂');
  const closed = wordTokenizer(['b', 'a', 'b']);
  expect(specialIds(closed)).toEqual({ padId: 0, bosId: 1, eosId: 2, maskId: 3 });
  expect([closed.size, closed.id('b'), closed.id('a')]).toEqual([6, 4, 5]);
  const module = vec2text({ vocabSize: open.size, ...specialIds(closed) });
  const stats = spaceStats(module.space, new Float32Array(64));
  expect(() => trainedModel({ module, params: {}, tokenizer: open, stats })).toThrow(
    'vec2text: bosId of the tokenizer is not the model’s; got 2, wanted 1',
  );
  for (const vocabSize of [open.size - 1, open.size + 1])
    expect(() =>
      trainedModel({ module: vec2text({ vocabSize, ...specialIds(open) }), params: {}, tokenizer: open, stats }),
    ).toThrow(expect.objectContaining({ reason: 'CHECKPOINT', got: open.size, wanted: vocabSize }));
  expect(() => wordTokenizer([])).toThrow('there is no word');
  expect(() => wordTokenizer(['a\ud800', 'b'])).toThrow('no word');
  expect(() => wordTokenizer(['a b'])).toThrow('no word; got "a b"');
});
