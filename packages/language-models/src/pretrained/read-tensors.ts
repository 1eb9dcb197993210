// Tensors of a checkpoint by the names that a model wants them under: everything present with its shape, nothing unknown
// left over, and an error that lists what is not so.
import { CheckpointError, type Params, type Rng, unflatten, type WeightFile } from '@gimbal/tensor-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { ParameterSpec } from '../decoder/family.ts';
import { initParams } from '../decoder/params.ts';

export interface ReadTensorsOptions {
  /** What is being read, for messages: `qwen2`. */
  family: string;
  /** Parameters that a file may lack, such as a new head: they are made from this stream. */
  fresh?: { rng: Rng; allows(path: string): boolean };
}

/**
 * Reads the parameters that `specs` describe.
 * @param stored the name in the file of each path; whatever else it holds is unknown
 * @returns the caller disposes the tree; `fresh` are the paths that were made
 * @throws CheckpointError listing tensors that are missing, unknown or of another shape, or naming the first that is of no float
 * type or holds NaN or an infinity
 */
export async function readTensors(
  file: WeightFile,
  stored: ReadonlyMap<string, string>,
  specs: readonly ParameterSpec[],
  { family, fresh }: ReadTensorsOptions,
): Promise<{ params: Params; fresh: string[] }> {
  const wanted = new Set(specs.map((s) => s.path));
  const absent = specs.filter(({ path }) => !stored.has(path));
  const made = absent.filter(({ path }) => fresh?.allows(path));
  const problems = [
    ...absent.filter((spec) => !made.includes(spec)).map(({ path, shape }) => `missing ${path} [${shape}]`),
    ...specs.flatMap(({ path, shape }) => {
      const name = stored.get(path);
      if (name === undefined) return [];
      const got = file.entry(name).shape;
      return `${got}` === `${shape}` ? [] : [`${path} is [${got}], wanted [${shape}]`];
    }),
    ...[...stored.keys()].filter((path) => !wanted.has(path)).map((path) => `unknown ${path}`),
  ];
  if (problems.length > 0) {
    const more = problems.length > 8 ? `, and ${problems.length - 8} more` : '';
    throw new CheckpointError({
      where: file.name,
      what: `the tensors are not those of this ${family} config: ${problems.slice(0, 8).join('; ')}${more}`,
      ...(stored.size !== specs.length && { got: `${stored.size} tensors`, wanted: `${specs.length} tensors` }),
      fix: 'Check that config.json belongs to the weights',
    });
  }
  for (const { path } of specs) {
    const name = stored.get(path);
    if (name !== undefined) refuseIntegers(file, name);
  }
  const leaves: [string, Tensor][] = [];
  try {
    for (const { path } of specs) {
      const name = stored.get(path);
      if (name !== undefined) leaves.push([path, await file.tensor(name, { finite: true })]);
    }
  } catch (error) {
    for (const [, tensor] of leaves) tensor.dispose();
    throw error;
  }
  const params = unflatten(leaves);
  if (fresh && made.length > 0) mergeInto(params, initParams(made, fresh.rng));
  return { params, fresh: made.map((spec) => spec.path) };
}

/** @throws CheckpointError for a weight that the file holds as integers: codes of a quantised model, or bits of another type */
function refuseIntegers(file: WeightFile, name: string): void {
  const { dtype } = file.entry(name);
  if (dtype.startsWith('F') || dtype === 'BF16') return;
  throw new CheckpointError({
    where: `${file.name}, tensor ${JSON.stringify(name)}`,
    what: 'a weight of a type that is no float',
    got: dtype,
    wanted: 'F32, F16, BF16 or F64',
    fix: 'Take the model as it was before it was quantised, or copy the file again',
  });
}

function mergeInto(target: Params, tree: Params): void {
  for (const [key, node] of Object.entries(tree)) {
    const there = target[key];
    if (there === undefined) target[key] = node;
    else mergeInto(there as Params, node as Params);
  }
}
