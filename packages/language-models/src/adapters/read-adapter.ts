// An adapter as the files that Python's PEFT writes, wherever they are.
import { CheckpointError, type Params, unflatten, type WeightFile } from '@gimbal/tensor-core';
import { scalar, type Tensor } from '@tensorflow/tfjs-core';
import { type AdapterBase, adaptable } from './adaptable.ts';
import type { LoraAdapter } from './lora.ts';
import { loraShape } from './lora-config.ts';
import { loraFromPeft, peftWarnings, unknownToPeft } from './peft-config.ts';

/** What stands in front of every name of an adapter's file. */
export const peftPrefix = 'base_model.model.';

/**
 * Reads an adapter for a model.
 * @param json parsed `adapter_config.json`
 * @returns the caller disposes it
 * @throws CheckpointError for an adapter that does not fit the model, listing what is unknown or of another shape
 */
export async function readAdapter(
  json: Record<string, unknown>,
  file: WeightFile,
  c: AdapterBase,
): Promise<LoraAdapter> {
  const where = 'adapter_config.json';
  const config = loraFromPeft(json, where);
  const other = unknownToPeft(json);
  const { base_model_name_or_path: base } = json;
  const { family, parameters, layoutOf, tied } = adaptable(c);
  const shapes = new Map(parameters.map(({ path, shape }) => [path, shape]));
  const problems: string[] = [];
  const [wanted, replaced]: [Map<string, string>, Map<string, string>] = [new Map(), new Map()];
  const layers = new Set<string>();
  for (const name of file.names) {
    const path = name.startsWith(peftPrefix) ? name.slice(peftPrefix.length) : name;
    const match = /^(.*)\.lora_(A\.weight|B\.weight|magnitude_vector)$/.exec(path);
    const { shape: got } = file.entry(name);
    if (match === null) {
      // a whole leaf of the model
      const shape = shapes.get(path);
      if (shape === undefined) problems.push(`unknown ${path}`);
      else if (path === tied) problems.push(`${path} is for the input alone, but it is this model's output matrix too`);
      else if (`${shape}` !== `${got}`) problems.push(`${path} is [${got}], wanted [${shape}]`);
      else replaced.set(path, name);
      continue;
    }
    const [, layer, part] = match as unknown as [string, string, string];
    const layout = layoutOf(`${layer}.weight`);
    const shape = shapes.get(`${layer}.weight`);
    if (layout === undefined || shape === undefined) {
      problems.push(`unknown ${path}`);
      continue;
    }
    const [out, width] = (layout === 'out-in' ? shape : shape.toReversed()) as [number, number];
    const { rank } = loraShape(config, layer);
    const right = part === 'A.weight' ? [rank, width] : part === 'B.weight' ? [out, rank] : [out];
    if (`${got}` !== `${right}`) problems.push(`${path} is [${got}], wanted [${right}]`);
    wanted.set(path, name);
    layers.add(layer);
  }
  for (const layer of layers) {
    for (const part of ['lora_A.weight', 'lora_B.weight', ...(config.dora ? ['lora_magnitude_vector'] : [])]) {
      if (!wanted.has(`${layer}.${part}`)) problems.push(`missing ${layer}.${part}`);
    }
  }
  if (problems.length > 0 || layers.size === 0) {
    const more = problems.length > 8 ? `, and ${problems.length - 8} more` : '';
    throw new CheckpointError({
      where: file.name,
      what: `the adapter does not fit this ${family} model: ${problems.slice(0, 8).join('; ') || 'it has no layers'}${more}`,
      got: `${file.names.length} tensors`,
      wanted: 'lora_A and lora_B of layers of the model',
    });
  }
  const read = async (names: Map<string, string>): Promise<Params> => {
    const leaves: [string, Tensor][] = [];
    for (const [path, name] of names) leaves.push([path, await file.tensor(name, { finite: true })]);
    return unflatten(leaves);
  };
  return {
    config,
    params: await read(wanted),
    scales: unflatten([...layers].map((layer) => [`${layer}.lora_scale`, scalar(loraShape(config, layer).scale)])),
    ...(replaced.size > 0 ? { replaced: await read(replaced) } : {}),
    ...(typeof base === 'string' && base !== '' ? { base } : {}),
    ...(Object.keys(other).length > 0 && { other, warnings: peftWarnings(other, where) }),
  };
}
