// An inverter's folder, damaged in every way that files are.
import { copyFile, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rng, useBackend } from '@gimbal/tensor-core';
import { memory } from '@tensorflow/tfjs-core';
import {
  type Embedder,
  InverterTrainer,
  loadInverter,
  loadVec2Text,
  saveInverter,
  saveVec2Text,
} from '../src/index.ts';
import { randomModel } from './helpers/toy.ts';

const texts = ['the boy saw the lamp', 'the girl found the box', 'the doctor took the stone'];
const embedder: Embedder = {
  name: 'chance',
  dim: 4,
  hash: 'chance-4',
  embed: async (list) =>
    Float32Array.from(
      list.flatMap((text) => {
        const own = rng(1).split(text);
        return Array.from({ length: 4 }, () => own.normal());
      }),
    ),
};
let folder: string;
const [good, bad] = ['good', 'bad'].map((name) => (): string => join(folder, name)) as [() => string, () => string];

beforeAll(async () => {
  await useBackend('auto');
  folder = await mkdtemp(join(tmpdir(), 'inverter-'));
  using model = randomModel();
  await saveVec2Text(join(folder, 'model'), model);
  const common = { embedder, texts, tokenizer: model.tokenizer, seed: 0, batchSize: 3 };
  const config = { width: 8, ffn: 8, heads: 2, maxLength: 8, embeddingTokens: 2 };
  using first = new InverterTrainer({ ...common, stage: 'hypothesizer', config });
  await first.run({ steps: 1 });
  using second = new InverterTrainer({ ...common, stage: 'corrector', from: first.inverter });
  await second.run({ steps: 1 });
  await saveInverter(good(), second.inverter);
});
afterAll(() => rm(folder, { recursive: true }));

/** The reason why a damaged copy is refused; no tensor may be left of it. */
async function damaged(change: (path: string) => Promise<void>): Promise<string> {
  await rm(bad(), { recursive: true, force: true });
  await cp(good(), bad(), { recursive: true });
  await change(bad());
  const { numTensors } = memory();
  try {
    (await loadInverter(bad(), embedder)).dispose();
    return 'loaded';
  } catch (error) {
    const { reason, code } = error as { reason?: string; code?: string };
    return reason ?? code ?? String(error);
  } finally {
    expect(memory().numTensors).toBe(numTensors);
  }
}

test('a file that is missing, empty, cut or null is refused, and no tensor is left behind', async () => {
  expect(await damaged(async () => undefined)).toBe('loaded');
  for (const name of await readdir(good())) {
    const bytes = await readFile(join(good(), name));
    const changes: Record<string, (path: string) => Promise<void>> = {
      missing: (path) => rm(join(path, name)),
      empty: (path) => writeFile(join(path, name), ''),
      half: (path) => writeFile(join(path, name), bytes.subarray(0, bytes.length >> 1)),
      null: (path) => writeFile(join(path, name), 'null'),
    };
    for (const [how, change] of Object.entries(changes)) {
      // those of earlier versions have no spread
      const fine = name === 'spread.json' && (how === 'missing' || how === 'null');
      expect([name, how, await damaged(change)]).toEqual([
        name,
        how,
        fine ? 'loaded' : expect.stringMatching(/^(?:ERR_)?CHECKPOINT$/),
      ]);
    }
  }
});

test('a config of other sizes, stages or special tokens, and a stage’s weights in the other’s place are refused', async () => {
  const config = JSON.parse(await readFile(join(good(), 'config.json'), 'utf8')) as object;
  const says = (part: object): Promise<string> =>
    damaged((path) => writeFile(join(path, 'config.json'), JSON.stringify({ ...config, ...part })));
  expect(await says({ stages: ['hypothesizer'] })).toBe('loaded');
  // a vocabulary without the special tokens is refused before its tokenizer is looked at
  for (const part of [
    ...[{ width: 32 }, { vocabSize: 5 }, { vocabSize: 40 }, { embeddingTokens: 3 }, { maxLength: 30 }],
    ...[{ decoderLayers: 2 }, { eosId: 5 }, { stages: [] }, { stages: ['corrector'] }, { stages: ['hypothesizer', 5] }],
    ...[{ embeddingDim: 5 }],
  ])
    expect([part, await says(part)]).toEqual([part, expect.stringMatching(/^CHECKPOINT$/)]);
  for (const part of [{ width: 17 }, { maxLength: '8' }, { zzz: 1 }])
    expect([part, await says(part)]).toEqual([part, 'CHECKPOINT']);
  const swap = (path: string): Promise<void> =>
    copyFile(join(path, 'hypothesizer.safetensors'), join(path, 'corrector.safetensors'));
  expect(await damaged(swap)).toBe('CHECKPOINT');
});

test('no embedder is said to be none, and a model’s tokenizer that is null is a damaged checkpoint', async () => {
  await expect(loadInverter(good(), undefined as never)).rejects.toMatchObject({ reason: 'CONFIG' });
  const path = join(folder, 'model');
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
    const before = await readFile(join(path, name), 'utf8');
    for (const text of ['null', '5', '[]']) {
      await writeFile(join(path, name), text);
      // without a config nothing is missing that has to be there but the special tokens
      const error = await loadVec2Text(path).catch((e: unknown) => e);
      expect([name, text, error]).toEqual([name, text, expect.objectContaining({ reason: expect.any(String) })]);
    }
    await writeFile(join(path, name), before);
  }
});
