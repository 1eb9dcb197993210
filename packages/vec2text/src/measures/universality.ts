// Universality: how much of an unseen text is in its code.
import { exactMatch } from '@gimbal/language-models';
import { rng } from '@gimbal/tensor-core';
import { decodeCodes } from '../decoding/decode-codes.ts';
import { encodeTexts } from '../encoding/encode-texts.ts';
import {
  checkMeasureOptions,
  checkRows,
  Intervals,
  type MeasuredRow,
  type Measurer,
  type Measures,
  meansSame,
  passing,
  shared,
} from './measure.ts';
import { bleuInterval, lossInterval, tokenF1 } from './overlap.ts';
import { tokenLosses } from './token-losses.ts';

/**
 * Greedy reconstructions against the sentences: `exactMatch`, `bleu` (corpus BLEU-4 by sacreBLEU's definition, /100),
 * `tokenF1`, `ce` (nats a token, teacher-forced), `meaningMatch`, `slotAccuracy` (mean share of equal slots, 0 where
 * the text has no meaning); with paraphrases also `meaningMatchFromParaphrase`. All but `ce` also of every group of two rows or
 * more, as `exactMatch(group)`: lengths and topics that training did not have are rows of a group of their own.
 * @throws DataError (`TOO_FEW`) for fewer than two rows; ConfigError (`CONFIG`) for options and answers of oracles that are none
 */
export const universality: Measurer = async (model, rows, options) => {
  const o = checkMeasureOptions('universality', options);
  checkRows('universality', rows);
  const interval = new Intervals(rng(o.seed).split('eval').split('universality'), o.resamples);
  const texts = rows.map(({ text }) => text);
  const z = await encodeTexts(model, texts, passing(o));
  const decoded = (await decodeCodes(model, z, passing(o))).map(({ text }) => text);
  const losses = await tokenLosses(model, z, texts, passing(o));
  const meanings = texts.map((text) => o.sem(text));
  const found = decoded.map((text) => o.sem(text));
  const hits = exactMatch(decoded, texts);
  const compared = (at: readonly number[], suffix: string): Measures => {
    const mean = (name: string, of: (i: number) => number | boolean): Measures => ({
      [`${name}${suffix}`]: interval.mean(`${name}${suffix}`, at.map(of)),
    });
    const [ours, theirs] = [decoded, texts].map((list) => at.map((i) => list[i] as string)) as [string[], string[]];
    return {
      ...mean('exactMatch', (i) => hits[i] as number | boolean),
      [`bleu${suffix}`]: bleuInterval(ours, theirs, interval, `bleu${suffix}`),
      ...mean('tokenF1', (i) => tokenF1(decoded[i] as string, texts[i] as string)),
      ...(suffix === '' && { ce: lossInterval(losses, interval) }),
      ...mean('meaningMatch', (i) => meansSame(o, meanings[i], found[i])),
      ...mean('slotAccuracy', (i) => shared(o, meanings[i], found[i])),
    };
  };
  const measures = compared([...rows.keys()], '');
  for (const [group, at] of groupsOf(rows)) Object.assign(measures, compared(at, `(${group})`));
  const withParaphrase = rows.flatMap(({ paraphrase }, i) => (paraphrase === undefined ? [] : [{ paraphrase, i }]));
  if (withParaphrase.length < 2) return measures;
  const from = await encodeTexts(
    model,
    withParaphrase.map(({ paraphrase }) => paraphrase),
    passing(o),
  );
  const again = (await decodeCodes(model, from, passing(o))).map(({ text }) => o.sem(text));
  const same = withParaphrase.map(({ i }, j) => meansSame(o, meanings[i], again[j]));
  return { ...measures, meaningMatchFromParaphrase: interval.mean('meaningMatchFromParaphrase', same) };
};

/** The rows of each group of two or more, in the order of their names, numbers in them by size. */
function groupsOf(rows: readonly MeasuredRow[]): [group: string, rows: number[]][] {
  const groups = new Map<string, number[]>();
  for (const [i, { group }] of rows.entries())
    if (group !== undefined) groups.set(group, [...(groups.get(group) ?? []), i]);
  const ordered = [...groups].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
  return ordered.filter(([, at]) => at.length >= 2);
}
