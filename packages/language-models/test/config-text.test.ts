import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { disposeTree, useBackend } from '@gimbal/tensor-core';
import { loadConfig, loadPretrained, savePretrained } from '../src/index.ts';

const folder = (name: string): string => fileURLToPath(new URL(`golden/${name}`, import.meta.url));

beforeAll(() => useBackend('auto'));

test('whole caps are written with a point, without which transformers refuses the config', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'gimbal-caps-'));
  try {
    const { model, params } = await loadPretrained(folder('gemma2-tiny'));
    await savePretrained(join(dir, 'model'), model, params);
    disposeTree(params);
    const text = await readFile(join(dir, 'model', 'config.json'), 'utf8');
    expect(text).toMatch(/"attn_logit_softcapping": 2\.0,?\n/);
    expect(text).toMatch(/"final_logit_softcapping": 3\.0,?\n/);
    expect(text).toMatch(/"num_hidden_layers": \d+,?\n/);
    expect((await loadConfig(join(dir, 'model'))).finalSoftcap).toBe(3);
  } finally {
    await rm(dir, { recursive: true });
  }
});
