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
  /** dtype of float32 tensors in the file; default 'F32' */
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
      yield fileBytes((await tensor.data()) as TensorValues, dtype);
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
