/**
 * Parameter trees as safetensors: the tensors to write, and a whole file in memory (for pages and small trees).
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import { CheckpointError } from '../errors.ts';
import { flatten, type Params } from '../tree/params.ts';
import { type FloatDtype, fileBytes, type SafetensorsDtype, type TensorValues } from './dtype.ts';
import { defaultMetadata, fileChunks, layout, type TensorToWrite } from './layout.ts';

/** How tensors are written. */
export interface EncodeOptions {
  /** dtype of float32 tensors in the file; default 'F32'. F16 holds at most 65504: a larger number is refused by tensor */
  dtype?: FloatDtype;
  /** default { format: 'pt' } */
  metadata?: Readonly<Record<string, string>>;
}

/**
 * The tensors of a tree, to be written one by one. Values are downloaded from the backend when their turn comes.
 * @param params not disposed; must stay alive until they are written
 */
export function tensorsToWrite(params: Params, { dtype = 'F32' }: EncodeOptions = {}): TensorToWrite[] {
  return flatten(params).map(([name, tensor]) => ({
    name,
    dtype: fileDtype(tensor, dtype, name),
    shape: tensor.shape,
    async *chunks(): AsyncGenerator<Uint8Array> {
      const values = (await tensor.data()) as TensorValues;
      if (dtype === 'F16' && tensor.dtype === 'float32') refuseTooLarge(values as Float32Array, name);
      yield fileBytes(values, dtype);
    },
  }));
}

/**
 * A tree as the bytes of a safetensors file.
 * @returns the whole file; for files beyond memory use `writeSafetensors`
 */
export async function encodeSafetensors(params: Params, options: EncodeOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  const file = layout(tensorsToWrite(params, options), options.metadata ?? defaultMetadata);
  const bytes = new Uint8Array(file.fileBytes);
  let at = 0;
  for await (const chunk of fileChunks(file)) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

/**
 * @throws CheckpointError naming the tensor, for a finite number that a 16-bit float would make infinite
 */
export function refuseTooLarge(values: Float32Array, name: string): void {
  // 65504 is the largest; what lies less than half a step above it is rounded to it
  const at = values.findIndex((x) => Math.abs(x) >= 65520 && Number.isFinite(x));
  if (at < 0) return;
  throw new CheckpointError({
    where: `tensor ${JSON.stringify(name)}`,
    what: `element ${at} is too large for F16 and would become infinite`,
    got: values[at],
    wanted: 'at most 65504',
    fix: 'Write BF16 or F32',
  });
}

function fileDtype(tensor: Tensor, float: FloatDtype, name: string): SafetensorsDtype {
  if (tensor.dtype === 'float32') return float;
  if (tensor.dtype === 'int32') return 'I32';
  if (tensor.dtype === 'bool') return 'BOOL';
  throw new CheckpointError({
    where: `tensor ${JSON.stringify(name)}`,
    what: 'a dtype that safetensors has not',
    got: tensor.dtype,
    wanted: 'float32, int32 or bool',
  });
}
