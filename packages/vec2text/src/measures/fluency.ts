// Fluency: whether vectors near codes, and vectors by chance, become sentences.
import { rng } from '@gimbal/tensor-core';
import { decodeCodes } from '../decoding/decode-codes.ts';
import { encodeTexts } from '../encoding/encode-texts.ts';
import { refusal } from '../internal/refuse.ts';
import { perturb } from '../space/random.ts';
import { checkMeasureOptions, checkRows, Intervals, type Measurer, type Measures, passing } from './measure.ts';
import { priorsOf, samplesOf } from './priors.ts';

/**
 * `validAt(σ)`: share of valid texts among decoded project(z + σ·rms·ε), σ = 0 and `scales`; `validPrior(p)`: among
 * decoded samples of each prior (`uniform` where the space is bounded, `gaussian-fit`, `empirical`); with `lm` also
 * `lmScore(p)` and `lmScore`, of reconstructions: mean over texts of the mean log-probability of a token under that model,
 * in nats, ≤ 0, the higher the likelier.
 * @throws DataError (`TOO_FEW`) for fewer than two rows; ShapeError (`SHAPE`), NumericalError (`NOT_FINITE`) for what `lm` answers;
 * ConfigError (`CONFIG`) for options and answers of oracles that are none
 */
export const fluency: Measurer = async (model, rows, options) => {
  const o = checkMeasureOptions('fluency', options);
  checkRows('fluency', rows);
  const stream = rng(o.seed).split('eval').split('fluency');
  const interval = new Intervals(stream, o.resamples);
  const { space } = model.module;
  const z = await encodeTexts(
    model,
    rows.map(({ text }) => text),
    passing(o),
  );
  const measures: Measures = {};
  const score = async (name: string, texts: readonly string[]): Promise<void> => {
    if (o.lm) measures[name] = interval.mean(name, scoresOf(name, texts, await o.lm([...texts])));
  };
  for (const scale of [0, ...(o.scales ?? defaultScales)]) {
    const near =
      scale === 0 ? z : perturb(space, z, { scale, stats: model.stats, rng: stream.split(`noise ${scale}`) });
    const texts = (await decodeCodes(model, near, passing(o))).map(({ text }) => text);
    const name = `validAt(${scale})`;
    measures[name] = interval.mean(
      name,
      texts.map((text) => o.valid(text)),
    );
    if (scale === 0) await score('lmScore', texts);
  }
  for (const prior of priorsOf(space)) {
    const texts = await samplesOf(model, prior, z, o);
    measures[`validPrior(${prior})`] = interval.mean(
      `validPrior(${prior})`,
      texts.map((text) => o.valid(text)),
    );
    await score(`lmScore(${prior})`, texts);
  }
  return measures;
};

/** One number a text, as the language model gave them. */
function scoresOf(name: string, texts: readonly string[], scores: ArrayLike<number>): number[] {
  const where = `vec2text: ${name}`;
  if (scores?.length !== texts.length)
    throw refusal('SHAPE', { where, what: 'lm gave not one number a text', got: scores?.length, wanted: texts.length });
  return Array.from(scores, (score, i) => {
    if (Number.isFinite(score)) return score;
    throw refusal('NOT_FINITE', { where, what: `of text ${i}, ‘${texts[i]}’`, got: score, wanted: 'a finite number' });
  });
}

/** σ of noise, in root mean squares of the codes. */
export const defaultScales = [0.25, 0.5, 0.75, 1] as const;
