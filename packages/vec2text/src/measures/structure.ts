// Semantic structure: whether near vectors mean alike, and what lies between two of them.
import { bootstrap } from '@gimbal/language-models';
import { rng } from '@gimbal/tensor-core';
import { decodeCodes } from '../decoding/decode-codes.ts';
import { encodeTexts } from '../encoding/encode-texts.ts';
import { takeRows } from '../internal/take-rows.ts';
import type { Vec2Text } from '../model/module.ts';
import type { Codes } from '../space/codes.ts';
import { interpolate } from '../space/interpolate.ts';
import { centredCosine, nearest } from '../space/nearest.ts';
import { perturb } from '../space/random.ts';
import { analogies } from './analogy.ts';
import { defaultScales } from './fluency.ts';
import {
  checkMeasureOptions,
  checkRows,
  Intervals,
  type MeasuredRow,
  type MeasureOptions,
  type Measurer,
  type Measures,
  meansSame,
  passing,
  shared,
} from './measure.ts';
import { spearman } from './ranks.ts';

/**
 * `robustMeaning(σ)`, `robustSlots(σ)`: meaning and share of equal slots of decoded project(z + σ·rms·ε) against the row;
 * `tripletAccuracy`: the paraphrase's code is nearer than the edit's, by centred cosine, a tie counts as no;
 * `paraphraseRetrieval`: the code nearest to a paraphrase's is its row's; `latentSts`: Spearman's ρ between 1 − agreement
 * of meanings and centred cosine distance (of two rows or more that have a meaning), over 4,000 pairs at most, its interval
 * by their rows; with `slots` and edits `analogy` and `analogySlot` (a row is to its edit as another row is to what is
 * decoded, in every slot and in the edited one); of the middle of two codes `interpValid`, with `slots`
 * `interpConsistency` (share of slots whose value is one of the ends', 0 where it has no meaning), and `interpMonotone`
 * (of 5 points: how often the agreement with the start does not rise from one to the next; a step from or to a text without
 * meaning counts as no), of three rows or more.
 * @throws DataError (`TOO_FEW`) for fewer than two rows; ConfigError (`CONFIG`) for options and answers of oracles that are none
 */
export const semanticStructure: Measurer = async (model, rows, options) => {
  const o = checkMeasureOptions('semanticStructure', options);
  checkRows('semanticStructure', rows);
  const stream = rng(o.seed).split('eval').split('structure');
  const interval = new Intervals(stream, o.resamples);
  const { space } = model.module;
  const texts = rows.map(({ text }) => text);
  const z = await encodeTexts(model, texts, passing(o));
  const meanings = texts.map((text) => o.sem(text));
  const measures: Measures = {};
  for (const scale of o.scales ?? defaultScales) {
    const near = perturb(space, z, { scale, stats: model.stats, rng: stream.split(`noise ${scale}`) });
    const found = (await decodeCodes(model, near, passing(o))).map(({ text }) => o.sem(text));
    const [meaning, slots] = [`robustMeaning(${scale})`, `robustSlots(${scale})`];
    measures[meaning] = interval.mean(
      meaning,
      found.map((m, i) => meansSame(o, m, meanings[i])),
    );
    measures[slots] = interval.mean(
      slots,
      found.map((m, i) => shared(o, m, meanings[i])),
    );
  }
  Object.assign(measures, await triplets(model, rows, z, o, interval));
  if (meanings.filter((m) => m !== undefined).length >= 2)
    measures.latentSts = latentSts(model, z, meanings, o, interval);
  Object.assign(measures, await analogies(model, rows, z, meanings, o, interval));
  return { ...measures, ...(await between(model, z, meanings, o, interval)) };
};

/** By paraphrases and edits, where rows have them. */
async function triplets<M>(
  model: Vec2Text,
  rows: readonly MeasuredRow[],
  z: Codes,
  o: MeasureOptions<M>,
  interval: Intervals,
): Promise<Measures> {
  const { space } = model.module;
  const codesOf = (at: readonly number[]): Codes => takeRows(z, at, space.dim);
  const measures: Measures = {};
  const withParaphrase = [...rows.keys()].filter((i) => rows[i]?.paraphrase !== undefined);
  if (withParaphrase.length < 2) return measures;
  const paraphrases = await encodeTexts(
    model,
    withParaphrase.map((i) => rows[i]?.paraphrase as string),
    passing(o),
  );
  const found = nearest(space, paraphrases, z, 1, { stats: model.stats });
  const hits = found.map(([first], j) => first?.row === withParaphrase[j]);
  measures.paraphraseRetrieval = interval.mean('paraphraseRetrieval', hits);

  const both = [...withParaphrase.keys()].filter((j) => rows[withParaphrase[j] as number]?.edit !== undefined);
  if (both.length < 2) return measures;
  const at = both.map((j) => withParaphrase[j] as number);
  const edits = await encodeTexts(
    model,
    at.map((i) => rows[i]?.edit as string),
    passing(o),
  );
  const near = centredCosine(space, codesOf(at), takeRows(paraphrases, both, space.dim), model.stats);
  const far = centredCosine(space, codesOf(at), edits, model.stats);
  measures.tripletAccuracy = interval.mean(
    'tripletAccuracy',
    Array.from(near, (x, j) => x > (far[j] as number)),
  );
  return measures;
}

