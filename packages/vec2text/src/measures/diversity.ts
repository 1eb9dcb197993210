// Diversity: how much there is to say in the space, and how many ways to say it.
import { selfBleu } from '@gimbal/language-models';
import { rng } from '@gimbal/tensor-core';
import { decodeCodes } from '../decoding/decode-codes.ts';
import { encodeTexts } from '../encoding/encode-texts.ts';
import { takeRows } from '../internal/take-rows.ts';
import { distinctInterval } from './distinct.ts';
import { jackknife } from './jackknife.ts';
import {
  checkMeasureOptions,
  checkRows,
  Intervals,
  keyOf,
  type Measure,
  type MeasureOptions,
  type Measurer,
  type Measures,
  meansSame,
  passing,
} from './measure.ts';
import { priorsOf, samplesOf } from './priors.ts';
import { slotEntropyRatio } from './slot-entropy.ts';

/** texts sampled from one code */
const ways = 10;
/** texts that self-BLEU compares with each other */
const compared = 100;

/**
 * Of greedy texts of each prior p: `validPrior(p)`, `distinctMeanings(p)` (different meanings / valid texts: high for a
 * broken decoder, too, so read it with validPrior), `distinctValid(p)` (their product: different valid meanings /
 * samples), `distinct1(p)`, `distinct2(p)` (n-grams), `selfBleu(p)` (of 100), and with `slots` `slotEntropyRatio(p)`
 * (mean over slots of the entropy in samples / in the rows). Of ten texts sampled at temperature 1 from a row's code:
 * `paraphrasesDistinct` (different ones / 10) and `paraphrasesKept` (share that means what the row does).
 * @throws DataError (`TOO_FEW`) for fewer than two rows; ConfigError (`CONFIG`) for options and answers of oracles that are none
 */
export const diversity: Measurer = async (model, rows, options) => {
  const o = checkMeasureOptions('diversity', options);
  checkRows('diversity', rows);
  const stream = rng(o.seed).split('eval').split('diversity');
  const interval = new Intervals(stream, o.resamples);
  const texts = rows.map(({ text }) => text);
  const z = await encodeTexts(model, texts, passing(o));
  const measures: Measures = {};
  for (const prior of priorsOf(model.module.space)) {
    const drawn = await samplesOf(model, prior, z, o);
    Object.assign(measures, ofSamples(prior, drawn, texts, o, interval));
  }
  // a fifth of the rows is enough: ten texts each
  const some = Math.max(2, Math.min(rows.length, Math.ceil((o.samples ?? 1000) / 5)));
  const repeated = Array.from({ length: some * ways }, (_, i) => Math.floor(i / ways));
  const sampled = await decodeCodes(model, takeRows(z, repeated, model.module.space.dim), {
    temperature: 1,
    rng: stream.split('paraphrases'),
    ...(o.signal && { signal: o.signal }),
  });
  const [distinct, kept]: [number[], number[]] = [[], []];
  for (let i = 0; i < some; i++) {
    const own = sampled.slice(i * ways, (i + 1) * ways).map(({ text }) => text);
    const meaning = o.sem(texts[i] as string);
    distinct.push(new Set(own).size / ways);
    kept.push(own.filter((text) => meansSame(o, meaning, o.sem(text))).length / ways);
  }
  measures.paraphrasesDistinct = interval.mean('paraphrasesDistinct', distinct);
  measures.paraphrasesKept = interval.mean('paraphrasesKept', kept);
  return measures;
};

function ofSamples<M>(
  prior: string,
  drawn: readonly string[],
  texts: readonly string[],
  o: MeasureOptions<M>,
  interval: Intervals,
): Measures {
  const n = drawn.length;
  const measures: Measures = {};
  const meanings = drawn.map((text) => (o.valid(text) ? o.sem(text) : undefined));
  const keys = meanings.map((m) => (m === undefined ? undefined : keyOf(o, m)));
  measures[`validPrior(${prior})`] = interval.mean(
    `validPrior(${prior})`,
    drawn.map((text) => o.valid(text)),
  );
  // a row that is drawn twice says nothing about repetition: intervals of counts of different things by the drawn rows
  const different = (list: readonly (string | undefined)[]): number =>
    new Set(list.filter((x) => x !== undefined)).size;
  const valid = keys.filter((key) => key !== undefined).length;
  const firstOf = firsts(keys);
  measures[`distinctMeanings(${prior})`] =
    valid < 2
      ? { value: valid, ci: [0, 1], n: valid }
      : interval.mean(
          `distinctMeanings(${prior})`,
          firstOf.filter((_, i) => keys[i] !== undefined),
        );
  measures[`distinctValid(${prior})`] = {
    ...interval.mean(`distinctValid(${prior})`, firstOf),
    value: different(keys) / n,
  };
  for (const size of [1, 2]) measures[`distinct${size}(${prior})`] = distinctInterval(drawn, size);
  measures[`selfBleu(${prior})`] = selfBleuInterval(drawn.slice(0, compared));
  const { slots } = o;
  if (slots !== undefined && valid >= 2) {
    const slotsOf = (list: readonly (M | undefined)[]) => list.flatMap((m) => (m === undefined ? [] : [slots(m)]));
    const ratio = slotEntropyRatio(slotsOf(meanings), slotsOf(texts.map((text) => o.sem(text))));
    if (ratio !== undefined) measures[`slotEntropyRatio(${prior})`] = ratio;
  }
  return measures;
}

/** Texts share their references: rows drawn again, each with its score, would move too little. */
function selfBleuInterval(texts: readonly string[]): Measure {
  const { each, without } = selfBleu(texts);
  const n = texts.length;
  const value = each.reduce((sum, x) => sum + x / 100, 0) / n;
  // of two, one alone has nothing to be like
  if (n < 3) return { value, ci: [0, 1], n };
  return jackknife(
    value,
    without.map((x) => x / 100),
    [0, 1],
  );
}

/** 1 for the first row of each key, 0 for those that repeat it and those without. */
function firsts(keys: readonly (string | undefined)[]): number[] {
  const seen = new Set<string>();
  return keys.map((key) => {
    if (key === undefined || seen.has(key)) return 0;
    seen.add(key);
    return 1;
  });
}
