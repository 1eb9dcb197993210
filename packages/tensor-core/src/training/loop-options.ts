/**
 * The training loop's options: defaults, checks, and the part that must not change when a run is resumed.
 */
import type { LoopOptions } from '../contracts/loop.ts';
import { ConfigError } from '../errors.ts';
import { createOptimizer } from '../optim/create-optimizer.ts';
import { checkCount, checkOption, checkSeed, requireOptions } from '../options/checks.ts';

/** What the loop uses for options that are not given. */
export const loopDefaults = {
  optimizer: { name: 'adamw' },
  accumulate: 1,
  precision: 'float32',
  gradientCheckpointing: false,
  keepBest: true,
  keepCheckpoints: 1,
  logEvery: 1,
  overflow: 'drop',
} as const satisfies Partial<LoopOptions>;

/** The loop's options, defaults filled in. */
export type ResolvedLoopOptions = LoopOptions & Required<Pick<LoopOptions, keyof typeof loopDefaults>>;

/**
 * Fills in the defaults and checks every option.
 * @throws ConfigError naming the option, before anything is allocated
 */
export function resolveLoopOptions(options: LoopOptions, hasEvaluation: boolean): ResolvedLoopOptions {
  requireOptions('trainer options', options);
  const o: ResolvedLoopOptions = { ...loopDefaults, ...options };
  const { learningRate: rate } = o;
  if (typeof rate !== 'function')
    checkOption('learningRate', rate, rate >= 0 && Number.isFinite(rate), 'a number ≥ 0 or a schedule');
  for (const key of [
    'batchSize',
    'accumulate',
    'evalEvery',
    'checkpointEvery',
    'keepCheckpoints',
    'logEvery',
  ] as const) {
    const value = o[key];
    if (value !== undefined) checkCount(key, value);
  }
  if (o.maxGradNorm !== undefined) checkOption('maxGradNorm', o.maxGradNorm, o.maxGradNorm > 0, 'a number > 0');
  checkSeed(o.seed);
  checkOption('precision', o.precision, o.precision === 'float32' || o.precision === 'bf16', "'float32' or 'bf16'");
  if (o.earlyStop !== undefined) {
    const { patience, minDelta = 0 } = o.earlyStop;
    checkCount('earlyStop.patience', patience);
    checkOption('earlyStop.minDelta', minDelta, minDelta >= 0, 'a number ≥ 0');
  }
  for (const key of ['evalEvery', 'earlyStop'] as const) {
    if (o[key] === undefined || hasEvaluation) continue;
    throw new ConfigError({
      where: key,
      what: 'there is nothing to evaluate on',
      fix: 'Give evaluation data, or leave it away',
    });
  }
  createOptimizer(o.optimizer); // checks its options
  return o;
}

/**
 * What decides the numbers of a run: a checkpoint with other values is refused. How often it is logged, evaluated or
 * saved is left out, and so are schedules that are functions.
 */
export function resumableConfig(o: ResolvedLoopOptions, config: unknown): object {
  const { learningRate, batchSize, accumulate, maxGradNorm, precision, seed } = o;
  return {
    config: config ?? null,
    options: {
      seed,
      batchSize,
      accumulate,
      learningRate: typeof learningRate === 'number' ? learningRate : 'schedule',
      maxGradNorm: maxGradNorm ?? null,
      precision,
      optimizer: createOptimizer(o.optimizer).options,
    },
  };
}
