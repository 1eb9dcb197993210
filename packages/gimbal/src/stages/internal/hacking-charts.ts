// What optimising each reward led to: the reward that was optimised beside the truth, over the distance from the start.
import { figure, percent } from '../../cli/format.ts';
import type { ChartPart, ReportSection, ScoreCell, Series } from '../../report/part.ts';
import { rate } from './intervals.ts';
import type { SummaryScores } from './summary-scores.ts';

/** A step of a run. */
export interface CurvePoint {
  step: number;
  kl: number;
  /** what is optimised, standardised where it is a reward model's */
  proxy: number;
  /** r* */
  quality: number;
  /** share */
  entailed: number;
  length: number;
}

export interface RewardRun {
  /** in the report */
  name: string;
  /** model folder, see `modelFolder` */
  model: string;
  /** whose weights are kept: the best by the world */
  step: number;
  /** of all that were asked for */
  steps: number;
  curve: CurvePoint[];
  scores: SummaryScores;
}

export interface RlRewardsResult {
  before: SummaryScores;
  runs: RewardRun[];
}

const window = 9;

export function hackingSections(r: RlRewardsResult): ReportSection[] {
  const finals = r.runs.map(({ name, scores }) => `${name} ${percent(scores.entailed.value)}`).join(', ');
  return [
    {
      slot: 'learning',
      title: 'Learning from rewards',
      text: `The fine-tuned model learned from each reward by itself. Of its sampled summaries ${percent(r.before.entailed.value)} were entailed; after learning from ${finals}. A reward is hacked where it rises and the truth, which is never optimised, does not: the weights that are kept are those of the update at which the truth was best.`,
      parts: [
        truth(r.runs),
        overKl(r.runs, 'Truly entailed', 'share', ({ entailed }) => entailed),
        overKl(r.runs, 'The reward that is optimised', 'each in its own unit', ({ proxy }) => proxy),
        overKl(r.runs, 'Length', 'tokens', ({ length }) => length),
        prices(r),
        duelsOf(
          [{ name: 'references only', scores: r.before }, ...r.runs].map(({ name, scores }) => ({
            name,
            values: scores.qualities,
          })),
          'Win rates by the world',
        ),
      ],
    },
  ];
}

function truth(runs: readonly RewardRun[]): ChartPart {
  return {
    ...overKl(runs, 'Truth over KL', 'quality r*', ({ quality }) => quality),
    caption: 'Where a line turns down while its reward, below, still rises, the reward is being hacked.',
  };
}

/** Over KL, each point the mean of its neighbours. */
export function overKl<P extends { kl: number }>(
  runs: readonly { name: string; curve: readonly P[] }[],
  title: string,
  yName: string,
  of: (point: P) => number,
): ChartPart {
  const series = runs.map(({ name, curve }): Series => {
    const near = (i: number, f: (point: P) => number): number => {
      const some = curve.slice(Math.max(0, i - (window >> 1)), i + (window >> 1) + 1).map(f);
      return some.reduce((a, b) => a + b, 0) / some.length;
    };
    const points = curve.map((_, i): [number, number] => [near(i, ({ kl }) => kl), near(i, of)]);
    return { name, points: points.sort((a, b) => a[0] - b[0]) };
  });
  return { kind: 'chart', title, xName: 'KL to the fine-tuned model, nats a completion', yName, series };
}

function prices({ before, runs }: RlRewardsResult): ReportSection['parts'][number] {
  const row = (name: string, s: SummaryScores): (string | ScoreCell)[] => [
    name,
    {
      text: percent(s.entailed.value),
      detail: `${(100 * s.entailed.low).toFixed(1)} to ${(100 * s.entailed.high).toFixed(1)} %`,
      share: s.entailed.value,
    },
    { text: figure(s.quality.value), detail: `± ${figure((s.quality.high - s.quality.low) / 2)}` },
    percent(s.rouge1.value),
    percent(s.coverage.value),
    figure(s.density.value),
    figure(s.words.value),
  ];
  return {
    kind: 'table',
    title: 'What faithfulness costs',
    caption:
      'Summaries sampled at T = 1. References are often false, so that overlap with them may fall as truth rises.',
    head: ['learned from', 'entailed', 'quality', 'ROUGE-1', 'coverage', 'density', 'words'],
    rows: [
      row('references only', before),
      ...runs.map(({ name, step, scores }) => row(`${name} (update ${step})`, scores)),
    ],
  };
}

/** How often the row's completion is better than the column's of the same prompt; ties half. */
export function duelsOf(
  all: readonly { name: string; values: readonly number[] }[],
  title: string,
): ReportSection['parts'][number] {
  const cell = (a: readonly number[], b: readonly number[]): ScoreCell => {
    const hits = a.reduce((sum, q, i) => {
      const other = b[i] as number;
      return sum + (q > other ? 1 : q === other ? 0.5 : 0);
    }, 0);
    const { value, low, high } = rate(hits, a.length);
    return { text: percent(value), detail: `${(100 * low).toFixed(0)} to ${(100 * high).toFixed(0)} %`, share: value };
  };
  return {
    kind: 'table',
    title,
    caption: 'How often the completion of the row is better than that of the column, ties half.',
    head: ['', ...all.map(({ name }) => name)],
    rows: all.map((a) => [a.name, ...all.map((b) => (a === b ? '' : cell(a.values, b.values)))]),
  };
}
