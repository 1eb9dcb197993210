/**
 * Weight-space operations from files to a file: members may be sharded and larger than memory. Tensors are read, combined
 * (in float64) and written in pieces; of each input there is never more than one piece in memory.
 */
import { CheckpointError, ConfigError } from '../errors.ts';
import '../safetensors/file-source.node.ts';
import { type FloatDtype, fileBytes, type SafetensorsDtype, tensorDtype } from '../safetensors/dtype.ts';
import { refuseTooLarge } from '../safetensors/encode.ts';
import { refuseNonFinite } from '../safetensors/finite.ts';
import type { TensorToWrite } from '../safetensors/layout.ts';
import { openSafetensors } from '../safetensors/open.ts';
import { elements, type WeightFile } from '../safetensors/weight-file.ts';
import { type ShardOptions, writeSafetensors, writeShardedSafetensors } from '../safetensors/write.node.ts';
import { checkMembers, resolveShares, type ShareOptions } from './members.ts';
import { parallel } from './trees.ts';

/** How members become one. */
export type MergeRecipe =
  /** Σ wᵢ·memberᵢ, by default the mean */
  | ({ method: 'linear' } & ShareOptions)
  /** the first two members, `lambda` (0 … 1) of the way from the first to the second */
  | { method: 'slerp'; lambda: number }
  /** first member + Σ scaleᵢ·(memberᵢ − first member); one scale for all, or one each; default 1 */
  | { method: 'task'; scales?: number | readonly number[] };

/** How the result is computed and written. */
export interface MergeOptions extends Pick<ShardOptions, 'maxShardBytes' | 'stem' | 'fs'> {
  /** dtype of the result's float tensors; default: each as in the members */
  dtype?: FloatDtype;
  /** elements per piece; default 2²⁰ */
  pieceElements?: number;
  /** called when names and shapes agree and nothing is written yet: what it throws is thrown */
  check?(): void;
}

/** What was written. */
export interface MergeReport {
  /** names of the files written */
  files: string[];
  /** how many tensors */
  tensors: number;
  /** which weights were used and whether they were normalised: to be printed */
  note: string;
}

/**
 * Merges files.
 * @param inputs files, indices or folders (as `openSafetensors` takes), at least two
 * @param output a `.safetensors` file, or a folder, sharded where needed; appears when it is complete
 * @throws CheckpointError naming the first tensor that differs, the member and the shapes, or holds NaN or an infinity;
 * ConfigError for weights that make no sense. Nothing is written then
 */
export async function mergeFiles(
  inputs: readonly string[],
  recipe: MergeRecipe,
  output: string,
  o: MergeOptions = {},
): Promise<MergeReport> {
  const { weights, note } = linearWeights(inputs.length, recipe);
  const files: WeightFile[] = [];
  try {
    for (const path of inputs) files.push(await openSafetensors(path));
    checkMembers(files.map((f) => ({ name: f.name, tensors: new Map(f.names.map((n) => [n, f.entry(n)])) })));
    o.check?.();
    const first = files[0] as WeightFile;
    const tensors = first.names.map((name) => merged(name, files, weights, recipe, o));
    const options = { ...o, metadata: first.metadata };
    if (!output.endsWith('.safetensors'))
      return { files: await writeShardedSafetensors(output, tensors, options), tensors: tensors.length, note };
    await writeSafetensors(output, tensors, options);
    return { files: [output], tensors: tensors.length, note };
  } finally {
    for (const file of files) await file.close();
  }
}

/** Every recipe but slerp is a weighted sum. */
function linearWeights(members: number, recipe: MergeRecipe): { weights: readonly number[]; note: string } {
  if (recipe.method === 'linear') return resolveShares(members, recipe);
  if (recipe.method === 'slerp') {
    const { lambda } = recipe;
    if (members !== 2)
      throw new ConfigError({ where: 'merge.slerp', what: 'the number of members', got: members, wanted: 2 });
    if (!(lambda >= 0 && lambda <= 1))
      throw new ConfigError({
        where: 'merge.lambda',
        what: 'out of range',
        got: lambda,
        wanted: 'a number from 0 to 1',
      });
    return { weights: [], note: `spherical interpolation, ${lambda} of the way from the first to the second` };
  }
  const { scales = 1 } = recipe;
  const each = typeof scales === 'number' ? Array<number>(members - 1).fill(scales) : scales;
  if (each.length !== members - 1 || !each.every((s) => Number.isFinite(s))) {
    throw new ConfigError({
      where: 'merge.scales',
      what: 'one number per member but the first is needed',
      got: each,
      wanted: members - 1,
    });
  }
  return {
    weights: [1 - each.reduce((s, x) => s + x, 0), ...each],
    note: `task vectors with scales ${each.join(', ')}`,
  };
}

