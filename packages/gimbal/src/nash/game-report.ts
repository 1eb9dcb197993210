// The page of a solved game: its strategies, how the solver came there, and the matrix.
import type { ReportPart, ReportSection, Series } from '../report/part.ts';
import { type GameResult, strategiesOf } from './game-result.ts';

/** lines in one chart that can still be told apart */
const mostLines = 6;
/** responses in a table that can still be read */
const mostRows = 40;

export function gameSections(r: GameResult): Pick<ReportSection, 'title' | 'text' | 'parts'>[] {
  const shown = [...r.labels.keys()].sort((a, b) => (r.policy[b] as number) - (r.policy[a] as number));
  return [
    { title: 'On the way', parts: [strategyChart(r, shown.slice(0, mostLines)), gapChart(r)] },
    { title: 'Strategies', parts: [strategyTable(r, shown)] },
    ...(r.labels.length <= 12 ? [{ title: 'Preferences', parts: [matrixTable(r)] }] : []),
  ];
}

function strategyChart(r: GameResult, shown: readonly number[]): ReportPart {
  const lines = shown.map(
    (i): Series => ({
      name: r.labels[i] as string,
      points: r.curve.map(({ t, policy }) => [t, policy[i] as number]),
    }),
  );
  const caption =
    lines.length < r.labels.length ? `The ${lines.length} likeliest of ${r.labels.length} responses.` : undefined;
  return {
    kind: 'chart',
    title: 'Probability of each response',
    xName: 'step',
    yName: 'probability',
    fromZero: true,
    series: lines,
    ...(caption !== undefined && { caption }),
  };
}

function gapChart(r: GameResult): ReportPart {
  // 0 has no logarithm; rounding may give −1e−15
  const positive = (of: (row: GameResult['curve'][number]) => number | undefined): [number, number][] =>
    r.curve.flatMap((row): [number, number][] => {
      const y = of(row);
      return y !== undefined && y > 1e-16 ? [[row.t, y]] : [];
    });
  return {
    kind: 'chart',
    title: 'Distance from equilibrium',
    caption:
      'The duality gap is of the regularised game, 0 at its equilibrium; exploitability is of the preferences alone.',
    xName: 'step',
    yName: 'distance',
    logY: true,
    series: [
      { name: 'duality gap', points: positive(({ gap }) => gap) },
      { name: 'exploitability', points: positive(({ exploitability }) => exploitability), dashed: true },
      { name: 'KL from the equilibrium', points: positive(({ klToExact }) => klToExact) },
    ].filter(({ points }) => points.length > 0),
  };
}

function strategyTable(r: GameResult, shown: readonly number[]): ReportPart {
  const cell = (p: number) => ({ text: p.toFixed(4), share: p });
  const strategies = strategiesOf(r);
  return {
    kind: 'table',
    title: 'Who is played how often',
    ...(shown.length > mostRows && { caption: `The ${mostRows} likeliest of ${shown.length}.` }),
    head: ['response', ...strategies.map(({ name }) => name)],
    rows: shown
      .slice(0, mostRows)
      .map((i) => [r.labels[i] as string, ...strategies.map(({ shares }) => cell(shares[i] as number))]),
  };
}

const matrixTable = (r: GameResult): ReportPart => ({
  kind: 'table',
  title: 'P(row ≻ column)',
  head: ['', ...r.labels],
  rows: r.labels.map((label, i) => [
    label,
    ...(r.preferences[i] as readonly number[]).map((p) => ({ text: p.toFixed(3), share: p })),
  ]),
});
