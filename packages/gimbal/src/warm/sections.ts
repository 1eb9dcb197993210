// What the page of gimbal warm shows of its members: how they are connected, and what they learnt by heart.
import { percent } from '../cli/format.ts';
import type { ReportSection } from '../report/part.ts';
import type { LinePoint } from './exam.ts';

export const connectedSection = (line: readonly LinePoint[]): Pick<ReportSection, 'title' | 'text' | 'parts'> => ({
  title: 'Between two members',
  text: 'Accuracy on the way from the best member to the next one. Where weights in between are as good as the ends, or better, the members are connected, and their average makes sense.',
  parts: [
    {
      kind: 'chart',
      title: 'Linear mode connectivity',
      xName: 'share of the second',
      yName: 'accuracy',
      series: [
        { name: 'weights interpolated', points: line.map((p) => [p.lambda, p.wa] as const) },
        { name: 'predictions interpolated', points: line.map((p) => [p.lambda, p.ens] as const) },
        { name: 'accuracies interpolated', points: line.map((p) => [p.lambda, p.diag] as const), dashed: true },
      ],
    },
  ],
});

/** Rows that were trained on, as their labels stand. */
export interface Learnt {
  name: string;
  mean: number;
  ensemble: number;
  average: number;
}

export const memorySection = (learnt: readonly Learnt[]): Pick<ReportSection, 'title' | 'text' | 'parts'> => ({
  title: 'Learnt by heart',
  text: 'Rows that were trained on, scored by the labels they were trained with. Of labels that are wrong on purpose fewer is better.',
  parts: [
    {
      kind: 'table',
      title: 'Agreement with the labels of training',
      head: ['rows', 'mean member', 'ensemble', 'average of weights'],
      rows: learnt.map(({ name, mean, ensemble, average }) => [
        name,
        ...[mean, ensemble, average].map((x) => percent(x)),
      ]),
    },
  ],
});
