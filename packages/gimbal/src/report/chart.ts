// A line chart as SVG text, drawn by echarts without a browser. Colours are CSS variables, so that one drawing serves
// light and dark pages.
import { createRequire } from 'node:module';
import { quantity } from '../cli/format.ts';
import type { ChartPart, Series } from './part.ts';

const require = createRequire(import.meta.url);
// Read with the first chart, since most commands draw none, and as the one built file: as ES modules it is 585 files,
// which took longer than all else that a command reads.
const echarts = (): typeof import('echarts') => require('echarts/dist/echarts.min');

const width = 520;
const height = 280;

// echarts wants colours it can parse: these stand for the page's variables and are replaced in the drawing
const ink = '#010101';
const faint = '#020202';
const rule = '#030303';
const seriesColors = ['#0a0001', '#0a0002', '#0a0003', '#0a0004', '#0a0005', '#0a0006'];
/** Colour of a line of a chart on the page, as CSS. @param i which line */
export const seriesColor = (i: number): string => `var(--series-${(i % seriesColors.length) + 1})`;
const variables: readonly (readonly [string, string])[] = [
  [ink, 'var(--ink)'],
  [faint, 'var(--faint)'],
  [rule, 'var(--rule)'],
  ...seriesColors.map((color, i) => [color, seriesColor(i)] as const),
];

/** more points than this are drawn faintly, with a running mean over them */
const noisyFrom = 60;
/** more than this add bytes and no detail at the chart's size */
const mostPoints = 400;

/**
 * @param o.legend names the lines in the drawing, for one that stands alone; a page lists them beside it, where they wrap
 * @returns an `<svg>` that takes the width it is given
 */
export function chartSvg(part: ChartPart, o: { legend?: boolean } = {}): string {
  const chart = echarts().init(null, null, { renderer: 'svg', ssr: true, width, height });
  chart.setOption({
    animation: false,
    textStyle: { fontFamily: 'inherit', color: ink },
    color: seriesColors,
    legend: o.legend
      ? {
          ...{ top: 0, left: 0, itemWidth: 18, itemHeight: 8, itemGap: 16, icon: 'roundRect' },
          textStyle: { color: ink, fontSize: 13 },
          data: part.series.map((s) => s.name),
        }
      : { show: false },
    grid: {
      left: 6,
      right: 18,
      top: o.legend ? 46 : 26,
      bottom: 24,
      outerBoundsMode: 'same',
      outerBoundsContain: 'axisLabel',
    },
    xAxis: {
      type: 'value',
      name: part.xName,
      nameLocation: 'middle',
      nameGap: 26,
      nameTextStyle: { color: faint, fontSize: 12 },
      min: 'dataMin',
      max: 'dataMax',
      axisLine: { lineStyle: { color: rule } },
      axisTick: { show: false },
      axisLabel: { color: faint, fontSize: 12, formatter: quantity, hideOverlap: true },
      splitLine: { show: false },
    },
    yAxis: {
      type: part.logY ? 'log' : 'value',
      name: part.yName,
      nameTextStyle: { color: faint, fontSize: 12, align: 'left', padding: [0, 0, 0, -6] },
      nameGap: 10,
      scale: !part.fromZero,
      axisLabel: { color: faint, fontSize: 12, formatter: quantity },
      splitLine: { lineStyle: { color: rule, type: [2, 4] } },
    },
    series: part.series.flatMap((series, i) => {
      const color = seriesColors[i % seriesColors.length] as string;
      return [...band(series, color), ...lines(series, color, part.isExact)];
    }),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  const colored = variables.reduce((text, [color, variable]) => text.replaceAll(color, variable), svg);
  return (
    colored
      .replace(/^<svg [^>]*>/, `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${label(part)}">`)
      .replace(/<rect [^>]*fill="none"[^>]*><\/rect>/, '')
      // hover styles and chart metadata: of use to echarts in a browser only
      .replace(/<style[^>]*>[\s\S]*?<\/style>/, '')
      .replace(/ (?:ecmeta_\w+|class)="[^"]*"/g, '')
  );
}

/** An invisible line with the area up to another stacked on it. */
function band({ name, band: rows }: Series, color: string): object[] {
  if (rows === undefined) return [];
  const base = { type: 'line', symbol: 'none', silent: true, stack: `${name} band`, stackStrategy: 'all' };
  const hidden = { width: 0, opacity: 0 };
  return [
    { ...base, name: `${name} low`, data: rows.map(([x, low]) => [x, low]), lineStyle: hidden },
    {
      ...base,
      name: `${name} high`,
      data: rows.map(([x, low, high]) => [x, high - low]),
      lineStyle: hidden,
      areaStyle: { color, opacity: 0.16 },
    },
  ];
}

function lines(series: Series, color: string, isExact = false): object[] {
  const points = isExact ? finite(series.points) : thin(series.points);
  const base = { type: 'line', name: series.name, symbol: 'none', silent: true };
  const style = { color, width: 2.2, ...(series.dashed ? { type: [6, 5] } : {}) };
  if (isExact || points.length < noisyFrom) {
    const symbol = points.length <= 40 ? { symbol: 'circle', symbolSize: 5, itemStyle: { color } } : {};
    return [{ ...base, ...symbol, data: points, lineStyle: style }];
  }
  return [
    { ...base, name: `${series.name} (each)`, data: points, lineStyle: { color, width: 1, opacity: 0.28 } },
    { ...base, data: runningMean(points), lineStyle: style, itemStyle: { color } },
  ];
}

/** Exponential mean over about a thirtieth of the curve, unbiased at its start. */
export function runningMean(points: readonly (readonly [number, number])[]): [number, number][] {
  const keep = 1 - 1 / Math.max(4, points.length / 30);
  let mean = 0;
  let weight = 0;
  return points.map(([x, y]) => {
    mean = keep * mean + (1 - keep) * y;
    weight = keep * weight + (1 - keep);
    return [x, mean / weight];
  });
}

const finite = (points: Series['points']): [number, number][] =>
  points.flatMap(([x, y]): [number, number][] => (Number.isFinite(x) && Number.isFinite(y) ? [[x, y]] : []));

/** Means of neighbouring points where there are more than the chart can show; infinite values are left out. */
export function thin(points: readonly (readonly [number, number])[]): [number, number][] {
  const all = finite(points);
  const group = Math.ceil(all.length / mostPoints);
  if (group <= 1) return all;
  const thinned: [number, number][] = [];
  for (let i = 0; i < all.length; i += group) {
    const some = all.slice(i, i + group);
    thinned.push([some.at(-1)?.[0] ?? 0, some.reduce((sum, [, y]) => sum + y, 0) / some.length]);
  }
  return thinned;
}

const label = (part: ChartPart): string => `${part.title}: ${part.yName} over ${part.xName}`.replaceAll('"', '');
