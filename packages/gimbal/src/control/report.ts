// The page of a control run: its return with interval, and curves over environment steps.
import type { Evaluation } from '@gimbal/fma-pg';
import { type MetricsRow, readMetrics } from '@gimbal/tensor-core';
import { counted, duration, figure } from '../cli/format.ts';
import { metricChart } from '../report/metric-chart.ts';
import type { ChartPart, ReportSection } from '../report/part.ts';
import { renderReport } from '../report/render.ts';

interface ControlRun {
  env: string;
  algo: string;
  run: string;
  result: Evaluation;
  seconds: number;
  backend: string;
  /** that it learnt nothing: a sentence */
  idle: string | undefined;
  /** how it was made */
  making: Pick<ReportSection, 'title' | 'parts'>;
}

/** @returns one self-contained page */
export async function controlReport(o: ControlRun): Promise<string> {
  const { env, algo, run, result, seconds, backend, idle, making } = o;
  const rows = await readMetrics(run);
  const [low, high] = result.ci95;
  const charts = [
    chart(rows, 'Return', 'of the episodes that ended', { 'in training': 'episodeReturn', evaluated: 'evalReturn' }),
    chart(rows, 'KL of an update', 'nats', { 'KL(p_t ‖ p_t+1)': 'finalKl', 'reverse, in the loop': 'klReverse' }),
    chart(rows, 'Clipped share', 'of the entries', { clipped: 'clipFraction', 'clamped advantages': 'clampedShare' }),
    chart(rows, 'Value fit', 'explained variance', { 'explained variance': 'explainedVariance' }),
    chart(rows, 'Losses', 'loss', { critic: 'criticLoss', actor: 'actorLoss' }),
    chart(rows, 'Entropy', 'nats', { entropy: 'entropy' }),
  ].filter((c) => c.series.length > 0);
  return renderReport({
    eyebrow: 'gimbal control train',
    title: `${algo} on ${env}`,
    lead: `${counted(result.returns.length, 'episode')} of the trained policy return ${figure(result.mean)} on average, 95 % interval ${figure(low)} to ${figure(high)}.${idle === undefined ? '' : ` But ${idle}.`}`,
    figures: [
      {
        kind: 'figures',
        items: [
          { label: 'return', value: figure(result.mean), detail: `[${figure(low)}, ${figure(high)}]` },
          { label: 'interquartile mean', value: figure(result.iqm) },
          { label: 'training', value: duration(seconds), detail: backend },
        ],
      },
    ],
    sections: [{ title: 'Curves', text: 'Over environment steps.', parts: charts }, making],
    footer: `${run}, ${new Date().toISOString()}`,
  });
}

const chart = (
  rows: readonly MetricsRow[],
  title: string,
  yName: string,
  lines: Readonly<Record<string, string>>,
): ChartPart => metricChart(rows, title, yName, lines, 'environment steps');
