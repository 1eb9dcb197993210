// A chart of metrics of a run over its steps.
import type { ChartPart, Series } from './part.ts';

/** @param lines metrics by the name of their line; those with fewer than two values are left out */
export function metricChart(
  rows: readonly { readonly step: number; readonly [metric: string]: unknown }[],
  title: string,
  yName: string,
  lines: Readonly<Record<string, string>>,
  xName = 'update',
): ChartPart {
  const series = Object.entries(lines).flatMap(([name, metric]): Series[] => {
    const points = rows.flatMap((row): [number, number][] => {
      const y = row[metric];
      return typeof y === 'number' ? [[row.step, y]] : [];
    });
    return points.length < 2 ? [] : [{ name, points }];
  });
  return { kind: 'chart', title, xName, yName, series };
}