/** A pair counts as often as both its rows were drawn: pairs that share a row are not independent. */
function latentSts<M>(
  model: Vec2Text,
  z: Codes,
  meanings: readonly (M | undefined)[],
  o: MeasureOptions<M>,
  interval: Intervals,
) {
  const { space } = model.module;
  const stream = rng(o.seed).split('eval').split('pairs');
  const known = [...meanings.keys()].filter((i) => meanings[i] !== undefined);
  // places in `known`
  const pairs = Array.from({ length: Math.min(4000, (known.length * (known.length - 1)) / 2) }, () => {
    const a = stream.int(known.length);
    const b = stream.int(known.length - 1);
    return [a, b < a ? b : b + 1] as const;
  });
  const row = (place: number): number => known[place] as number;
  const meant = pairs.map(([a, b]) => 1 - shared(o, meanings[row(a)], meanings[row(b)]));
  const [left, right] = [0, 1].map((side) =>
    takeRows(
      z,
      pairs.map((pair) => row(pair[side] as number)),
      space.dim,
    ),
  ) as [Codes, Codes];
  const apart = Array.from(centredCosine(space, left, right, model.stats), (x) => 1 - x);
  const statistic = (drawn: readonly number[]): number => {
    const times = new Uint32Array(known.length);
    for (const place of drawn) times[place] = (times[place] as number) + 1;
    const at = pairs.flatMap(([a, b], i) => new Array<number>((times[a] as number) * (times[b] as number)).fill(i));
    return spearman(
      at.map((i) => meant[i] as number),
      at.map((i) => apart[i] as number),
    );
  };
  return interval.of(known.length, bootstrap(known.length, statistic, interval.options('latentSts')));
}

/** What lies between the codes of neighbouring rows, where there are two pairs of them. */
async function between<M>(
  model: Vec2Text,
  z: Codes,
  meanings: readonly (M | undefined)[],
  o: MeasureOptions<M>,
  interval: Intervals,
): Promise<Measures> {
  const { space } = model.module;
  const n = Math.min(meanings.length - 1, o.samples ?? 1000);
  if (n < 2) return {}; // one way has no interval
  const first = Array.from({ length: n }, (_, i) => i);
  const points = 5;
  const way = interpolate(
    space,
    takeRows(z, first, space.dim),
    takeRows(
      z,
      first.map((i) => i + 1),
      space.dim,
    ),
    points,
  );
  const texts = (await decodeCodes(model, way, { ...passing(o), project: true })).map(({ text }) => text);
  const found = texts.map((text) => o.sem(text));
  const middle = (i: number): number => i * points + 2;
  const measures: Measures = {
    interpValid: interval.mean(
      'interpValid',
      first.map((i) => o.valid(texts[middle(i)] as string)),
    ),
    interpMonotone: interval.mean(
      'interpMonotone',
      first.map((i) => {
        const said = found.slice(i * points, (i + 1) * points);
        const alike = said.map((m) => shared(o, meanings[i], m));
        const falls = (j: number): boolean =>
          said[j - 1] !== undefined && said[j] !== undefined && (alike[j] as number) <= (alike[j - 1] as number);
        return [...said.keys()].slice(1).filter(falls).length / (points - 1);
      }),
    ),
  };
  const { slots } = o;
  if (slots === undefined) return measures;
  const consistent = first.map((i) => {
    const [m, a, b] = [found[middle(i)], meanings[i], meanings[i + 1]].map((x) => x && slots(x as M & object));
    if (!m || !a || !b) return 0;
    return m.filter((value, slot) => value === a[slot] || value === b[slot]).length / m.length;
  });
  return { ...measures, interpConsistency: interval.mean('interpConsistency', consistent) };
}
