// Distillation of a model as commands and stages run it: resumes, reports progress.
import { type GkdOptions, type GkdStep, GkdTrainer } from '@gimbal/gkd';
import { StoppedError } from '@gimbal/tensor-core';
import { figure, percent } from '../cli/format.ts';
import type { ProgressUpdate } from '../cli/progress.ts';
import { checkpointIn } from '../run/going-on.ts';

/** How the run talks, and where it writes. */
interface Around {
  steps: number;
  /** folder of the log and the checkpoints; what stands there is gone on with */
  out: string;
  signal: AbortSignal;
  progress(update: ProgressUpdate): void;
  note(text: string): void;
  /** what is thrown when it is stopped */
  stopped?(what: string): StoppedError;
}

/** The trainer, after `steps`; the caller disposes it. @throws StoppedError when the signal asks for it, after a checkpoint */
export async function distil(given: GkdOptions, around: Around): Promise<GkdTrainer> {
  const { steps, out, signal, note } = around;
  const options: GkdOptions = { checkpointEvery: Math.max(1, Math.ceil(steps / 10)), ...given, out };
  const from = await checkpointIn(out, note);
  const trainer = from === undefined ? new GkdTrainer(options) : await GkdTrainer.resume(out, options, { warn: note });
  try {
    if (from !== undefined) note(`goes on from step ${trainer.step}`);
    for await (const step of trainer.train({ steps, signal }))
      around.progress({ step: step.step, total: steps, text: textOf(step) });
    if (trainer.step < steps) {
      const what = `stopped after step ${trainer.step} of ${steps}`;
      throw around.stopped?.(what) ?? new StoppedError({ where: 'distillation', what });
    }
    return trainer;
  } catch (error) {
    trainer.dispose();
    throw error;
  }
}

function textOf(s: GkdStep): string {
  const parts = [`loss ${figure(s.loss)}`];
  if (s.acceptance !== undefined) parts.push(`accepted ${percent(s.acceptance)}`);
  if (s.reward !== undefined) parts.push(`reward ${figure(s.reward)}`);
  return [...parts, `${figure(s.meanLength)} tokens`, s.source].join('  ');
}
