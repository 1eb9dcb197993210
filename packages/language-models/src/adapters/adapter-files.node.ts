// Adapters as folders that Python's PEFT opens, in Node.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { flatten, openSafetensors, unflatten, writeDirectoryAtomic, writeSafetensors } from '@gimbal/tensor-core';
import { registerAdapterWriter } from '../pretrained/model-writer.ts';
import { folderSource, writeJson, writeTokenizerFiles } from '../pretrained/pretrained.node.ts';
import { readJson } from '../pretrained/read-pretrained.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { type AdapterBase, adaptable } from './adaptable.ts';
import type { LoraAdapter } from './lora.ts';
import { targetLayers } from './lora.ts';
import { loraToPeft } from './peft-config.ts';
import { peftPrefix, readAdapter } from './read-adapter.ts';

/**
 * Opens the folder of an adapter that PEFT or `saveAdapter` wrote.
 * @param config the model's; of a classifier, the classifier itself
 * @returns the caller disposes it
 * @throws CheckpointError for a missing or damaged file, an adapter of another kind, or one that does not fit the model
 * @example
 * const adapter = await loadAdapter('runs/sft/adapter', model.config);
 * const answers = await generate(model, adaptTree(params, adapter), tokenizer, prompts, { rng: rng(0) });
 */
export async function loadAdapter(folder: string, config: AdapterBase): Promise<LoraAdapter> {
  const json = (await readJson(folderSource(folder), 'adapter_config.json', true)) as Record<string, unknown>;
  const file = await openSafetensors(join(folder, 'adapter_model.safetensors'));
  try {
    return await readAdapter(json, file, config);
  } finally {
    await file.close();
  }
}

/** What is written beside an adapter's weights. */
export interface SaveAdapterOptions {
  /** The base model, as PEFT is to find it (what the adapter's own file said, else empty: the reader names it). */
  base?: string;
  /** Written beside it, so that the folder can be talked to. */
  tokenizer?: Tokenizer;
}

/** Writes the folder of an adapter in one piece; one that is there is replaced. */
export async function saveAdapter(
  folder: string,
  config: AdapterBase,
  adapter: LoraAdapter,
  o: SaveAdapterOptions = {},
): Promise<void> {
  await writeDirectoryAtomic(folder, (temporary) => writeAdapterFiles(temporary, config, adapter, o), undefined, {
    replace: true,
  });
}

/** Writes the files of an adapter into a folder that its caller makes complete. */
export async function writeAdapterFiles(
  folder: string,
  config: AdapterBase,
  adapter: LoraAdapter,
  { base = adapter.base ?? '', tokenizer }: SaveAdapterOptions = {},
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const leaves = [...flatten(adapter.params), ...flatten(adapter.replaced ?? {})];
  await writeSafetensors(
    join(folder, 'adapter_model.safetensors'),
    unflatten(leaves.map(([path, tensor]) => [peftPrefix + path, tensor])),
  );
  const { family, taskType } = adaptable(config);
  const named = (path: string): string => path.slice(path.lastIndexOf('.') + 1);
  // PEFT's `all-linear` asks the base model which layers it has: written out, the file says it itself. A classifier's head may
  // have layers of the same last name
  const all = (): string[] => targetLayers(config, adapter.config);
  const names = (): string[] => (taskType === 'SEQ_CLS' ? all() : [...new Set(all().map(named))]);
  const targetModules = adapter.config.targetModules === 'all-linear' ? names() : adapter.config.targetModules;
  const modules = [...new Set(flatten(adapter.replaced ?? {}).map(([path]) => path.slice(0, path.lastIndexOf('.'))))];
  const whole = taskType === 'SEQ_CLS' ? ['classifier', 'score'] : modules; // as PEFT itself does
  const json = loraToPeft({ ...adapter.config, targetModules }, { base, whole, family, taskType });
  await writeJson(folder, 'adapter_config.json', { ...adapter.other, ...json });
  if (tokenizer) await writeTokenizerFiles(folder, tokenizer);
}

registerAdapterWriter(writeAdapterFiles);
