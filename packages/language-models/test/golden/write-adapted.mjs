// What check_adapted.py compares on a real model: its weights as a folder, with an adapter merged as a folder and as a GGUF
// file, and our logits of each.
//
// Run with the built package:  node write-adapted.mjs MODEL.gguf ADAPTER OUT
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { adaptTree, loadAdapter, loadPretrained, mergeLora, saveGguf, savePretrained } from '@gimbal/language-models';
import { useBackend, writeSafetensors } from '@gimbal/tensor-core';
import { tensor2d } from '@tensorflow/tfjs-core';

const [file, folder, out] = process.argv.slice(2);
const text =
  'Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May. How many clips did ' +
  'Natalia sell altogether in April and May?\nNatalia sold 48/2 = 24 clips in May. Altogether she sold';
await useBackend('auto', { threads: 1 });
await mkdir(out, { recursive: true });
const { model, params, tokenizer, generation } = await loadPretrained(file);
const adapter = await loadAdapter(folder, model.config);
const row = tokenizer.encodeText(text);
const ids = tensor2d(row, [1, row.length], 'int32');
const merged = mergeLora(model.config, params, adapter);
await writeSafetensors(join(out, 'logits.safetensors'), {
  ids,
  base: model.apply(params, ids),
  adapted: model.apply(adaptTree(params, adapter), ids),
  merged: model.apply(merged, ids),
});
const beside = { tokenizer, generation };
await savePretrained(join(out, 'base'), model, params, beside);
await savePretrained(join(out, 'merged'), model, merged, beside);
await saveGguf(join(out, 'merged-f16.gguf'), model, merged, { tokenizer, type: 'F16' });
await saveGguf(join(out, 'merged-f32.gguf'), model, merged, { tokenizer, type: 'F32' });
