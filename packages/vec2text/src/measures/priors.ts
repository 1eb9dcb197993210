// Texts of codes drawn from a prior: the same for every measure of one seed.
import { rng } from '@gimbal/tensor-core';
import { decodeCodes } from '../decoding/decode-codes.ts';
import type { Vec2Text } from '../model/module.ts';
import type { Codes } from '../space/codes.ts';
import type { ControlSpace } from '../space/control-space.ts';
import { type SampleOptions, sample } from '../space/random.ts';
import { passing } from './measure.ts';

type Prior = SampleOptions['prior'];

/** The priors of a space. */
export const priorsOf = ({ bounded }: ControlSpace): readonly Prior[] =>
  bounded ? ['uniform', 'gaussian-fit', 'empirical'] : ['gaussian-fit', 'empirical'];

/** Greedy texts of codes of a prior. @param codes for the empirical one */
export async function samplesOf(
  model: Vec2Text,
  prior: Prior,
  codes: Codes,
  o: { seed: number; samples?: number; signal?: AbortSignal },
): Promise<string[]> {
  const stream = rng(o.seed).split('eval').split(`prior ${prior}`);
  const z = sample(model.module.space, o.samples ?? 1000, { prior, stats: model.stats, codes, rng: stream });
  return (await decodeCodes(model, z, passing(o))).map(({ text }) => text);
}
