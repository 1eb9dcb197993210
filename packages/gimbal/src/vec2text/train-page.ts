// The page of a training: what the model writes, how it measures, how it learnt.
import type { MetricsRow } from '@gimbal/tensor-core';
import type { Vec2Text } from '@gimbal/vec2text';
import { counted } from '../cli/format.ts';
import { metricChart } from '../report/metric-chart.ts';
import type { ChartPart, TablePart } from '../report/part.ts';
import { renderReport } from '../report/render.ts';
import { type Evaluation, measureParts } from './measured.ts';
import type { Vec2TextFlags } from './options.ts';
import type { Terms } from './oracles.ts';

/** @returns html */
export function trainingPage(
  { module, stats }: Pick<Vec2Text, 'module' | 'stats'>,
  found: {
    run: string;
    objective: Vec2TextFlags['objective'];
    sentences: number;
    evaluation: Evaluation;
    tables: readonly (ChartPart | TablePart)[];
    metrics: readonly MetricsRow[];
    terms: Terms;
  },
): string {
  const { evaluation, terms, metrics } = found;
  const figure = (value: number | undefined): string => (value ?? 0).toFixed(3);
  return renderReport({
    eyebrow: 'gimbal vec2text train',
    title: `A vector space of ${counted(found.sentences, 'sentence')}`,
    lead: `${leads[found.objective]} ${module.space.dim} coordinates, space ${module.space.kind}.${terms.note === undefined ? '' : ` ${terms.note}`}`,
    figures: [
      {
        kind: 'figures',
        items: [
          { label: terms.same, value: figure(evaluation.universality.meaningMatch?.value) },
          { label: 'word for word', value: figure(evaluation.universality.exactMatch?.value) },
          {
            label: `${terms.valid}, drawn by chance`,
            value: figure(evaluation.fluency['validPrior(gaussian-fit)']?.value),
          },
        ],
      },
    ],
    sections: [
      { title: 'What it writes', parts: found.tables },
      { title: 'Measures', parts: measureParts(evaluation, stats.rms, terms) },
      {
        title: 'Learning',
        parts: [metricChart(metrics, 'Loss', 'nats a token', { 'in training': 'loss', 'held out': 'evalLoss' })].filter(
          ({ series }) => series.length > 0,
        ),
      },
    ],
    footer: `${found.run}, ${new Date().toISOString()}`,
  });
}

const leads: Readonly<Record<Vec2TextFlags['objective'], string>> = {
  ae: 'Trained to give back the sentence it reads.',
  dae: 'Trained to give back a sentence of which it reads a noisy copy.',
  rtt: 'Trained to give back a sentence of which it reads the round trip.',
  'rtt-reverse': 'Trained to write the round trip of the sentence it reads.',
  mix: 'Trained to give back a sentence of which it reads the round trip, a noisy copy, or the sentence itself.',
};
