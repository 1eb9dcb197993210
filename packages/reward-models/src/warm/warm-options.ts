// What a WARM run takes, and which run gets which of it.
import type { Dataset, Tokenizer } from '@gimbal/language-models';
import { ConfigError, type Params } from '@gimbal/tensor-core';
import type { RewardModel } from '../models/reward-model.ts';
import type { RewardOptions } from '../training/reward-trainer.ts';

/** What `WarmTrainer` trains; options of every run that are not here are `RewardTrainer`'s. */
export interface WarmOptions extends Omit<RewardOptions, 'params' | 'learningRate' | 'dropout' | 'out' | 'evalData'> {
  /** Body and head of all members. */
  model: RewardModel;
  /** The one the body was trained with. */
  tokenizer: Tokenizer;
  /** Rows of preferences, the same for all runs. */
  data: Dataset;
  /** Pairs that members are ranked on; none of the test's. */
  selection: Dataset;
  /** Where runs start: one tree, or checkpoints along one run of supervised fine-tuning, the last one last (Baklava). */
  init: { kind: 'shared'; params: Params } | { kind: 'baklava'; checkpoints: readonly Params[] };
  /** Names the pretraining (`fingerprint` of the last checkpoint). */
  pretrainId?: string;
  /** Values that runs cycle through: the learning rates first. */
  grid: { readonly learningRate: readonly number[]; readonly dropout: readonly number[] };
  /** R: fine-tunings. */
  runs: number;
  /** M ≤ R: the best so many are averaged; all; or those that a greedy soup keeps (`all`). */
  members?: number | 'all' | 'greedy';
  /** Updates of each run. */
  stepsPerRun: number;
  /** Start all runs from one head, linearly probed on the pairs (true); else from the head that `init` has. */
  probe?: boolean;
  /** Folder of the run: members, checkpoints, the average with `warm.json`. */
  out: string;
}

/** What one run is trained with. */
export interface RunSettings {
  /** Its number, from 0. */
  readonly run: number;
  /** Of all its updates. */
  readonly learningRate: number;
  /** Of its training. */
  readonly dropout: number;
  /** Index of the checkpoint it starts from. */
  readonly start: number;
  /** Of its data order and noise. */
  readonly seed: number;
}

/** The settings of each run: the grid is cycled, learning rates first, and so are checkpoints. */
export function runSettings(o: Pick<WarmOptions, 'grid' | 'runs' | 'init' | 'seed'>): RunSettings[] {
  const { learningRate, dropout } = o.grid;
  const starts = o.init.kind === 'baklava' ? o.init.checkpoints.length : 1;
  return Array.from({ length: o.runs }, (_, run) => ({
    run,
    learningRate: learningRate[run % learningRate.length] as number,
    dropout: dropout[Math.floor(run / learningRate.length) % dropout.length] as number,
    start: run % starts,
    seed: o.seed + 1 + run,
  }));
}

/** @throws ConfigError for options that make no sense together, before anything is made */
export function checkWarmOptions(o: WarmOptions): void {
  const check = (where: string, got: unknown, good: boolean, wanted: string): void => {
    if (!good) throw new ConfigError({ where: `WarmTrainer.${where}`, what: 'out of range', got, wanted });
  };
  const isCount = (n: unknown, least: number): boolean => Number.isSafeInteger(n) && (n as number) >= least;
  const { grid, members = 'all' } = o;
  check('runs', o.runs, isCount(o.runs, 2), 'a whole number ≥ 2');
  check('stepsPerRun', o.stepsPerRun, isCount(o.stepsPerRun, 1), 'a whole number ≥ 1');
  const named = members === 'all' || members === 'greedy';
  const fits = named || (isCount(members, 2) && members <= o.runs);
  check('members', members, fits, `all, greedy, or 2 to ${o.runs}, the runs`);
  check('grid.learningRate', grid.learningRate, grid.learningRate.length > 0, 'at least one');
  const drops = grid.dropout.length > 0 && grid.dropout.every((p) => p >= 0 && p < 1);
  check('grid.dropout', grid.dropout, drops, 'numbers from 0 to below 1, at least one');
  if (o.init.kind === 'baklava') check('init.checkpoints', 0, o.init.checkpoints.length > 0, 'at least one');
}
