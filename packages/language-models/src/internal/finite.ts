// Weights that are no numbers: found while they are read, where the file and the tensor can still be named.
import { CheckpointError, type WeightFile } from '@gimbal/tensor-core';
import { type Tensor, tensor } from '@tensorflow/tfjs-core';

/**
 * Reads a tensor of a model.
 * @returns the caller disposes it
 * @throws CheckpointError naming the tensor where it holds NaN or an infinity
 */
export async function finiteTensor(file: WeightFile, name: string): Promise<Tensor> {
  const { dtype, shape } = file.entry(name);
  if (!dtype.includes('F')) return file.tensor(name);
  const values = (await file.values(name)) as Float32Array;
  refuseNonFinite(values, file.name, name);
  return tensor(values, [...shape], 'float32');
}

/** @throws CheckpointError naming the tensor, the element and what it holds */
export function refuseNonFinite(values: Float32Array, file: string, name: string): void {
  // 0 unless something is NaN or infinite: one multiplication and one addition an element
  let zero = 0;
  for (let i = 0; i < values.length; i++) zero += (values[i] as number) * 0;
  if (zero === 0) return;
  const at = values.findIndex((x) => !Number.isFinite(x));
  throw new CheckpointError({
    where: `${file}, tensor ${JSON.stringify(name)}`,
    what: `element ${at} of its weights is no finite number`,
    got: values[at],
    wanted: 'finite numbers: such a model computes nothing',
    fix: 'Its training went wrong, or the file is damaged: use an earlier checkpoint, or copy it again',
  });
}