function merged(
  name: string,
  files: readonly WeightFile[],
  weights: readonly number[],
  recipe: MergeRecipe,
  o: MergeOptions,
): TensorToWrite {
  const { dtype, shape } = (files[0] as WeightFile).entry(name);
  const isFloat = tensorDtype(dtype) === 'float32';
  const written: SafetensorsDtype = isFloat ? (o.dtype ?? (dtype === 'F64' ? 'F32' : dtype)) : dtype;
  return {
    name,
    dtype: written,
    shape,
    async *chunks() {
      if (!isFloat) return yield* copied(name, files, o);
      const shares = recipe.method === 'slerp' ? await slerpWeights(name, files, recipe.lambda, o) : weights;
      for await (const piece of pieces(name, files, o)) {
        const values = weightedSum(piece, shares);
        if (written === 'F16') refuseTooLarge(values, name);
        yield fileBytes(values, written as FloatDtype);
      }
    },
  };
}

/** The members' values of a tensor, piece by piece. */
async function* pieces(
  name: string,
  files: readonly WeightFile[],
  { pieceElements = 2 ** 20 }: MergeOptions,
): AsyncGenerator<Float32Array[]> {
  const count = elements((files[0] as WeightFile).entry(name));
  for (let from = 0; from < count; from += pieceElements) {
    const to = Math.min(from + pieceElements, count);
    const values: Float32Array[] = [];
    for (const file of files) {
      const piece = (await file.values(name, from, to)) as Float32Array;
      refuseNonFinite(piece, file.name, name, from);
      values.push(piece);
    }
    yield values;
  }
}

function weightedSum(values: readonly Float32Array[], weights: readonly number[]): Float32Array {
  const sums = new Float64Array((values[0] as Float32Array).length);
  for (const [m, piece] of values.entries()) {
    const weight = weights[m] as number;
    for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + weight * (piece[i] as number);
  }
  return Float32Array.from(sums);
}

/** The two members' weights on the arc between them; needs a pass over the tensor for the angle. */
async function slerpWeights(
  name: string,
  files: readonly WeightFile[],
  lambda: number,
  o: MergeOptions,
): Promise<[number, number]> {
  let [xx, xy, yy] = [0, 0, 0];
  for await (const [x, y] of pieces(name, files, o) as AsyncGenerator<[Float32Array, Float32Array]>) {
    for (let i = 0; i < x.length; i++) {
      const [p, q] = [x[i] as number, y[i] as number];
      xx += p * p;
      xy += p * q;
      yy += q * q;
    }
  }
  const cosine = xy / Math.sqrt(xx * yy);
  if (!(Math.abs(cosine) <= parallel)) return [1 - lambda, lambda]; // parallel, or a tensor of zeros
  const theta = Math.acos(cosine);
  return [Math.sin((1 - lambda) * theta) / Math.sin(theta), Math.sin(lambda * theta) / Math.sin(theta)];
}

/** A tensor of whole numbers: copied where all members agree on it byte for byte. */
async function* copied(
  name: string,
  files: readonly WeightFile[],
  { pieceElements = 2 ** 20 }: MergeOptions,
): AsyncGenerator<Uint8Array> {
  const [first, ...others] = files as [WeightFile, ...WeightFile[]];
  const count = elements(first.entry(name));
  const bytes = async (file: WeightFile, from: number): Promise<Uint8Array> => {
    const raw = await file.raw(name, from, Math.min(from + pieceElements, count));
    return new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength);
  };
  for (let from = 0; from < count; from += pieceElements) {
    const wanted = await bytes(first, from);
    for (const other of others) {
      const got = await bytes(other, from);
      if (wanted.every((b, i) => b === got[i])) continue;
      throw new CheckpointError({
        where: `merge, ${other.name}`,
        what: `tensor ${name} is ${first.entry(name).dtype} and differs from ${first.name}: whole numbers cannot be averaged`,
      });
    }
    yield wanted;
  }
}
