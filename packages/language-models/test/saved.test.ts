// Model folders that Gimbal writes, opened by Python's transformers: golden/saved/ holds two of them with what
// transformers 5.24.0 computed from each (transformers.json, by golden/check_saved.py). savePretrained must still write
// these very bytes, and our model must say what transformers said of them.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { disposeTree, rng, useBackend } from '@gimbal/tensor-core';
import { slice, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { generate, loadPretrained, type Pretrained, savePretrained, type Tokenizer } from '../src/index.ts';

interface Said {
  versions: Record<string, string>;
  eos: number;
  cases: { text: string; ids: number[]; logits: number[]; greedy: number[] }[];
}

beforeAll(async () => {
  await useBackend('auto');
});

describe.each(['llama', 'gpt2'])('a saved %s', (name) => {
  const folder = fileURLToPath(new URL(`golden/saved/${name}`, import.meta.url));
  let loaded: Pretrained;
  let tokenizer: Tokenizer;
  let said: Said;
  beforeAll(async () => {
    loaded = await loadPretrained(folder);
    tokenizer = loaded.tokenizer as Tokenizer;
    said = JSON.parse(await readFile(join(folder, 'transformers.json'), 'utf8'));
  });
  afterAll(() => disposeTree(loaded.params));

  it('is written today byte for byte as when transformers opened it', async () => {
    const target = join(await mkdtemp(join(tmpdir(), 'gimbal-saved-')), name);
    try {
      const { model, params, generation } = loaded;
      await savePretrained(target, model, params, { tokenizer, generation });
      const files = (await readdir(folder)).filter((file) => file !== 'transformers.json').sort();
      expect((await readdir(target)).sort()).toEqual(files);
      for (const file of files) {
        const [ours, golden] = [await readFile(join(target, file)), await readFile(join(folder, file))];
        expect({ file, same: ours.equals(golden) }).toEqual({ file, same: true });
      }
    } finally {
      await rm(join(target, '..'), { recursive: true });
    }
  });

  it('has the ids, the logits within 1e-4 and the greedy continuation of transformers', async () => {
    expect(said.cases).toHaveLength(4);
    for (const { text, ids, logits, greedy } of said.cases) {
      expect([...tokenizer.encodeText(text)]).toEqual(ids);
      const ours = tidy(() =>
        slice(loaded.model.apply(loaded.params, tensor2d(ids, [1, ids.length], 'int32')), [0, ids.length - 1], [1, 1]),
      );
      const values = await ours.data();
      ours.dispose();
      expect(values).toHaveLength(logits.length);
      for (const [i, logit] of logits.entries()) expect(Math.abs((values[i] as number) - logit)).toBeLessThan(1e-4);
      const [done] = await generate(loaded.model, loaded.params, tokenizer, [text], {
        temperature: 0,
        maxNewTokens: 8,
        eosIds: [said.eos],
        promptSuffix: false,
        rng: rng(0),
      });
      expect(done?.ids).toEqual(greedy);
    }
  });
});
