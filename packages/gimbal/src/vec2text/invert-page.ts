// The page of an inverter: what corrections gain, some sentences, how it learnt.
import { readMetrics } from '@gimbal/tensor-core';
import { counted } from '../cli/format.ts';
import { metricChart } from '../report/metric-chart.ts';
import { renderReport } from '../report/render.ts';
import type { Inversions } from './inversions.ts';

/**
 * @param o.held the sentences that were inverted
 * @param o.curves folders of the stages' metrics, by the stage's name
 * @returns html
 */
export async function inverterPage(o: {
  run: string;
  embedder: string;
  held: readonly string[];
  corrections: number;
  beams: number;
  found: Inversions;
  curves: Readonly<Record<string, string>>;
}): Promise<string> {
  const { held, found } = o;
  const charts = [];
  for (const [name, folder] of Object.entries(o.curves))
    charts.push(
      metricChart(await readMetrics(folder), `Loss of the ${name}`, 'nats a token', { 'in training': 'loss' }),
    );
  return renderReport({
    eyebrow: 'gimbal vec2text invert',
    title: `Text from the vectors of ${o.embedder}`,
    lead: `${counted(held.length, 'sentence')} that training did not see, ${counted(o.corrections, 'correction')}, ${o.beams} kept at a time.`,
    figures: [],
    sections: [
      {
        title: 'By correction',
        parts: [
          {
            kind: 'table',
            title: 'What corrections gain',
            head: ['step', 'kept at a time', 'cosine', 'exact match', 'token F1', 'BLEU'],
            rows: found.steps.map((s) => [
              String(s.step),
              String(s.beams),
              s.cosine.toFixed(4),
              s.exact.toFixed(3),
              s.f1.toFixed(3),
              s.bleu.toFixed(3),
            ]),
          },
          {
            kind: 'table',
            title: 'Some sentences',
            head: ['sentence', 'first text', 'best text'],
            rows: held
              .slice(0, 20)
              .map((text, i) => [
                text,
                { text: found.first[i]?.text as string, detail: found.first[i]?.cosine.toFixed(3) as string },
                { text: found.best[i]?.text as string, detail: found.best[i]?.cosine.toFixed(3) as string },
              ]),
          },
        ],
      },
      { title: 'Training', parts: charts.filter(({ series }) => series.length > 0) },
    ],
    footer: `${o.run}, ${new Date().toISOString()}`,
  });
}
