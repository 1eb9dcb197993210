// The types that weights are saved in.
import type { FloatDtype, TensorEntry, WeightFile } from '@gimbal/tensor-core';

/** Types that weights are saved in, by the names of `config.json`. */
export type FileDtype = 'float32' | 'bfloat16' | 'float16';

/** Their names in safetensors. */
export const fileDtypes: Readonly<Record<FileDtype, FloatDtype>> = { float32: 'F32', bfloat16: 'BF16', float16: 'F16' };

/** The type of the largest tensor: norms may be of another. */
export function fileDtypeOf(file: WeightFile): FileDtype {
  let largest: TensorEntry | undefined;
  for (const name of file.names) {
    const entry = file.entry(name);
    if (largest === undefined || entry.byteLength > largest.byteLength) largest = entry;
  }
  const found = Object.entries(fileDtypes).find(([, type]) => type === largest?.dtype);
  return (found?.[0] as FileDtype | undefined) ?? 'float32';
}
