// What users hang into an agent: sources of reward, and losses of their own.
import { ConfigError, checkPositive, flatten, type Params, type Rng } from '@gimbal/tensor-core';
import type { Scalar, Variable } from '@tensorflow/tfjs-core';
import { dropped, isPromise, threw } from '../rollout/env-faults.ts';
import type { AuxLoss, TransitionBatch } from './on-policy-options.ts';

/** Of a loss, default filled in. */
export const auxLossRate = ({ learningRate = 3e-4 }: Pick<AuxLoss, 'learningRate'>): number => learningRate;

/** @throws ConfigError for a source that rewards nothing */
export function checkRewardSource(source: unknown): void {
  if (source === undefined || typeof (source as { reward?: unknown } | null)?.reward === 'function') return;
  const wanted = '{ reward(batch): Float32Array }';
  throw new ConfigError({ where: 'rewardSource', what: 'it has no function reward', got: described(source), wanted });
}

/** @throws ConfigError for what is no list of losses, or for one of them that lacks something or is there twice */
export function checkAuxLosses(losses: unknown): void {
  if (losses === undefined) return;
  const wanted = 'a list of { name, params, loss(params, batch, rng) }';
  if (!Array.isArray(losses))
    throw new ConfigError({ where: 'auxLosses', what: 'it is no list', got: described(losses), wanted });
  const names = new Set<string>();
  for (const [i, given] of losses.entries()) {
    const { name, params, loss, learningRate } = (given ?? {}) as { [key: string]: unknown };
    const where = `auxLosses[${i}]`;
    const lacks =
      typeof name !== 'string' || name === ''
        ? 'name'
        : typeof params !== 'object' || params === null
          ? 'params'
          : typeof loss !== 'function'
            ? 'loss'
            : undefined;
    if (lacks !== undefined)
      throw new ConfigError({ where, what: `there is no ${lacks}`, got: described(given), wanted: wanted.slice(10) });
    // its weights are saved under its name, its optimiser's state under name-optimizer
    const letters = 'letters, digits, - _ and .';
    if (!/^[A-Za-z0-9_.-]+$/.test(name as string))
      throw new ConfigError({ where: `${where}.name`, what: 'it is the name of a file', got: name, wanted: letters });
    for (const taken of [name, `${name}-optimizer`, (name as string).replace(/-optimizer$/, '')] as string[])
      if (names.has(taken)) throw new ConfigError({ where, what: 'the name is there already', got: taken });
    names.add(name as string);
    const leaves = flatten(params as Params);
    if (leaves.some(([, leaf]) => typeof (leaf as Partial<Variable>).assign !== 'function'))
      throw new ConfigError({ where: `${where}.params`, what: 'what is learnt are variables', got: described(params) });
    if (learningRate !== undefined) checkPositive(`${where}.learningRate`, learningRate as number);
  }
}

/**
 * The value of a further loss.
 * @throws ConfigError, naming the loss, for what it throws (its cause) and for a promise
 */
export function lossOf(aux: AuxLoss, ...given: [params: Params, batch: TransitionBatch, rng: Rng]): Scalar {
  const where = `auxLosses, ${aux.name}`;
  let value: Scalar;
  try {
    value = aux.loss(...given);
  } catch (error) {
    throw threw(error, where, 'loss');
  }
  if (!isPromise(value)) return value;
  dropped(value);
  throw new ConfigError({ where, what: 'loss gave a promise', wanted: 'a scalar', fix: 'Answer at once' });
}

function described(x: unknown): string {
  if (typeof x !== 'object' || x === null || Array.isArray(x)) return String(x);
  const keys = Object.keys(x);
  return keys.length === 0 ? '{}' : `{ ${keys.join(', ')} }`;
}
