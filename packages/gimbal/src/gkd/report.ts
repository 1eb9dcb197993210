// The page of a distillation: the table, curves over the steps, divergence by place, what each model writes.
import { join } from 'node:path';
import { readMetrics } from '@gimbal/tensor-core';
import { bytes, duration, figure, percent } from '../cli/format.ts';
import { metricChart } from '../report/metric-chart.ts';
import type { ChartPart } from '../report/part.ts';
import { renderReport } from '../report/render.ts';
import { compareTable, judgedSamples, positionChart } from './compare-table.ts';
import type { Judged } from './judge-models.ts';

interface GkdRun {
  run: string;
  title: string;
  steps: number;
  judged: readonly Judged[];
  /** the student before, after */
  before: Judged;
  after: Judged;
  scoreName: string | undefined;
  prompts: readonly string[];
  seconds: number;
  backend: string;
}

type Row = { step: number; [name: string]: unknown };

/** @returns one self-contained page */
export async function gkdReport(r: GkdRun): Promise<string> {
  const rows = (await readMetrics(join(r.run, 'training'))) as Row[];
  const { before, after } = r;
  const change = (a: string, b: string): string => `${a} → ${b}`;
  // a teacher of other tokens has no such share
  const told = !Number.isNaN(after.acceptance);
  const accepts = told
    ? `the teacher would accept ${percent(after.acceptance)} of the student’s tokens, ${percent(before.acceptance)} before; `
    : '';
  return renderReport({
    eyebrow: 'gimbal gkd',
    title: r.title,
    lead: `On ${r.prompts.length} held-out prompts ${accepts}KL(q‖p) went from ${figure(before.rkl)} to ${figure(after.rkl)} nats a token, in ${r.steps} steps.`,
    figures: [
      {
        kind: 'figures',
        items: [
          ...(told
            ? [{ label: 'accepted as drafts', value: change(percent(before.acceptance), percent(after.acceptance)) }]
            : []),
          { label: 'KL to the teacher', value: change(figure(before.rkl), figure(after.rkl)), detail: 'nats a token' },
          ...(after.score === undefined || before.score === undefined
            ? []
            : [{ label: r.scoreName ?? 'score', value: change(figure(before.score), figure(after.score)) }]),
          { label: 'size', value: bytes((r.judged.at(-1) ?? after).bytes), detail: r.judged.at(-1)?.name ?? '' },
          { label: 'training', value: duration(r.seconds), detail: r.backend },
        ],
      },
    ],
    sections: [
      { title: 'What it came to', text: '', parts: [compareTable(r.judged, r.scoreName, r.prompts.length)] },
      { title: 'What they write', text: 'Greedy completions.', parts: [judgedSamples(r.judged, r.prompts)] },
      { title: 'Curves', text: 'Over the steps.', parts: [positionChart(r.judged), ...gkdCharts(rows)] },
    ],
    footer: `${r.run}, ${new Date().toISOString()}`,
  });
}

/** Loss, divergences, acceptance, entropy, length, reward over the steps. */
export function gkdCharts(rows: readonly Row[]): ChartPart[] {
  const chart = (title: string, yName: string, lines: Readonly<Record<string, string>>): ChartPart =>
    metricChart(rows, title, yName, lines, 'step');
  return [
    chart('Loss', 'of a step', { loss: 'loss' }),
    chart('Divergences', 'nats a token', { 'KL(p‖q)': 'fkl', 'KL(q‖p)': 'rkl' }),
    chart('Accepted as drafts', 'share of the tokens', { accepted: 'acceptance' }),
    chart('What the teacher thinks of the completions', 'nats a token', { 'log p': 'teacherLogProb' }),
    chart('Entropy', 'nats a token', { 'of the student': 'studentEntropy' }),
    chart('Reward', 'mean of a step', { reward: 'reward' }),
    chart('Length and endings', '', { tokens: 'meanLength', ended: 'eosRate' }),
  ].filter(({ series }) => series.length > 0);
}
