// A classifier's verdicts.
import { eventTurn, type Params } from '@gimbal/tensor-core';
import { padRows } from '../encoder/encode-texts.ts';
import type { Classifier } from './classifier.ts';

/** A classifier's answer for one row. */
export interface Classified {
  /** Index of the likeliest class; the value itself where there is one label. */
  readonly prediction: number;
  /** Scores before the softmax [L]. */
  readonly logits: Float32Array;
}

/**
 * Classifies rows (see `labelledRows`), in batches of like length.
 * @returns one verdict a row, in their order
 */
export async function classify(
  model: Classifier,
  params: Params,
  rows: readonly { ids: Int32Array; types: Int32Array }[],
  { batchSize = 32 }: { batchSize?: number } = {},
): Promise<Classified[]> {
  const out = new Array<Classified>(rows.length);
  const order = rows.map((_, i) => i).sort((a, b) => (rows[a]?.ids.length ?? 0) - (rows[b]?.ids.length ?? 0));
  const width = model.labels.length;
  for (let at = 0; at < order.length; at += batchSize) {
    await eventTurn();
    const some = order.slice(at, at + batchSize);
    const batch = padRows(
      some.map((i) => rows[i] as (typeof rows)[number]),
      model.config.padId,
    );
    const scores = model.logits(params, batch);
    const values = (await scores.data()) as Float32Array;
    scores.dispose();
    some.forEach((i, row) => {
      const logits = values.slice(row * width, (row + 1) * width);
      const best = logits.indexOf(Math.max(...logits));
      out[i] = { prediction: width === 1 ? (logits[0] as number) : best, logits };
    });
  }
  return out;
}
