// Tensors of a model, read only where they are numbers.
import { refuseNonFinite, type WeightFile } from '@gimbal/tensor-core';
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
