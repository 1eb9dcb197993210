/**
 * Optimisers by name, their options checked: what configurations and command lines go through.
 */
import { ConfigError, nearest } from '../errors.ts';
import { requireOptions } from '../options/checks.ts';
import { adafactor } from './adafactor.ts';
import { adam, adamw } from './adam.ts';
import { lion } from './lion.ts';
import { muon } from './muon.ts';
import type { Optimizer } from './optimizer.ts';
import { type OptimizerName, type OptimizerOptions, optimizerDefaults } from './options.ts';
import { rmsprop } from './rmsprop.ts';
import { sgd } from './sgd.ts';

/** What each numeric option may be. */
const ranges: Record<string, [test: (x: number) => boolean, wanted: string]> = {
  beta1: [(x) => x >= 0 && x < 1, 'a number in [0, 1)'],
  beta2: [(x) => x >= 0 && x < 1, 'a number in [0, 1)'],
  decay: [(x) => x >= 0 && x < 1, 'a number in [0, 1)'],
  momentum: [(x) => x >= 0 && x < 1, 'a number in [0, 1)'],
  epsilon: [(x) => x >= 0 && x < 1, 'a number in [0, 1)'],
  weightDecay: [(x) => x >= 0 && Number.isFinite(x), 'a number ≥ 0'],
  beta2Decay: [(x) => x <= 0 && Number.isFinite(x), 'a number ≤ 0'],
  clipThreshold: [(x) => x > 0 && Number.isFinite(x), 'a number > 0'],
  iterations: [(x) => Number.isInteger(x) && x > 0 && x < 100, 'a whole number from 1 to 99'],
  learningRateScale: [(x) => x >= 0 && Number.isFinite(x), 'a number ≥ 0'],
};

/**
 * Creates an optimiser.
 * @param options default AdamW
 * @throws ConfigError for an unknown name or option (the nearest known one is suggested) and numbers out of range
 * @example
 * const optimizer = createOptimizer({ name: 'adamw', weightDecay: 0.1, groups: [{ match: 'embed.**', weightDecay: 0 }] });
 * const state = optimizer.init(params);
 */
export function createOptimizer(options: OptimizerOptions = { name: 'adamw' }): Optimizer {
  checkOptions(options);
  switch (options.name) {
    case 'adamw':
      return adamw(options);
    case 'adam':
      return adam(options);
    case 'sgd':
      return sgd(options);
    case 'rmsprop':
      return rmsprop(options);
    case 'adafactor':
      return adafactor(options);
    case 'lion':
      return lion(options);
    case 'muon':
      return muon(options);
  }
}

function checkOptions(options: OptimizerOptions): void {
  requireOptions('optimizer', options);
  const names = Object.keys(optimizerDefaults);
  if (!names.includes(options.name)) {
    throw unknown('optimizer.name', 'no such optimiser', options.name, names);
  }
  const known: object = optimizerDefaults[options.name as OptimizerName];
  checkNumbers(options, known, 'optimizer');
  for (const group of options.groups ?? [])
    checkNumbers(group, { match: 0, learningRateScale: 0, weightDecay: 0 }, 'optimizer.groups');
  if (options.name === 'muon' && options.others)
    checkNumbers(options.others, optimizerDefaults.muon.others, 'optimizer.others');
}

function checkNumbers(given: object, known: object, where: string): void {
  for (const [key, value] of Object.entries(given)) {
    if (!Object.hasOwn(known, key)) throw unknown(where, 'no such option', key, Object.keys(known));
    const range = ranges[key];
    if (range === undefined || value === undefined || (typeof value === 'number' && range[0](value))) continue;
    throw new ConfigError({ where: `${where}.${key}`, what: 'out of range', got: value, wanted: range[1] });
  }
}

function unknown(where: string, what: string, got: string, known: readonly string[]): ConfigError {
  const near = nearest(String(got), known);
  return new ConfigError({
    where,
    what,
    got,
    wanted: `one of ${known.join(', ')}`,
    ...(near !== undefined && { fix: `Did you mean ${near}?` }),
  });
}
