// Overlap of two texts' words, and intervals of what is no mean over rows.
import { bootstrap, bootstrapBleu } from '@gimbal/language-models';
import { wordOverlap } from '../data/similarity.ts';
import type { Intervals, Measure } from './measure.ts';

/** F1 of the words of two texts, counted with multiplicity; 1 for two empty ones. */
export const tokenF1 = (prediction: string, reference: string): number =>
  prediction.trim() === '' && reference.trim() === '' ? 1 : wordOverlap(prediction, reference);

/** Corpus BLEU-4 in [0, 1] (sacreBLEU's: tokens of 13a, precisions of zero halved again and again). */
export function bleuInterval(
  predictions: readonly string[],
  references: readonly string[],
  at: Intervals,
  name = 'bleu',
): Measure {
  const { estimate, low, high } = bootstrapBleu(predictions, references, at.options(name));
  return { value: estimate / 100, ci: [low / 100, high / 100], n: predictions.length };
}

/** Nats a token over all rows: Σ loss / Σ tokens. */
export function lossInterval(rows: readonly { loss: number; tokens: number }[], at: Intervals): Measure {
  const statistic = (indices: readonly number[]): number => {
    let [loss, tokens] = [0, 0];
    for (const i of indices) {
      loss += rows[i]?.loss as number;
      tokens += rows[i]?.tokens as number;
    }
    return loss / tokens;
  };
  return at.of(rows.length, bootstrap(rows.length, statistic, at.options('ce')));
}
