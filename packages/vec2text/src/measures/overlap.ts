// Overlap of two texts' words, and intervals of what is no mean over rows.
import { bootstrap, bootstrapBleu } from '@gimbal/language-models';
import type { Intervals, Measure } from './measure.ts';

const wordsOf = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

/** F1 of the words of two texts, counted with multiplicity; 1 for two empty ones. */
export function tokenF1(prediction: string, reference: string): number {
  const [p, r] = [wordsOf(prediction), wordsOf(reference)];
  if (p.length + r.length === 0) return 1;
  const left = new Map<string, number>();
  for (const word of r) left.set(word, (left.get(word) ?? 0) + 1);
  let hits = 0;
  for (const word of p) {
    const count = left.get(word) ?? 0;
    if (count === 0) continue;
    left.set(word, count - 1);
    hits++;
  }
  return (2 * hits) / (p.length + r.length);
}

/** Corpus BLEU-4 in [0, 1] (sacreBLEU's: tokens of 13a, precisions of zero halved again and again). */
export function bleuInterval(predictions: readonly string[], references: readonly string[], at: Intervals): Measure {
  const { estimate, low, high } = bootstrapBleu(predictions, references, at.options('bleu'));
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
