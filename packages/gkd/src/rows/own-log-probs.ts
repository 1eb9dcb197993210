/** log p of tokens under whole distributions. */
import { tokenLogProbs } from '@gimbal/tensor-core';
import { mul, type Tensor2D, tensor1d, tidy } from '@tensorflow/tfjs-core';
import type { DenseRows } from './aligned-rows.ts';
import { defaultRowsPerChunk } from './rows-per-chunk.ts';
import { teacherLogits, teacherWidth } from './teacher-logits.ts';

/**
 * A chunk of rows at a time.
 * @param ids one token a row
 * @param temperature the logits are divided by it
 */
export function ownLogProbs(rows: DenseRows, ids: Int32Array, temperature = 1): Float32Array {
  const out = new Float32Array(ids.length);
  const size = defaultRowsPerChunk(teacherWidth(rows) ?? 1);
  for (let from = 0; from < ids.length; from += size)
    tidy(() => {
      const count = Math.min(size, ids.length - from);
      const logits = teacherLogits(rows, from, count);
      const z = temperature === 1 ? logits : mul<Tensor2D>(logits, 1 / temperature);
      const some = tokenLogProbs(z, tensor1d(ids.subarray(from, from + count), 'int32'));
      out.set(some.dataSync<'float32'>(), from);
    });
  return out;
}
