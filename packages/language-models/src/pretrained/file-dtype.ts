// The types that weights are saved in.
import type { FloatDtype, TensorEntry, WeightFile } from '@gimbal/tensor-core';

/** Types that weights are saved in, by the names of `config.json`. */
export type FileDtype = 'float32' | 'bfloat16' | 'float16';

/** Their names in safetensors. */
export const fileDtypes: Readonly<Record<FileDtype, FloatDtype>> = { float32: 'F32', bfloat16: 'BF16', float16: 'F16' };

/** The type of the largest tensor: norms may be of another. */
function fileDtypeOf(file: WeightFile): FileDtype {
  let largest: TensorEntry | undefined;
  for (const name of file.names) {
    const entry = file.entry(name);
    if (largest === undefined || entry.byteLength > largest.byteLength) largest = entry;
  }
  const found = Object.entries(fileDtypes).find(([, type]) => type === largest?.dtype);
  return (found?.[0] as FileDtype | undefined) ?? 'float32';
}

const sources = new WeakMap<object, FileDtype>();

/** Notes what type a model's weights were read from: what it is saved in where nothing else is asked for. */
export function readFrom<M extends object>(model: M, file: WeightFile): { model: M; dtype: FileDtype } {
  const dtype = fileDtypeOf(file);
  sources.set(model, dtype);
  return { model, dtype };
}

/** The type that a model's weights were read from; float32 for one that was made here, or read from a .gguf. */
export const sourceDtype = (model: object): FileDtype => sources.get(model) ?? 'float32';
