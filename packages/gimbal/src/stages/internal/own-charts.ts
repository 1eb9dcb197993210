// What learning from rewards of one's own pairs led to: the reward that was optimised beside the control, over the distance
// from the start.
import { figure, percent } from '../../cli/format.ts';
import type { ReportSection, ScoreCell } from '../../report/part.ts';
import { duelsOf, overKl } from './hacking-charts.ts';
import type { OwnRlResult, OwnScores } from './own-rl.ts';

export function ownSections({ before, runs }: OwnRlResult): ReportSection[] {
  const controlled = runs.map(({ name, scores }) => `${name} ${figure(scores.control.value)}`).join(', ');
  const row = (name: string, s: OwnScores): (string | ScoreCell)[] => [
    name,
    { text: figure(s.control.value), detail: `± ${figure((s.control.high - s.control.low) / 2)}` },
    figure(s.words.value),
    percent(s.rouge1.value),
    percent(s.distinct2),
  ];
  const all = [{ name: 'before', scores: before }, ...runs];
  return [
    {
      slot: 'learning',
      title: 'Learning from your pairs',
      text: `The model learned from each reward by itself. What its answers are truly worth nobody knows; a control reward, learned from pairs that the others have not seen and never optimised, gave them ${figure(before.control.value)} before, and after learning from ${controlled} (in standard deviations of your better answers). Where the reward rises and the control does not, it is being hacked: the weights that are kept are those of the update at which the control was best.`,
      parts: [
        {
          ...overKl(runs, 'Control over KL', 'standard deviations', ({ control }) => control),
          caption: 'Where a line turns down while its reward, below, still rises, the reward is being hacked.',
        },
        overKl(runs, 'The reward that is optimised', 'standard deviations', ({ proxy }) => proxy),
        overKl(runs, 'Length', 'tokens', ({ length }) => length),
        {
          kind: 'table',
          title: 'What it did to the answers',
          caption: 'Answers to held-out prompts, sampled at T = 1. Overlap is with your better answer.',
          head: ['learned from', 'control', 'words', 'ROUGE-1', 'different pairs of words'],
          rows: [
            row('before', before),
            ...runs.map(({ name, step, scores }) => row(`${name} (update ${step})`, scores)),
          ],
        },
        duelsOf(
          all.map(({ name, scores }) => ({ name, values: scores.controls })),
          'Win rates by the control',
        ),
      ],
    },
  ];
}
