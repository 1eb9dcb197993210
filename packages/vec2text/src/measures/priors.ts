// Texts of codes drawn from a prior: the same for every measure of one seed.
import { rng } from '@gimbal/tensor-core';
import { decodeCodes } from '../decoding/decode-codes.ts';
import { takeRows } from '../internal/take-rows.ts';
import type { Vec2Text } from '../model/module.ts';
import type { Codes } from '../space/codes.ts';
import type { ControlSpace } from '../space/control-space.ts';
import { type SampleOptions, sample } from '../space/random.ts';
import { passing } from './measure.ts';

type Prior = SampleOptions['prior'];

/** The priors of a space. */
export const priorsOf = ({ bounded }: ControlSpace): readonly Prior[] =>
  bounded ? ['uniform', 'gaussian-fit', 'empirical'] : ['gaussian-fit', 'empirical'];

/**
 * Greedy texts of codes of a prior. Of the empirical one each code is drawn once, so there are no more of them than codes:
 * a code that is drawn again would be a text that is written again, which tells of the drawing and not of the model.
 * @param codes for the empirical one
 */
export async function samplesOf(
  model: Vec2Text,
  prior: Prior,
  codes: Codes,
  o: { seed: number; samples?: number; signal?: AbortSignal },
): Promise<string[]> {
  const { space } = model.module;
  const stream = rng(o.seed).split('eval').split(`prior ${prior}`);
  const samples = o.samples ?? 1000;
  const drawn = (): Codes => {
    const rows = Array.from({ length: codes.length / space.dim }, (_, row) => row);
    return takeRows(codes, stream.shuffle(rows).slice(0, samples), space.dim);
  };
  const z = prior === 'empirical' ? drawn() : sample(space, samples, { prior, stats: model.stats, rng: stream });
  return (await decodeCodes(model, z, passing(o))).map(({ text }) => text);
}
