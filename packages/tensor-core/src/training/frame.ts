// What both frames of trainers share: LoopTrainer (batches and a loss) and RunTrainer (data made as it goes).
import type { KeepRule } from '../checkpoint/content.ts';
import type { TrainRequest } from '../contracts/trainer.ts';
import { ConfigError, kindOf } from '../errors.ts';
import { requireOptions } from '../options/checks.ts';
import { type RunFiles, storage } from './storage.ts';

/**
 * @throws ConfigError for steps that are no whole number ≥ 0, a signal that is none, a trainer that is disposed, or one that
 * trains already
 */
export function checkRequest(
  where: string,
  request: TrainRequest,
  trainer: { disposed: boolean; training: boolean },
): void {
  requireOptions(where, request);
  const { steps, signal } = request;
  if (!Number.isSafeInteger(steps) || steps < 0)
    throw new ConfigError({ where, what: 'steps', got: steps, wanted: 'a whole number ≥ 0' });
  // a controller in its signal's place would never stop anything
  if (signal !== undefined && (typeof signal?.aborted !== 'boolean' || typeof signal.addEventListener !== 'function'))
    throw new ConfigError({ where, what: 'signal', got: kindOf(signal), wanted: 'an AbortSignal: controller.signal' });
  if (trainer.disposed) throw disposedTrainer(where);
  if (trainer.training) throw new ConfigError({ where, what: 'it trains already', fix: 'End the other loop first' });
}

export const namesFolder = (dir: unknown): dir is string => typeof dir === 'string' && dir.trim() !== '';

/** @throws ConfigError for what names no folder to save in */
export function checkFolder(where: string, dir: unknown): void {
  if (namesFolder(dir)) return;
  throw new ConfigError({
    where,
    what: 'no folder',
    got: kindOf(dir),
    wanted: 'the path of one',
    fix: "save('runs/x')",
  });
}

export const disposedTrainer = (where: string): ConfigError =>
  new ConfigError({ where, what: 'the trainer was disposed' });

/** Opens a run's folder, if there is to be one: that of a new run, or of one that goes on after `resumeAt`. */
export async function openRun(
  out: string | undefined,
  { resumeAt, config, keep }: { resumeAt: number | undefined; config: () => object; keep: KeepRule },
): Promise<RunFiles | undefined> {
  if (out === undefined) return undefined;
  return storage('out').open(out, { ...(resumeAt !== undefined && { resumeAt }), config: config(), keep });
}
