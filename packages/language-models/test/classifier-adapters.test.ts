// Adapters of classifiers that Python's PEFT wrote, and new ones of ours.
// The files were made by golden/make_adapters.py (torch 2.13.0, transformers 5.24.0, peft 0.21.2).
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { disposeTree, openSafetensors, type Params, rng, useBackend } from '@gimbal/tensor-core';
import {
  adaptTree,
  createLora,
  disposeAdapter,
  loadAdapter,
  loadClassifier,
  mergeLora,
  saveAdapter,
} from '../src/index.ts';
import { difference } from './helpers/difference.ts';

const folder = (name: string): string => fileURLToPath(new URL(`golden/${name}`, import.meta.url));

let dir: string;
beforeAll(async () => {
  await useBackend('auto');
  dir = await mkdtemp(join(tmpdir(), 'gimbal-classifier-adapters-'));
});
afterAll(() => rm(dir, { recursive: true }));

describe.each([
  ['reward-lora-tiny', 'llama-reward-tiny'],
  ['bert-lora-tiny', 'bert-tiny'],
  ['deberta-dora-tiny', 'deberta-tiny'],
])('%s on the classifier %s', (name, base) => {
  it('gives the scores of PEFT, merged or not, its head whole, and is saved as PEFT reads it', async () => {
    const { model, params } = await loadClassifier(folder(base));
    const golden = await openSafetensors(join(folder(base), 'expected.safetensors'));
    const expected = await openSafetensors(join(folder(name), 'expected.safetensors'));
    const [ids, types, lengths] = (await Promise.all(
      ['ids', 'types', 'lengths'].map((part) => golden.values(part)),
    )) as [Int32Array, Int32Array, Int32Array];
    const scoresOf = (tree: Params): Float32Array => {
      const scores = model.logits(tree, { ids, types, lengths, width: 40 });
      const values = scores.dataSync().slice() as Float32Array;
      scores.dispose();
      return values;
    };
    const wanted = await expected.values('logits');
    const adapter = await loadAdapter(folder(name), model);
    expect(adapter.base).toBe(base);
    expect(difference(scoresOf(params), wanted)).toBeGreaterThan(0.1);
    expect(difference(scoresOf(adaptTree(params, adapter)), wanted)).toBeLessThan(1e-4);
    const merged = mergeLora(model, params, adapter);
    expect(difference(scoresOf(merged), wanted)).toBeLessThan(1e-4);

    const target = join(dir, name);
    await saveAdapter(target, model, adapter);
    const json = async (from: string): Promise<Record<string, unknown>> =>
      JSON.parse(await readFile(join(from, 'adapter_config.json'), 'utf8')) as Record<string, unknown>;
    const { task_type, modules_to_save, base_model_name_or_path } = await json(folder(name));
    expect(await json(target)).toMatchObject({ task_type, modules_to_save, base_model_name_or_path });
    const again = await loadAdapter(target, model);
    expect(scoresOf(adaptTree(params, again))).toEqual(scoresOf(adaptTree(params, adapter)));
    const theirs = await openSafetensors(join(folder(name), 'adapter_model.safetensors'));
    const ours = await openSafetensors(join(target, 'adapter_model.safetensors'));
    expect(ours.names.sort()).toEqual(theirs.names.sort());
    for (const file of [golden, expected, theirs, ours]) await file.close();
    for (const each of [adapter, again]) disposeAdapter(each);
    for (const tree of [params, merged]) disposeTree(tree);
  });

  it('is made anew: every matrix but the head’s, named in full, the head whole, and at first the model as it was', async () => {
    const { model, params } = await loadClassifier(folder(base));
    const adapter = createLora(model, params, { rank: 2 }, rng(0));
    const batch = { ids: Int32Array.of(5, 6, 7), lengths: Int32Array.of(3), width: 3 };
    const [plain, adapted] = [model.logits(params, batch), model.logits(adaptTree(params, adapter), batch)];
    expect(difference(adapted.dataSync(), plain.dataSync())).toBeLessThan(1e-6);
    const target = join(dir, `${name}-new`);
    await saveAdapter(target, model, adapter);
    const written = JSON.parse(await readFile(join(target, 'adapter_config.json'), 'utf8')) as Record<string, string[]>;
    const matrices = model.parameters.filter(
      (p) => p.shape.length === 2 && !/embeddings|embed_tokens|classifier|score/.test(p.path),
    );
    expect(written.target_modules).toEqual(matrices.map((p) => p.path.replace(/\.weight$/, '')));
    const file = await openSafetensors(join(target, 'adapter_model.safetensors'));
    const head = model.parameters.map((p) => p.path).filter((path) => /^(?:classifier|score)\./.test(path));
    const whole = file.names.filter((tensor) => !tensor.includes('lora_'));
    expect(whole.sort()).toEqual(head.map((path) => `base_model.model.${path}`).sort()); // PEFT opens no file without it
    await file.close();
    for (const t of [plain, adapted]) t.dispose();
    disposeAdapter(adapter);
    disposeTree(params);
  });
});
