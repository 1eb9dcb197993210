// Two sets of training curves as a picture that stands alone: means over seeds in the range that the seeds span.
import { chartSvg } from '../../../report/chart.ts';
import type { Series } from '../../../report/part.ts';
import type { Curve } from './returns.ts';

/** Colours of the report, for a file of its own: light, and dark where the reader's system is. */
const style = `<style>
svg { --ink: #1d2b33; --faint: #5c6b73; --rule: #cfd8dc; --series-1: #0b6e69; --series-2: #c2570c; font-family: sans-serif }
@media (prefers-color-scheme: dark) { svg { --ink: #e6eef0; --faint: #9fb0b6; --rule: #3a474d; --series-1: #4cc2ba; --series-2: #f29b5c } }
</style>`;

export function returnsSvg(
  title: string,
  steps: number,
  ours: readonly Curve[],
  peer: readonly Curve[] | undefined,
): string {
  const peers = peer === undefined ? [] : [series('Stable-Baselines3', peer, steps)];
  const svg = chartSvg(
    {
      kind: 'chart',
      title,
      xName: 'environment steps',
      yName: 'return in training, mean and range of seeds',
      series: [series('Gimbal', ours, steps), ...peers],
    },
    { legend: true },
  );
  return svg.replace(
    /^<svg ([^>]*)>/,
    (_, attributes: string) => `<svg xmlns="http://www.w3.org/2000/svg" ${attributes}>${style}`,
  );
}

function series(name: string, curves: readonly Curve[], steps: number): Series {
  const count = curves[0]?.length ?? 0;
  const points: [number, number][] = [];
  const band: [number, number, number][] = [];
  for (let i = 0; i < count; i++) {
    const seen = curves.map((curve) => curve[i]).filter((y): y is number => typeof y === 'number');
    if (seen.length === 0) continue;
    const x = ((i + 1) * steps) / count;
    points.push([x, seen.reduce((a, b) => a + b, 0) / seen.length]);
    band.push([x, Math.min(...seen), Math.max(...seen)]);
  }
  return { name, points, band };
}
