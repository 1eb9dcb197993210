// All four properties of a model, and the page's parts that show them.
import type { MeasuredRow, MeasureOptions, Measures, Vec2Text } from '@gimbal/vec2text';
import type { Output } from '../cli/output.ts';
import type { ChartPart, TablePart } from '../report/part.ts';
import { languageTerms, type Terms } from './oracles.ts';

/** The properties, in the paper's order. */
export const properties = ['universality', 'fluency', 'diversity', 'semanticStructure'] as const;

/** Measures by property. */
export type Evaluation = Readonly<Record<(typeof properties)[number], Measures>>;

/** Measures a model; says which property it is at. */
export async function measureModel<M>(
  model: Vec2Text,
  rows: readonly MeasuredRow[],
  o: MeasureOptions<M>,
  output: Output,
): Promise<Evaluation> {
  const measurers = await import('@gimbal/vec2text');
  const found: Partial<Record<keyof Evaluation, Measures>> = {};
  for (const name of properties) {
    if (output.live) output.status(`measuring ${titles[name].toLowerCase()}`);
    found[name] = await measurers[name](model, rows, o);
  }
  return found as Evaluation;
}

const titles: Readonly<Record<keyof Evaluation, string>> = {
  universality: 'Universality',
  fluency: 'Fluency',
  diversity: 'Diversity',
  semanticStructure: 'Semantic structure',
};

/** All charts and tables of the measures. */
export const measureParts = (evaluation: Evaluation, rms: number, terms: Terms): (ChartPart | TablePart)[] => [
  ...lengthCharts(evaluation, terms),
  noiseChart(evaluation, rms, terms),
  ...measureTables(evaluation),
];

/** A table a property. */
const measureTables = (evaluation: Evaluation): TablePart[] =>
  properties.map((name) => ({
    kind: 'table',
    title: titles[name],
    head: ['measure', 'value', '95 %', 'rows'],
    rows: Object.entries(evaluation[name]).map(([measure, { value, ci, n }]) => [
      measure,
      { text: value.toFixed(3), ...(value >= 0 && value <= 1 && { share: value }) },
      `${ci[0].toFixed(3)} to ${ci[1].toFixed(3)}`,
      String(n),
    ]),
  }));

/** What comes back of sentences of a length, where rows were measured by it. */
function lengthCharts({ universality }: Evaluation, terms: Terms): ChartPart[] {
  const line = (name: string, measure: string) => {
    const points = Object.entries(universality).flatMap(([key, { value, ci }]): [number, number, number, number][] => {
      const found = new RegExp(`^${measure}\\((\\d+)(?: to (\\d+))? words\\)$`).exec(key);
      if (found === null) return [];
      const [low, high] = [Number(found[1]), Number(found[2] ?? found[1])];
      return [[(low + high) / 2, value, ci[0], ci[1]]];
    });
    points.sort(([a], [b]) => a - b);
    return {
      name,
      points: points.map(([x, y]): [number, number] => [x, y]),
      band: points.map(([x, , low, high]): [number, number, number] => [x, low, high]),
    };
  };
  const series = [
    line('word for word', 'exactMatch'),
    line(terms.same, 'meaningMatch'),
    line('F1 of words', 'tokenF1'),
  ];
  if (series.some(({ points }) => points.length < 2)) return [];
  return [
    {
      kind: 'chart',
      title: 'What comes back of short sentences, and of long ones',
      xName: 'words',
      yName: 'share',
      series,
      fromZero: true,
    },
  ];
}

/** What noise does, as curves with their intervals. */
function noiseChart(evaluation: Evaluation, rms: number, terms: Terms = languageTerms): ChartPart {
  const line = (name: string, measures: Measures, prefix: string) => {
    const points = Object.entries(measures).flatMap(([key, { value, ci }]): [number, number, number, number][] => {
      const scale = new RegExp(`^${prefix}\\((.+)\\)$`).exec(key)?.[1];
      return scale === undefined ? [] : [[Number(scale), value, ci[0], ci[1]]];
    });
    return {
      name,
      points: points.map(([x, y]): [number, number] => [x, y]),
      band: points.map(([x, , low, high]): [number, number, number] => [x, low, high]),
    };
  };
  const series = [
    line(terms.valid, evaluation.fluency, 'validAt'),
    line(terms.agree, evaluation.semanticStructure, 'robustSlots'),
    line(terms.same, evaluation.semanticStructure, 'robustMeaning'),
  ].filter(({ points }) => points.length > 1);
  return {
    kind: 'chart',
    title: 'What noise does to the text of a vector',
    caption: `Noise in units of the spread of this model's vectors: 1 is ${rms.toFixed(3)}.`,
    xName: 'noise, root mean squares',
    yName: 'share',
    series,
    fromZero: true,
  };
}

/** Prints the measures for a person. */
export function sayMeasures(evaluation: Evaluation, output: Output, { note }: Terms): void {
  if (note !== undefined) output.line(note);
  for (const name of properties) {
    output.line(output.colors.bold(titles[name]));
    for (const [measure, { value, ci }] of Object.entries(evaluation[name]))
      output.line(`  ${measure.padEnd(32)} ${value.toFixed(3)}  [${ci[0].toFixed(3)}, ${ci[1].toFixed(3)}]`);
  }
}
