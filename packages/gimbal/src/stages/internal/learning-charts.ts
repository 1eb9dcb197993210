// The curves of a training stage for the report.
import type { ChartPart, ReportSection } from '../../report/part.ts';
import { overfitting, type TrainingResult } from './train-model.ts';

type Metrics = readonly { step: number; [name: string]: unknown }[];

/** Loss, speed and memory over the steps; where the model was best before the end, that is said. */
export function learningCharts(title: string, metrics: Metrics, training: TrainingResult): ReportSection {
  const told = overfitting(training);
  const curve = (name: string, scale = 1): (readonly [number, number])[] =>
    metrics.flatMap((m) => (typeof m[name] === 'number' ? [[m.step, scale * m[name]] as const] : []));
  const common = { kind: 'chart', xName: 'step' } as const;
  const parts: ChartPart[] = [
    {
      ...common,
      title: `${title}: loss`,
      yName: 'nats a token',
      ...(told === undefined ? {} : { caption: `${told.charAt(0).toUpperCase()}${told.slice(1)}.` }),
      series: [
        { name: 'training', points: curve('loss') },
        { name: 'held out', points: curve('evalLoss') },
      ],
    },
    {
      ...common,
      title: `${title}: speed and memory`,
      yName: 'thousand tokens a second, MB',
      fromZero: true,
      series: [
        { name: 'tokens/s (k)', points: curve('tokensPerSecond', 1e-3) },
        { name: 'tensors (MB)', points: curve('memoryBytes', 1e-6) },
      ],
    },
  ];
  return { slot: 'learning', title: 'How it learned', parts };
}
