// The page of a table's run: its return after each outer step, exactly, and the end of it by itself.
import type { TabularMethod } from '@gimbal/fma-pg';
import { figure } from '../cli/format.ts';
import type { ChartPart, ReportSection } from '../report/part.ts';
import { renderReport } from '../report/render.ts';

interface TabularRun {
  env: string;
  method: TabularMethod;
  /** the inner loop, in words */
  inner: string;
  eta: number | undefined;
  /** J of the policy before each outer step; the last is the run's */
  returns: readonly number[];
  best: number;
  /** smallest change of the return in one outer step */
  smallest: number;
  /** whether the return ever fell, and where it ended */
  verdict: string;
  run: string;
  making: Pick<ReportSection, 'title' | 'parts'>;
}

/** @returns one self-contained page */
export function tabularReport(o: TabularRun): string {
  const { env, method, inner, eta, returns, best, smallest, verdict } = o;
  const [first, last] = [returns[0] as number, returns.at(-1) as number];
  return renderReport({
    eyebrow: 'gimbal control train',
    title: `${method} on ${env}, exactly`,
    lead: `From ${figure(first)} to ${figure(last)} of at best ${figure(best)} in ${returns.length - 1} outer steps, ${inner}. ${verdict}`,
    figures: [
      {
        kind: 'figures',
        items: [
          { label: 'return', value: figure(last), detail: `from ${figure(first)}` },
          { label: 'best there is', value: figure(best), detail: 'by policy iteration' },
          { label: 'smallest change of the return', value: figure(smallest), detail: 'of all outer steps' },
          ...(eta === undefined ? [] : [{ label: 'η', value: figure(eta) }]),
        ],
      },
    ],
    sections: [
      {
        title: 'Return',
        text: 'Exact, of the policy before each outer step.',
        parts: returnCharts(method, returns, best),
      },
      o.making,
    ],
    footer: `${o.run}, ${new Date().toISOString()}`,
  });
}

/** All of it; and where the way up hides what came after, that alone. */
export function returnCharts(method: string, returns: readonly number[], best: number): ChartPart[] {
  const points = returns.map((J, step): [number, number] => [step, J]);
  const chart = (title: string, shown: readonly [number, number][]): ChartPart => ({
    ...{ kind: 'chart', title, xName: 'outer step', yName: 'return', isExact: true },
    series: [
      { name: method, points: shown },
      {
        name: 'best there is',
        points: [shown[0], shown.at(-1)].map((point): [number, number] => [point?.[0] ?? 0, best]),
        dashed: true,
      },
    ],
  });
  // from where less than a hundredth of the whole way was left for good
  const most = Math.max(...returns);
  const band = 0.01 * (most - Math.min(...returns));
  const from = points.findLastIndex(([, J]) => J < most - band) + 1;
  const rest = points.slice(from);
  const all = chart('Return', points);
  return from === 0 || rest.length < 3 ? [all] : [all, chart(`Return from step ${from}`, rest)];
}
