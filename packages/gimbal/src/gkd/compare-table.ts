// The table that a distillation ends with, and its part of a page.
import { bytes, figure, percent } from '../cli/format.ts';
import type { ChartPart, SamplesPart, TablePart } from '../report/part.ts';
import type { Judged } from './judge-models.ts';

const head = ['', 'size', 'tokens/s', 'score', 'KL(p‖q)', 'KL(q‖p)', 'accepted as drafts'];

/** – where a teacher of other tokens does not tell. */
const known = (n: number): string => (Number.isNaN(n) ? '–' : figure(n));

const cells = (j: Judged): string[] => [
  j.name,
  bytes(j.bytes),
  figure(j.tokensPerSecond),
  j.score === undefined ? '–' : figure(j.score),
  known(j.fkl),
  known(j.rkl),
  percent(j.acceptance),
];

/** For the terminal: with the name of the score. */
export const compareLines = (all: readonly Judged[], scoreName: string | undefined): [string[], string[][]] => [
  head.map((name) => (name === 'score' && scoreName !== undefined ? scoreName : name)),
  all.map(cells),
];

/** For a report. */
export function compareTable(all: readonly Judged[], scoreName: string | undefined, prompts: number): TablePart {
  const [names, rows] = compareLines(all, scoreName);
  return {
    kind: 'table',
    title: 'Teacher and students',
    caption: `On ${prompts} held-out prompts. Tokens a second and ${scoreName ?? 'score'} of greedy completions; the divergences, teacher p against model q, on what each model samples itself, in nats a token${
      all.some(({ fkl }) => Number.isNaN(fkl))
        ? ' (of other tokenizers KL(q‖p) alone is known, from the log-probabilities of what was sampled)'
        : ''
    }; the share of its tokens that the teacher would accept as a draft is Σ min(p, q).`,
    head: names,
    rows,
  };
}

/** Where in a completion a student leaves the teacher. */
export const positionChart = (all: readonly Judged[]): ChartPart => ({
  kind: 'chart',
  title: 'Divergence by place in the completion',
  caption: 'KL(q‖p) on the model’s own samples: a line that rises is a student that loses its way.',
  xName: 'token',
  yName: 'nats',
  fromZero: true,
  series: all
    .filter((j) => j.byPosition.length > 1)
    .map((j) => ({ name: j.name, points: j.byPosition.map((y, t): [number, number] => [t + 1, y]) })),
});

/** What each writes. */
export const judgedSamples = (all: readonly Judged[], prompts: readonly string[], most = 6): SamplesPart => ({
  kind: 'samples',
  title: '',
  samples: prompts.slice(0, most).map((prompt, i) => ({
    prompt,
    versions: all.map((j) => ({ name: j.name, spans: [{ text: j.completions[i] ?? '' }] })),
  })),
});
