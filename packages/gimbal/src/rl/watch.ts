// A run that is watched: a second reward that is never optimised. What it saw is kept beside the run, so that a run that is
// gone on with remembers its best, and the report shows where the two parted; beside it lie the weights of the best look.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HackingLook } from '@gimbal/reward-models';
import {
  type Alert,
  CheckpointError,
  loadCheckpoint,
  type Monitor,
  type Params,
  type RewardFn,
  saveCheckpoint,
  writeFileAtomic,
} from '@gimbal/tensor-core';
import { figure } from '../cli/format.ts';
import { packageVersion } from '../cli/version.ts';
import { metricChart } from '../report/metric-chart.ts';
import type { ReportSection } from '../report/part.ts';
import { checkWithoutAnswers, openSum } from './reward.ts';

/** A look, and what was alarming about it. */
export interface Watched extends HackingLook {
  readonly alerts: readonly Alert[];
}

export interface Watch {
  readonly monitor: Monitor;
  /** so far, in order */
  readonly seen: readonly Watched[];
  /** Whose weights the completions are drawn with: they are kept where the control is best. Asked for before each look. */
  follow(params: () => Params): void;
  /** Told of each step that is done. */
  onStep(step: { readonly kl: number }): void;
  /** Whether the run was stopped when so many steps were done, and so is not gone on with. */
  endedAt(steps: number): boolean;
  /** The weights at which the control was best, after `step` updates; the caller disposes them. Undefined if it judged nothing. */
  bestParams(note: (text: string) => void): Promise<{ step: number; params: Params } | undefined>;
}

/** The rewards of `--monitor`. @throws ConfigError for what is none, or needs columns of the rows */
export function checkMonitor(texts: readonly string[], where: string): void {
  const fix = 'Name a judge, a reward model, world:newsroom or ./file.mjs';
  checkWithoutAnswers(texts, where, { what: 'a monitor sees prompts and completions, no answers', fix });
}

/** Starts to watch, or goes on with what an earlier try has seen up to a step. */
export async function watchRun(
  folder: string,
  o: {
    /** by name, or as a function */
    monitor: readonly string[] | RewardFn;
    patience: number;
    /** nats of the step before */
    maxKl?: number | undefined;
    /** as `hackingMonitor` takes them */
    tolerance?: number | undefined;
    minLengthRatio?: number | undefined;
    maxEmptyRate?: number | undefined;
    every?: number | undefined;
    world?: object | undefined;
  },
  where: string,
): Promise<Watch> {
  const { hackingMonitor } = await import('@gimbal/reward-models');
  const control =
    typeof o.monitor === 'function'
      ? o.monitor
      : await openSum(o.monitor, { where, world: o.world, onTooLong: () => {} });
  const [file, best] = [join(folder, 'monitor.json'), join(folder, 'control-best')];
  let kl = 0;
  let seen = await earlierLooks(file);
  let weights: (() => Params) | undefined;
  let inner: ReturnType<typeof hackingMonitor> | undefined;
  const keep = async ({ step, control: value }: HackingLook, params: Params): Promise<void> => {
    const content = { step, loss: -value, state: null, config: null, version: packageVersion() };
    await saveCheckpoint(best, { ...content, trees: { params } });
  };
  const monitor: Monitor = {
    async check(step, prompts, completions) {
      // steps behind the checkpoint that is gone on from are done again
      if (inner === undefined) {
        seen = seen.filter((look) => look.step < step);
        inner = hackingMonitor({
          control,
          patience: o.patience,
          earlier: seen,
          ...(o.maxKl !== undefined && { maxKl: o.maxKl, kl: () => kl }),
          ...(o.tolerance !== undefined && { tolerance: o.tolerance }),
          ...(o.minLengthRatio !== undefined && { minLengthRatio: o.minLengthRatio }),
          ...(o.maxEmptyRate !== undefined && { maxEmptyRate: o.maxEmptyRate }),
          ...(o.every !== undefined && { every: o.every }),
        });
      }
      const looks = inner.looks.length;
      const alerts = await inner.check(step, prompts, completions);
      if (inner.looks.length === looks) return alerts; // it looks each so many steps
      const look = inner.looks.at(-1) as HackingLook;
      seen = [...seen, { ...look, alerts }];
      if (weights !== undefined && bestLook(seen) === seen.at(-1)) await keep(look, weights());
      await writeFileAtomic(file, `${JSON.stringify(seen)}\n`);
      return alerts;
    },
  };
  return {
    monitor,
    get seen() {
      return seen;
    },
    follow(params) {
      weights = params;
    },
    onStep(step) {
      kl = step.kl;
    },
    // the look came first, and the update of that step was still done
    endedAt: (steps) => stopIn(seen)?.step === steps - 1,
    async bestParams(note) {
      const step = bestLook(seen)?.step;
      if (step === undefined) return undefined;
      const saved = await loadCheckpoint(best, { which: 'best', warn: note });
      if (saved.step === step) return { step, params: await saved.tree('params') };
      note(`the weights of step ${step} were lost when the run was killed: the last ones are kept`);
      return undefined;
    },
  };
}

