/** How completions are drawn, and what that rules out. */
import { ConfigError, checkPositive, flatten, type Params } from '@gimbal/tensor-core';
import type { ResolvedGkd } from './gkd-options.ts';

/** 0 where greedy completions are asked for and nothing is said. */
export const samplingTemperature = (greedy: boolean | undefined, temperature: number | undefined): number =>
  temperature ?? (greedy === true ? 0 : 1);

/** @throws ConfigError for a temperature that is not above 0, but 0 with `greedy` */
export function checkSamplingTemperature(where: string, greedy: boolean | undefined, temperature: number): void {
  if (greedy !== true && temperature === 0)
    throw new ConfigError({
      ...{ where, what: 'at 0 completions are the likeliest alone, which is seldom meant', got: 0 },
      wanted: 'a finite number > 0',
      fix: `Say so with ${where.replace('temperature', 'greedy')}: true`,
    });
  if (greedy !== true) checkPositive(where, temperature);
  else if (temperature !== 0)
    throw new ConfigError({ where, what: 'greedy completions have no temperature', got: temperature, wanted: 0 });
}

/** A score function is an expectation over random completions: of greedy ones it is none. @throws ConfigError */
export function checkGreedy({ greedy, reward, futureDiscount, divergence }: ResolvedGkd): void {
  if (!greedy) return;
  const against =
    reward !== undefined
      ? 'reward'
      : futureDiscount > 0
        ? 'futureDiscount'
        : divergence === 'sampled-rkl'
          ? 'divergence'
          : undefined;
  if (against === undefined) return;
  throw new ConfigError({
    where: against,
    what: 'greedy completions are not samples of the student, which a score function takes them for',
    fix: `Leave out greedy, or ${against}`,
  });
}

/** Both trees have the same numbers in memory, whatever objects hold them. */
export function sameWeights(a: Params, b: Params): boolean {
  if (a === b) return true;
  const [left, right] = [flatten(a), new Map(flatten(b))];
  return (
    left.length === right.size &&
    left.length > 0 &&
    left.every(([path, leaf]) => right.get(path)?.dataId === leaf.dataId)
  );
}
