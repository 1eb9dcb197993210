// The page of a run of gimbal dpo.
import { join } from 'node:path';
import { readMetrics } from '@gimbal/tensor-core';
import { duration, figure, percent } from '../cli/format.ts';
import { metricChart } from '../report/metric-chart.ts';
import { renderReport } from '../report/render.ts';

interface DpoRun {
  run: string;
  loss: string;
  /** one number, or those of equal parts of the run */
  klCoef: number | readonly number[];
  evalLoss: number;
  evalAccuracy: number;
  pairs: number;
  /** undefined where the updates were done by an earlier process */
  seconds: number | undefined;
  backend: string;
}

/** @returns one self-contained page */
export async function dpoReport(r: DpoRun): Promise<string> {
  const rows = await readMetrics(join(r.run, 'training'));
  return renderReport({
    eyebrow: 'gimbal dpo',
    title: `${r.loss} on ${r.pairs} pairs`,
    lead: `After training, the better of two held-out answers has the larger implicit reward in ${percent(r.evalAccuracy)} of the pairs.`,
    figures: [
      {
        kind: 'figures',
        items: [
          { label: 'held-out pairs right', value: percent(r.evalAccuracy) },
          {
            label: 'held-out loss',
            value: figure(r.evalLoss),
            detail: `β ${[r.klCoef].flat().map(figure).join(', ')}`,
          },
          ...(r.seconds === undefined ? [] : [{ label: 'training', value: duration(r.seconds), detail: r.backend }]),
        ],
      },
    ],
    sections: [
      {
        title: 'Curves',
        text: 'Over updates. The implicit reward of an answer is β log π/μ: how much likelier than at the start it has become.',
        parts: [
          metricChart(rows, 'Loss', 'loss', { 'in training': 'loss', 'held out': 'evalLoss' }),
          metricChart(rows, 'Pairs right', 'share', { 'in training': 'accuracy', 'held out': 'evalAccuracy' }),
          metricChart(rows, 'Implicit rewards', 'β log π/μ', { chosen: 'rewardChosen', rejected: 'rewardRejected' }),
          metricChart(rows, 'Gradient', 'norm', { 'before clipping': 'gradNorm' }),
        ].filter(({ series }) => series.length > 0),
      },
    ],
    footer: `${r.run}, ${new Date().toISOString()}`,
  });
}
