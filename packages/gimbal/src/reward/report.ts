// The page of gimbal reward and gimbal warm: accuracy on held-out rows, and curves.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Share } from '@gimbal/reward-models';
import { readMetrics, writeFileAtomic } from '@gimbal/tensor-core';
import { counted, percent } from '../cli/format.ts';
import { metricChart } from '../report/metric-chart.ts';
import type { FiguresPart } from '../report/part.ts';
import { renderReport } from '../report/render.ts';

interface RewardPage {
  eyebrow: string;
  run: string;
  title: string;
  /** on rows that training did not see, by name */
  accuracy: Readonly<Record<string, Share>>;
  /** more figures beside the accuracies */
  figures?: FiguresPart['items'];
  /** what more there is to show, before the curves */
  sections?: Parameters<typeof renderReport>[0]['sections'];
  /** folders with metrics to draw, by the name of their curve */
  curves: Readonly<Record<string, string>>;
}

/** Writes report.html into the run. @returns its path */
export async function writeRewardReport(r: RewardPage): Promise<string> {
  const [name = 'all', first] = Object.entries(r.accuracy)[0] ?? [];
  const sections = [...(r.sections ?? [])];
  for (const [title, folder] of Object.entries(r.curves)) {
    if (!existsSync(folder)) continue;
    const rows = await readMetrics(folder);
    const parts = [
      metricChart(rows, 'Loss', 'nats', { 'in training': 'loss', 'held out': 'evalLoss' }),
      metricChart(rows, 'Accuracy', 'share', { 'in training': 'accuracy', 'held out': 'evalAccuracy' }),
    ].filter(({ series }) => series.length > 0);
    if (parts.length > 0) sections.push({ title, text: 'Over updates.', parts });
  }
  const path = join(r.run, 'report.html');
  const page = renderReport({
    eyebrow: r.eyebrow,
    title: r.title,
    lead:
      first === undefined
        ? 'Nothing was held out.'
        : `It is right on ${percent(first.value)} of ${counted(first.n, 'held-out row')} (${name}), 95 % interval ${percent(first.ci95[0])} to ${percent(first.ci95[1])}.`,
    figures: [
      {
        kind: 'figures',
        items: [
          ...Object.entries(r.accuracy).map(([label, { value, ci95, n }]) => ({
            label: label === 'all' ? 'accuracy' : label,
            value: percent(value),
            detail: `${percent(ci95[0])} to ${percent(ci95[1])}, ${counted(n, 'row')}`,
          })),
          ...(r.figures ?? []),
        ],
      },
    ],
    sections,
    footer: `${r.run}, ${new Date().toISOString()}`,
  });
  await writeFileAtomic(path, page);
  return path;
}
