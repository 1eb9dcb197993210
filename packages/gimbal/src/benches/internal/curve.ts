// Loss curves on text that can be learned, to compare precisions: newsroom articles, packed into the context.
import { rng, withPrecision } from '@gimbal/tensor-core';
import { newsroom } from '@gimbal/worlds';
import { batch, batchOf, disposeBatch, gpt2Sizes, LmTraining } from './lm-workload.ts';

/** points of a curve that are compared: each is the mean of its steps */
const points = 15;

/** The training losses of `steps` steps. The seed decides weights and data. */
export function trainingCurve(seed: number, steps: number, precision: 'float32' | 'bf16'): number[] {
  using training = new LmTraining(gpt2Sizes, seed);
  const stream = rng(seed).split('articles');
  const desk = newsroom();
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const rows = Array.from({ length: batch.rows }, () => {
      const ids: number[] = [];
      while (ids.length <= batch.columns) for (const { ids: article } of desk.articles(4, stream)) ids.push(...article);
      return ids.slice(0, batch.columns + 1);
    });
    const data = batchOf(rows);
    const loss = withPrecision(precision, () => training.step(data));
    losses.push(loss.dataSync()[0] as number);
    loss.dispose();
    disposeBatch(data);
  }
  return losses;
}

/** How far two curves are apart: the mean difference of their smoothed points, in nats. */
export function curveDistance(a: readonly number[], b: readonly number[]): number {
  const smooth = (curve: readonly number[]): number[] => {
    const width = Math.max(1, Math.floor(curve.length / points));
    return Array.from({ length: Math.floor(curve.length / width) }, (_, i) =>
      mean(curve.slice(i * width, (i + 1) * width)),
    );
  };
  const [x, y] = [smooth(a), smooth(b)];
  return mean(x.map((value, i) => Math.abs(value - (y[i] as number))));
}

const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;
