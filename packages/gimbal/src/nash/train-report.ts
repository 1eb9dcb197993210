// The page of a run of gimbal nash-md on a model.
import { join } from 'node:path';
import { readMetrics } from '@gimbal/tensor-core';
import { duration, percent } from '../cli/format.ts';
import { metricChart } from '../report/metric-chart.ts';
import { renderReport } from '../report/render.ts';
import { points } from './points.ts';

interface NashRun {
  run: string;
  objective: string;
  /** wins of the trained policy against the start, with its interval */
  rate: number;
  low: number;
  high: number;
  /** the same against the model that it is a best response to */
  against?: { name: string; value: number; low: number; high: number };
  orderBias: number;
  samples: readonly { prompt: string; start: string; trained: string }[];
  seconds: number;
  backend: string;
}

/** @returns one self-contained page */
export async function trainReport(r: NashRun): Promise<string> {
  const rows = await readMetrics(join(r.run, 'training'));
  return renderReport({
    eyebrow: 'gimbal nash-md',
    title: r.against === undefined ? 'Learned from preferences' : 'A best response',
    lead: `What was trained is preferred to the model it started from in ${percent(r.rate)} of the comparisons, 95 % interval ${percent(r.low)} to ${percent(r.high)}.`,
    figures: [
      {
        kind: 'figures',
        items: [
          {
            label: 'wins against the start',
            value: percent(r.rate),
            detail: `[${percent(r.low)}, ${percent(r.high)}]`,
          },
          ...(r.against === undefined
            ? []
            : [
                {
                  label: `wins against ${r.against.name}`,
                  value: percent(r.against.value),
                  detail: `[${percent(r.against.low)}, ${percent(r.against.high)}]; above one half it is exploitable`,
                },
              ]),
          { label: 'order bias', value: points(r.orderBias), detail: 'of the preference, by who is shown first' },
          { label: 'training', value: duration(r.seconds), detail: r.backend },
        ],
      },
    ],
    sections: [
      {
        title: 'What it writes',
        parts: [
          {
            kind: 'samples',
            title: 'Held-out prompts',
            samples: r.samples.map(({ prompt, start, trained }) => ({
              prompt,
              versions: [
                { name: 'start', spans: [{ text: start }] },
                { name: 'trained', spans: [{ text: trained }] },
              ],
            })),
          },
        ],
      },
      {
        title: 'Curves',
        text: `Over updates of ${r.objective}.`,
        parts: [
          metricChart(rows, 'Wins', 'share', { 'against the opponent': 'winRate' }),
          metricChart(rows, 'KL from the reference', 'nats', { 'of a completion': 'kl' }),
          metricChart(rows, 'Completions', 'tokens', { length: 'length' }),
          metricChart(rows, 'Entropy', 'nats a token', { entropy: 'entropy' }),
          metricChart(rows, 'Gradient', 'norm', { 'before clipping': 'gradNorm' }),
          metricChart(rows, 'Ended by themselves', 'share', { ended: 'eosRate' }),
        ].filter(({ series }) => series.length > 0),
      },
    ],
    footer: `${r.run}, ${new Date().toISOString()}`,
  });
}
