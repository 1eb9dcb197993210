// The page of a run of reinforcement learning: reward before and after, curves over steps, what it writes.
import { join } from 'node:path';
import { readMetrics } from '@gimbal/tensor-core';
import { counted, duration, figure, percent } from '../cli/format.ts';
import { metricChart } from '../report/metric-chart.ts';
import type { ChartPart, SamplesPart } from '../report/part.ts';
import { renderReport } from '../report/render.ts';
import type { Estimate } from '../stages/internal/intervals.ts';
import { klFigure } from './findings.ts';
import { type Making, makingSection } from './making.ts';
import type { RlSettings } from './train-policy.ts';
import { type Watched, watchSection } from './watch.ts';

interface Written {
  text: string;
  reward: number | null;
}

interface RlRun {
  eyebrow: string;
  run: string;
  settings: RlSettings;
  rewards: readonly string[];
  was: Estimate;
  is: Estimate;
  /** what else is to be said of the change, in sentences */
  found: readonly string[];
  /** of held-out prompts, with the reward of each text: null where none judged it */
  samples: readonly { prompt: string; before: Written; after: Written }[];
  seconds: number;
  backend: string;
  /** command and settings */
  making: Making;
  /** what a monitor saw */
  watched?: readonly Watched[];
}

type Row = { step: number; [name: string]: unknown };

/** @returns one self-contained page */
export async function rlReport(r: RlRun): Promise<string> {
  const rows = await readMetrics(join(r.run, 'training'));
  const last = rows.at(-1) as Row | undefined;
  const number = (name: string): number => (typeof last?.[name] === 'number' ? (last[name] as number) : Number.NaN);
  const missing = rows.flatMap((row) => (typeof row.unrewarded === 'number' ? [row.unrewarded] : []));
  const unrewarded = missing.reduce((sum, share) => sum + share, 0) / Math.max(1, missing.length);
  const interval = ({ low, high }: Estimate): string => `[${figure(low)}, ${figure(high)}]`;
  return renderReport({
    eyebrow: r.eyebrow,
    title: `${r.settings.preset} on ${r.rewards.join(' + ')}`,
    lead: `The reward of ${counted(r.is.n, 'held-out prompt')} went from ${figure(r.was.value)} to ${figure(r.is.value)}, 95 % interval ${interval(r.is)}, in ${r.settings.steps} steps of ${r.settings.batchSize} completions.${r.found.map((told) => ` ${told}.`).join('')} Completions are sampled at temperature ${r.settings.temperature}.`,
    figures: [
      {
        kind: 'figures',
        items: [
          { label: 'reward before', value: figure(r.was.value), detail: interval(r.was) },
          { label: 'reward after', value: figure(r.is.value), detail: interval(r.is) },
          { label: 'KL to the start', value: klFigure(number('kl')), detail: 'nats a completion' },
          { label: 'clipped share', value: percent(number('clipFraction')), detail: 'of the tokens' },
          ...(unrewarded > 0
            ? [{ label: 'without a reward', value: percent(unrewarded), detail: 'of the sampled completions' }]
            : []),
          { label: 'training', value: duration(r.seconds), detail: r.backend },
        ],
      },
    ],
    sections: [
      {
        title: 'What it writes',
        text: `Completions of held-out prompts, sampled at temperature ${r.settings.temperature}.`,
        parts: [samplesPart(r.samples)],
      },
      ...(r.watched ? [watchSection(r.watched, rows as Row[])] : []),
      { title: 'Curves', text: 'Over the steps.', parts: rlCharts(rows, r.rewards) },
      makingSection(r.making),
    ],
    footer: `${r.run}, ${new Date().toISOString()}`,
  });
}

/** Reward, KL, clipped share, length and entropy over the steps. */
export function rlCharts(rows: readonly Row[], rewards: readonly string[]): ChartPart[] {
  const chart = (title: string, yName: string, lines: Readonly<Record<string, string>>): ChartPart =>
    metricChart(rows, title, yName, lines, 'step');
  const parts = rewards.length < 2 ? {} : Object.fromEntries(rewards.map((name) => [name, `reward_${name}`]));
  return [
    chart('Reward', 'mean of a step', { reward: 'reward', ...parts }),
    chart('Reward of the prompts that the step is chosen on', 'mean', { reward: 'evalReward' }),
    chart('KL', 'nats a completion', { 'to the model as it was': 'kl' }),
    chart('Clipped share', 'of the tokens', {
      clipped: 'clipFraction',
      // of surrogates that raise the lowest
      ...(rows.some(({ clampedShare }) => (clampedShare as number) > 0) && { 'clamped advantages': 'clampedShare' }),
    }),
    chart('Length', 'tokens', { 'of a completion': 'length' }),
    chart('Endings and flat groups', 'share', {
      'without an end': 'missingEosRate',
      'groups of equal rewards': 'flatGroups',
    }),
    chart('Entropy', 'nats a token', { entropy: 'entropy' }),
  ].filter(({ series }) => series.length > 0);
}

const samplesPart = (samples: RlRun['samples']): SamplesPart => ({
  kind: 'samples',
  title: '',
  samples: samples.map(({ prompt, before, after }) => ({
    prompt,
    versions: [
      { name: `before${rewardOf(before)}`, spans: [{ text: before.text }] },
      { name: `after${rewardOf(after)}`, spans: [{ text: after.text }] },
    ],
  })),
});

const rewardOf = ({ reward }: Written): string => (reward === null ? ', no reward' : `, reward ${figure(reward)}`);
