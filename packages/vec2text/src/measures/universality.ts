// Universality: how much of an unseen text is in its code.
import { exactMatch } from '@gimbal/language-models';
import { rng } from '@gimbal/tensor-core';
import { decodeCodes } from '../decoding/decode-codes.ts';
import { encodeTexts } from '../encoding/encode-texts.ts';
import { checkRows, Intervals, type Measurer, meansSame, shared } from './measure.ts';
import { bleuInterval, lossInterval, tokenF1 } from './overlap.ts';
import { tokenLosses } from './token-losses.ts';

/**
 * Greedy reconstructions against the sentences: `exactMatch`, `bleu` (corpus BLEU-4 by sacreBLEU's definition, /100),
 * `tokenF1`, `ce` (nats a token, teacher-forced), `meaningMatch`, `slotAccuracy` (mean share of equal slots, 0 where
 * the text has no meaning); with paraphrases also `meaningMatchFromParaphrase`.
 * @throws DataError (`TOO_FEW`) for fewer than two rows
 */
export const universality: Measurer = async (model, rows, o) => {
  checkRows('universality', rows);
  const interval = new Intervals(rng(o.seed).split('eval').split('universality'), o.resamples);
  const texts = rows.map(({ text }) => text);
  const z = await encodeTexts(model, texts, o);
  const decoded = (await decodeCodes(model, z, o)).map(({ text }) => text);
  const losses = await tokenLosses(model, z, texts, o);
  const meanings = texts.map((text) => o.sem(text));
  const found = decoded.map((text) => o.sem(text));
  const measures = {
    exactMatch: interval.mean('exactMatch', exactMatch(decoded, texts)),
    bleu: bleuInterval(decoded, texts, interval),
    tokenF1: interval.mean(
      'tokenF1',
      decoded.map((text, i) => tokenF1(text, texts[i] as string)),
    ),
    ce: lossInterval(losses, interval),
    meaningMatch: interval.mean(
      'meaningMatch',
      meanings.map((m, i) => meansSame(o, m, found[i])),
    ),
    slotAccuracy: interval.mean(
      'slotAccuracy',
      meanings.map((m, i) => shared(o, m, found[i])),
    ),
  };
  const withParaphrase = rows.flatMap(({ paraphrase }, i) => (paraphrase === undefined ? [] : [{ paraphrase, i }]));
  if (withParaphrase.length < 2) return measures;
  const from = await encodeTexts(
    model,
    withParaphrase.map(({ paraphrase }) => paraphrase),
    o,
  );
  const again = (await decodeCodes(model, from, o)).map(({ text }) => o.sem(text));
  const same = withParaphrase.map(({ i }, j) => meansSame(o, meanings[i], again[j]));
  return { ...measures, meaningMatchFromParaphrase: interval.mean('meaningMatchFromParaphrase', same) };
};
