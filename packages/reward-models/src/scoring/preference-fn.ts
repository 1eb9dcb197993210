// Preference models, and rewards, as the function that says how likely one answer is preferred to another.
import { padRows, type Tokenizer } from '@gimbal/language-models';
import {
  ConfigError,
  checkCount,
  checkedRewards,
  DataError,
  eventTurn,
  type Params,
  type PreferenceFn,
  type RewardFn,
} from '@gimbal/tensor-core';
import { type AnswerEncoderOptions, answerEncoder, type EncodedRow } from '../data/answer-encoder.ts';
import { tooLong } from '../data/preference-pairs.ts';
import type { PreferenceModel } from '../models/preference-model.ts';
import { checkCounts } from './reward-fn.ts';

/** How pairs are compared. */
export interface PreferenceFnOptions extends AnswerEncoderOptions {
  /** Pairs at a time (16). */
  batchSize?: number;
  /** Logits are divided by it, > 0: from `fitTemperature` (1). */
  temperature?: number;
}

/**
 * A preference model's P(a ≻ b | prompt); P(a ≻ b) + P(b ≻ a) = 1 up to rounding.
 * @returns one number in [0, 1] a row; throws DataError, naming the row, where prompt and answers are longer than the model
 * @throws ConfigError where model and tokenizer do not fit, or for a temperature that is not > 0
 */
export function preferenceFn(
  model: PreferenceModel,
  params: Params,
  tokenizer: Tokenizer,
  { batchSize = 16, temperature = 1, ...o }: PreferenceFnOptions = {},
): PreferenceFn {
  checkTemperature('preferenceFn', temperature);
  checkCount('preferenceFn.batchSize', batchSize);
  const { config } = model.classifier;
  const encoder = answerEncoder(config, tokenizer, o);
  const together = model.form === 'antisymmetric';
  return async (prompts, a, b) => {
    checkCounts('preference', prompts, a, b);
    const sides = (first: readonly string[], second: readonly string[]): EncodedRow[] =>
      prompts.map((prompt, i) => {
        const answers = together ? [first[i] as string, second[i] as string] : [first[i] as string];
        const row = encoder.encode(prompt, answers);
        if (row.ids.length > encoder.limit) throw tooLong(`preference, row ${i}`, row.ids.length, encoder.limit);
        return row;
      });
    const [first, second] = [sides(a, b), sides(b, a)];
    const out: number[] = [];
    for (let at = 0; at < prompts.length; at += batchSize) {
      await eventTurn();
      const rows = padRows([...first.slice(at, at + batchSize), ...second.slice(at, at + batchSize)], config.padId);
      const logits = model.logits(params, rows);
      for (const z of await logits.data()) out.push(sigmoid(z / temperature));
      logits.dispose();
    }
    return out;
  };
}

/**
 * P(a ≻ b) = σ((r(a) − r(b)) / temperature): what a reward says of pairs.
 * @returns throws DataError, naming the row, where the reward gives no number, or abstains, which has no preference
 * @throws ConfigError for a temperature that is not > 0
 */
export function preferenceFromReward(fn: RewardFn, { temperature = 1 }: { temperature?: number } = {}): PreferenceFn {
  checkTemperature('preferenceFromReward', temperature);
  return async (prompts, a, b, rows) => {
    checkCounts('preference', prompts, a, b);
    const ask = (answers: readonly string[]): Promise<(number | null)[]> =>
      checkedRewards('preference', fn, prompts, answers, rows);
    const [first, second] = [await ask(a), await ask(b)];
    return prompts.map((_, i) => {
      const [x, y] = [first[i] ?? null, second[i] ?? null];
      if (x !== null && y !== null) return sigmoid((x - y) / temperature);
      throw new DataError({ where: `preference, row ${i}`, what: 'the reward abstains', wanted: 'two numbers' });
    });
  };
}

/**
 * P ← ½ (P(a ≻ b) + 1 − P(b ≻ a)): any preference made independent of who is shown first, at twice the cost.
 * @returns throws DataError for another number of answers or one outside [0, 1], in either order: their mean may be inside
 */
export function antisymmetrise(fn: PreferenceFn): PreferenceFn {
  return async (prompts, a, b, rows) => {
    const [forward, backward] = await inBothOrders(fn, prompts, a, b, rows);
    return forward.map((p, i) => (p + 1 - (backward[i] as number)) / 2);
  };
}

/**
 * Mean |P(a ≻ b) + P(b ≻ a) − 1|: how much the answer depends on who is shown first; 0 for a preference that is fair, and
 * without pairs.
 * @throws DataError for another number of answers or one outside [0, 1]
 */
export async function preferenceOrderBias(
  fn: PreferenceFn,
  prompts: readonly string[],
  a: readonly string[],
  b: readonly string[],
): Promise<number> {
  const [forward, backward] = await inBothOrders(fn, prompts, a, b);
  const total = forward.reduce((sum, p, i) => sum + Math.abs(p + (backward[i] as number) - 1), 0);
  return forward.length === 0 ? 0 : total / forward.length;
}

async function inBothOrders(
  fn: PreferenceFn,
  prompts: readonly string[],
  a: readonly string[],
  b: readonly string[],
  rows?: Parameters<PreferenceFn>[3],
): Promise<[number[], number[]]> {
  const forward = checkedPreferences(await fn(prompts, a, b, rows), prompts.length);
  return [forward, checkedPreferences(await fn(prompts, b, a, rows), prompts.length)];
}

/** @throws DataError, naming the row, for what is not one probability a row */
export function checkedPreferences(answers: ArrayLike<number>, rows: number): number[] {
  const list = Array.from(answers ?? []);
  if (list.length !== rows) {
    const what = 'another number of answers';
    throw new DataError({ where: 'preference', what, got: list.length, wanted: `${rows}, one a row` });
  }
  const bad = list.findIndex((p) => !(typeof p === 'number' && p >= 0 && p <= 1));
  if (bad < 0) return list;
  const wanted = 'a number from 0 to 1';
  throw new DataError({ where: `preference, row ${bad}`, what: 'out of range', got: list[bad], wanted });
}

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

function checkTemperature(where: string, temperature: number): void {
  if (temperature > 0 && Number.isFinite(temperature)) return;
  throw new ConfigError({
    where: `${where}.temperature`,
    what: 'out of range',
    got: temperature,
    wanted: 'a number > 0',
  });
}
