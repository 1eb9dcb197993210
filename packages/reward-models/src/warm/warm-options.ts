// What a WARM run takes, and which run gets which of it.
import type { Classifier, Dataset, Tokenizer } from '@gimbal/language-models';
import {
  ConfigError,
  checkCount,
  checkKnown,
  checkName,
  checkSeed,
  createOptimizer,
  optionNames,
  type Params,
  requireOptions,
  type Schedule,
  type Trainer,
  type TrainStep,
} from '@gimbal/tensor-core';
import type { PreferenceModel } from '../models/preference-model.ts';
import type { RewardModel } from '../models/reward-model.ts';
import { type PairTrainerOptions, pairTrainerNames } from '../training/pair-trainer.ts';
import type { RewardOptions } from '../training/reward-trainer.ts';

/**
 * What all members are: a reward model is trained by `RewardTrainer`, a preference model by `PreferenceTrainer`, a classifier
 * (a judge of entailment is one) by `ClassifierTrainer`.
 */
export type MemberModel = RewardModel | PreferenceModel | Classifier;

/** A trainer of a member. */
export interface MemberTrainer extends Trainer<TrainStep> {
  /** Updates done. */
  readonly step: number;
  /** As trained so far; the trainer owns them. */
  readonly params: Params;
  /** A copy of the whole model, where `params` is a part of it; the caller disposes it. */
  model?(): Params;
}

/** What one run is trained with, and from. */
export interface MemberRun extends RunSettings {
  /** Body and head that it starts from; not changed, not kept. */
  readonly params: Params;
  /** Folder for its checkpoints. */
  readonly out: string;
}

// where runs start, their rates and dropout stand in options of WARM's own; members are ranked when they are done, on
// `selection`: nothing is evaluated while they learn
const { params, learningRate, dropout, evalData, evalEvery, keepBest, earlyStop, ...ofRuns } = pairTrainerNames;

/** What `WarmTrainer` trains; options of every run that are not here are those of the members' trainer. */
export interface WarmOptions extends Pick<PairTrainerOptions, keyof typeof ofRuns>, Pick<RewardOptions, 'centerCoef'> {
  /** Body and head of all members. */
  model: MemberModel;
  /** The one the body was trained with. */
  tokenizer: Tokenizer;
  /** Rows of preferences, or labelled rows for classifiers, the same for all runs. */
  data: Dataset;
  /** Rows that members are ranked on; none of the test's. */
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
  /** The course of a run's learning rate, from its value in the grid, the peak (constant). */
  schedule?: (peak: number) => Schedule;
  /** Start all runs from one head, linearly probed on the rows (true); else from the head that `init` has. */
  probe?: boolean;
  /** Folder of the run: members, checkpoints, the average with `warm.json`. */
  out: string;
  /**
   * A trainer of your own for a run; `from` is the checkpoint folder of one that was stopped, which it has to go on from
   * (the trainer of the model's kind).
   */
  train?: (run: MemberRun, from: string | undefined) => MemberTrainer | Promise<MemberTrainer>;
  /** How good parameters are on the selection rows, higher is better (the share that is right). */
  rank?: (params: Params) => Promise<number>;
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

const warmNames = optionNames<WarmOptions>({
  ...ofRuns,
  model: true,
  selection: true,
  init: true,
  pretrainId: true,
  grid: true,
  runs: true,
  members: true,
  stepsPerRun: true,
  schedule: true,
  probe: true,
  out: true,
  train: true,
  rank: true,
  centerCoef: true,
});

const counts = ['batchSize', 'accumulate', 'maxLength', 'checkpointEvery', 'keepCheckpoints', 'logEvery'] as const;

/** @throws ConfigError for options that are unknown or make no sense together, before anything is made */
export function checkWarmOptions(o: WarmOptions): void {
  checkKnown('WarmTrainer', o, warmNames);
  checkKnown('WarmTrainer.grid', o.grid, ['learningRate', 'dropout']);
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
  const rates = grid.learningRate.length > 0 && grid.learningRate.every((rate) => rate > 0 && Number.isFinite(rate));
  check('grid.learningRate', grid.learningRate, rates, 'numbers > 0, at least one');
  const drops = grid.dropout.length > 0 && grid.dropout.every((p) => p >= 0 && p < 1);
  check('grid.dropout', grid.dropout, drops, 'numbers from 0 to below 1, at least one');
  if (!('classifier' in o.model)) {
    const { labels } = o.model;
    check('model', labels.join(', '), labels.length > 1 || o.rank !== undefined, 'two labels, or `rank`');
    for (const option of ['lora', 'labelSmoothing', 'centerCoef'] as const) {
      check(option, o[option], !o[option], 'none: a classifier has no such option');
    }
  }
  if ('classifier' in o.model && o.model.kind === 'pairwise') {
    check('centerCoef', o.centerCoef, !o.centerCoef, 'none: a preference model has no scores to centre');
  }
  for (const option of counts) {
    if (o[option] !== undefined) checkCount(`WarmTrainer.${option}`, o[option]);
  }
  checkSeed(o.seed);
  createOptimizer(o.optimizer); // checks its options
  if (o.precision !== undefined) checkName('WarmTrainer.precision', o.precision, ['float32', 'bf16']);
  if (o.lora?.rank !== undefined) check('lora.rank', o.lora.rank, isCount(o.lora.rank, 1), 'a whole number ≥ 1');
  requireOptions('WarmTrainer.init', o.init);
  checkName('WarmTrainer.init.kind', o.init.kind, ['shared', 'baklava']);
  for (const name of ['data', 'selection'] as const) requireOptions(`WarmTrainer.${name}`, o[name]);
  const { maxGradNorm = 1, labelSmoothing = 0, centerCoef = 0, overflow = 'cut' } = o;
  check('maxGradNorm', maxGradNorm, maxGradNorm > 0, 'a number > 0');
  check('labelSmoothing', labelSmoothing, labelSmoothing >= 0 && labelSmoothing < 0.5, 'a number from 0 to below .5');
  check('centerCoef', centerCoef, centerCoef >= 0 && Number.isFinite(centerCoef), 'a number ≥ 0');
  checkName('WarmTrainer.overflow', overflow, ['drop', 'cut', 'error']);
  const { config } = 'classifier' in o.model ? o.model.classifier : o.model;
  check('lora', o.lora, !(o.lora && 'typeVocabulary' in config), 'none: adapters are for decoders');
  if (o.init.kind === 'baklava') check('init.checkpoints', 0, o.init.checkpoints.length > 0, 'at least one');
}
