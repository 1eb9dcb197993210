// Drawing from logits that processors have changed: they come to JavaScript, and go back to the op that draws.
import { DataError, sampleTokens, tokenLogProbs } from '@gimbal/tensor-core';
import { type Tensor1D, type Tensor2D, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';
import type { LogitsProcessor } from './logits-processors.ts';
import type { SamplerOptions } from './sampler-options.ts';

interface ProcessedDraw {
  processors: readonly LogitsProcessor[];
  /** The tokens of each row so far. */
  written: readonly (readonly number[])[];
  /** 1 = the row has ended: it is left alone. */
  ended: Uint8Array;
  sampler: Omit<SamplerOptions, 'repetitionPenalty'>;
  logProbs: boolean | undefined;
}

/**
 * @param logits [B,V], not changed
 * @param uniform [B]
 * @throws DataError where no token is left to draw
 */
export async function drawProcessed(
  logits: Tensor2D,
  uniform: Float32Array,
  o: ProcessedDraw,
): Promise<{ ids: Int32Array; logProbs: Float32Array | undefined }> {
  const [batch, classes] = logits.shape;
  const values = Float32Array.from(await logits.data());
  for (let row = 0; row < batch; row++) {
    if (o.ended[row] === 1) continue;
    processRow(values.subarray(row * classes, (row + 1) * classes), o.processors, row, o.written[row] ?? []);
  }
  const drawn = tidy((): { [name: string]: Tensor1D } => {
    const { ids } = sampleTokens(tensor2d(values, [batch, classes]), tensor1d(uniform), o.sampler);
    return o.logProbs ? { ids, logProbs: tokenLogProbs<Tensor1D>(logits, ids) } : { ids };
  });
  const ids = new Int32Array(await (drawn.ids as Tensor1D).data());
  const logProbs = drawn.logProbs && new Float32Array(await drawn.logProbs.data());
  for (const tensor of Object.values(drawn)) tensor.dispose();
  return { ids, logProbs };
}

/** @throws DataError where the processors leave no token */
export function processRow(
  logits: Float32Array,
  processors: readonly LogitsProcessor[],
  row: number,
  ids: readonly number[],
): void {
  for (const process of processors) process(logits, { row, ids });
  if (processors.length === 0 || logits.some((x) => x > Number.NEGATIVE_INFINITY)) return;
  throw new DataError({
    where: `generation, row ${row}`,
    what: `its logits processors leave no token to draw after ${ids.length} tokens`,
    wanted: 'at least one token of a finite logit',
  });
}
