/** Trainers of the small regression, and what tests look at. */
import type { LoopOptions } from '../../src/contracts/loop.ts';
import type { LoopSetup, TrainStep } from '../../src/training/loop-setup.ts';
import { LoopTrainer } from '../../src/training/loop-trainer.ts';
import { flatten, type Params } from '../../src/tree/params.ts';
import { regression } from './regression.ts';

/** The steps that `train` yields. */
export async function collect(trainer: LoopTrainer<never>, steps: number, signal?: AbortSignal): Promise<TrainStep[]> {
  const all: TrainStep[] = [];
  for await (const s of trainer.train({ steps, ...(signal && { signal }) })) all.push(s);
  return all;
}

export const losses = (steps: readonly TrainStep[]): number[] => steps.map((s) => s.loss);

/** The numbers of each leaf. */
export const values = (params: Params): number[][] => flatten(params).map(([, t]) => Array.from(t.dataSync()));

/** @param change of the setup, beside its options */
export const make = (options: Partial<LoopOptions> = {}, change: Partial<LoopSetup<never>> = {}): LoopTrainer<never> =>
  new LoopTrainer({ ...(regression(options) as unknown as LoopSetup<never>), ...change });