/** @throws CheckpointError for a file that is no list of looks */
async function earlierLooks(file: string): Promise<readonly Watched[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '[]';
    throw error;
  });
  // JSON has no NaN: a control that judged nothing is null in the file
  const looks = looksOf(text)?.map((look) => ({ ...look, control: look.control ?? Number.NaN }));
  if (looks !== undefined) return looks;
  const fix = 'Delete the file: what the monitor saw before is forgotten, and its best with it';
  throw new CheckpointError({ where: file, what: 'the file is damaged: it holds no looks', fix });
}

function looksOf(text: string): (Omit<Watched, 'control'> & { control: number | null })[] | undefined {
  try {
    const looks = JSON.parse(text) as unknown;
    return Array.isArray(looks) && looks.every((look) => Number.isFinite(look?.step)) ? looks : undefined;
  } catch {
    return undefined;
  }
}

/** What was found, in a sentence, and the two rewards over the steps. */
export function watchSection(
  seen: readonly Watched[],
  rows: readonly { readonly step: number; readonly [metric: string]: unknown }[],
): ReportSection {
  // a look at the weights after `step` updates is at the completions that the next one learns from
  const rewardAt = new Map(rows.map((row) => [row.step, row.reward]));
  const both = seen.map(({ step, control }) => ({ step, control, proxy: rewardAt.get(step + 1) }));
  const lines = { 'the reward that is optimised': 'proxy', 'the control, which is not': 'control' };
  const chart = metricChart(both, 'Proxy and control', 'mean of a step', lines, 'step');
  const values = chart.series.flatMap(({ points }) => points.map(([, y]) => y));
  const stop = stopIn(seen);
  const upright = (name: string, step: number) => ({
    name,
    dashed: true,
    points: [
      [step, Math.min(...values)],
      [step, Math.max(...values)],
    ] as const,
  });
  const best = bestLook(seen);
  const marks =
    values.length === 0
      ? []
      : [
          ...(best === undefined ? [] : [upright('control at its best', best.step)]),
          ...(stop === undefined ? [] : [upright('stopped', stop.step)]),
        ];
  const alerts = seen.flatMap((look) => look.alerts);
  const words = metricChart(
    seen.map((look) => ({ ...look })),
    'Words',
    'of a completion',
    { words: 'length' },
    'step',
  );
  return {
    slot: 'learning',
    title: 'Watched by a reward that is not optimised',
    text: verdictOf(seen),
    parts: [
      { ...chart, series: [...chart.series, ...marks] },
      ...(words.series.length > 0 ? [words] : []),
      ...(alerts.length > 0
        ? [
            {
              kind: 'table' as const,
              title: 'What the monitor said',
              head: ['step', 'verdict', 'measured', 'limit', ''],
              rows: alerts.map((a) => [`${a.step}`, a.message, figure(a.value), figure(a.limit), a.stop ? 'stop' : '']),
            },
          ]
        : []),
    ],
  };
}

/**
 * The look to go back to, as the `best` of `hackingMonitor`, which pages have not at hand: none at which the control judged a
 * single answer, whose error nobody knows.
 */
export const bestLook = (seen: readonly Watched[]): Watched | undefined =>
  seen
    .filter(({ error }) => error === undefined || Number.isFinite(error))
    .reduce<Watched | undefined>(
      (best, look) => (look.control > (best?.control ?? -Infinity) ? look : best),
      undefined,
    );

const stopIn = (seen: readonly Watched[]): Watched | undefined =>
  seen.find(({ alerts }) => alerts.some(({ stop }) => stop));

/** What the monitor found, in a sentence or two. */
export function verdictOf(seen: readonly Watched[]): string {
  const [best, last] = [bestLook(seen), seen.at(-1)];
  if (best === undefined || last === undefined)
    return 'The monitor’s control reward judged fewer than two answers at every look.';
  const stop = stopIn(seen);
  const where = `The monitor’s control reward was best at step ${best.step}, ${figure(best.control)}, and is ${figure(last.control)} at step ${last.step}.`;
  if (stop === undefined) return `${where} The monitor raised no alarm.`;
  return `${where} The run stopped at step ${stop.step}: ${stop.alerts.map(({ message }) => message).join('; ')}.`;
}
