// The parameters to keep of a training run: on few rows those that were best on held-out ones are not the last.
import type { Params } from '@gimbal/tensor-core';

/**
 * The parameters with the lowest held-out loss: those of the trainer, or of an earlier checkpoint of its.
 * @param folder where the trainer keeps its checkpoints
 * @returns the caller disposes `params` where they are not the trainer's
 */
export async function bestParams(
  folder: string,
  trainer: { params: Params; step: number; best: { step: number; loss: number } | null },
  note: (message: string) => void,
): Promise<{ params: Params; step: number; loss: number }> {
  const { loadCheckpoint } = await import('@gimbal/tensor-core');
  const { best, step } = trainer;
  if (best === null || best.step === step) return { params: trainer.params, step, loss: best?.loss ?? Number.NaN };
  const saved = await loadCheckpoint(folder, { which: 'best', warn: note });
  return { params: await saved.tree('params'), step: saved.step, loss: saved.loss ?? Number.NaN };
}
