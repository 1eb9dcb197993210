// Reward models from the labelled pairs, and the average of their weights (WARM): how often each is right, on pairs like those
// it learned from and on others, and how many of the wrong labels it has learnt by heart.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Params } from '@gimbal/tensor-core';
import { z } from 'zod';
import { percent } from '../cli/format.ts';
import { defineStage } from '../pipeline/stage.ts';
import type { ReportSection, ScoreCell } from '../report/part.ts';
import { stage as data } from './data.ts';
import { stage as fineTune } from './fine-tune.ts';
import { type Estimate, rate } from './internal/intervals.ts';
import { modelFolder } from './internal/model-folder.ts';
import { storedOwnPairs } from './internal/own-pairs.ts';
import type { RewardModelsResult } from './internal/reward-models-result.ts';
import { openJudge } from './internal/reward-tools.ts';
import { stage as judge } from './judge.ts';
import { type LabelledPair, type PreferenceSets, stage as preferences } from './preferences.ts';
import { stage as tokenizer } from './tokenizer.ts';

const options = z.object({
  models: z.int().min(2).default(6).describe('reward models whose weights are averaged'),
  steps: z.int().min(1).optional().describe('updates of each (default: 60; of --preferences 150)'),
  learningRate: z
    .number()
    .positive()
    .optional()
    .describe('learning rate of reward models (default: 2e-3; of --preferences 3e-4, of a model that is given 5e-5)'),
});

const shifted = 'hot samples (T = 1.6)';

export const stage = defineStage({
  name: 'reward-models',
  summary: 'Train reward models, and average their weights.',
  version: 2,
  needs: ['data', 'tokenizer', 'fine-tune', 'preferences', 'judge'],
  prefix: 'reward',
  options,
  uses: ['seed', 'backend', 'threads'],
  async run(context): Promise<RewardModelsResult | undefined> {
    const { options: o, environment, input, dir, progress, signal } = context;
    const rows = input(data);
    if (rows.value.pairs) {
      const { ownRewardModels } = await import('./internal/own-rewards.ts');
      const tuned = input(fineTune);
      const rate = input(tokenizer).value.startFrom === undefined ? 3e-4 : 5e-5;
      const settings = { models: o.models, steps: o.steps ?? 150, learningRate: o.learningRate ?? rate };
      const { seed } = environment;
      const folder = modelFolder(tuned, tuned.value.model);
      return await ownRewardModels(await storedOwnPairs(rows.dir), folder, { ...settings, seed }, context);
    }
    const [pairs, judged] = [input(preferences), input(judge)];
    if (!pairs.value || !judged.value) return undefined;
    const { averageMembers, lmcCurve } = await import('@gimbal/reward-models');
    const { disposeTree, rng, writeSafetensors } = await import('@gimbal/tensor-core');
    const { densePairs, pretrainedBody, trainMembers } = await import('../warm/summary-rewards.ts');
    const { score } = await import('../warm/dense-members.ts');
    const { features } = await openJudge({ dir: judged.dir, value: judged.value });
    const stream = rng(environment.seed).split('reward-models');
    const sets = JSON.parse(await readFile(join(pairs.dir, 'pairs.json'), 'utf8')) as PreferenceSets;
    const train = await densePairs(features, sets.train);
    const body = await pretrainedBody(train, stream.split('body'), signal);
    const members = await trainMembers(body, train, {
      members: o.models,
      steps: o.steps ?? 60,
      learningRate: o.learningRate ?? 2e-3,
      stream: stream.split('members'),
      signal,
      onMember: (run) => progress({ step: run + 1, total: o.models, text: 'reward models' }),
    });
    const average = averageMembers(members.map((params, run) => ({ params, lineage: { pretrainId: 'align', run } })));

    const marginsOf = (params: Params, of: typeof train): number[] => {
      const [a, b] = [score(params, of.chosen, of.n), score(params, of.rejected, of.n)];
      return Array.from(a, (x, i) => x - (b[i] as number));
    };
    const hits = (margins: readonly number[]): number =>
      margins.reduce((sum, m) => sum + (m > 0 ? 1 : m === 0 ? 0.5 : 0), 0);
    const ranks = [];
    const selection = await densePairs(features, sets.selection);
    for (const member of members) ranks.push(hits(marginsOf(member, selection)));
    const best = ranks.indexOf(Math.max(...ranks));
    const slices: RewardModelsResult['slices'] = [];
    const all: [string, readonly LabelledPair[]][] = [
      ...Object.entries(sets.test),
      ['training pairs, labelled rightly', sets.train.filter((pair) => !pair.swapped)],
      ['training pairs, labelled wrongly', sets.train.filter((pair) => pair.swapped)],
    ];
    let line: RewardModelsResult['line'] = [];
    for (const [name, rows] of all) {
      if (rows.length === 0) continue;
      const dense = await densePairs(features, rows);
      const lists = members.map((member) => marginsOf(member, dense));
      const ensemble = lists[0]?.map((_, i) => lists.reduce((sum, list) => sum + (list[i] as number), 0)) ?? [];
      slices.push({
        name,
        mean: lists.reduce((sum, list) => sum + hits(list), 0) / (lists.length * rows.length),
        best: rate(hits(lists[best] ?? []), rows.length),
        ensemble: rate(hits(ensemble), rows.length),
        average: rate(hits(marginsOf(average, dense)), rows.length),
      });
      if (name !== shifted) continue;
      const ends = members as [Params, Params];
      line = [];
      const curve = lmcCurve(
        async (p) => marginsOf(p, dense),
        ends[0],
        ends[1],
        [0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1],
      );
      for await (const { lambda, wa, ens, diag } of curve) line.push({ lambda, wa, ens, diag });
    }
    await writeSafetensors(join(dir, 'average.safetensors'), average);
    for (const [run, member] of members.entries())
      await writeSafetensors(join(dir, `member-${run}.safetensors`), member);
    for (const tree of [body, average, ...members]) disposeTree(tree);
    return { members: members.length, best, slices, line };
  },
  describe(r) {
    if (!r) return 'left out';
    const slice = r.slices.find(({ name }) => name === shifted) ?? r.slices[0];
    return slice === undefined
      ? `${r.members} models`
      : `${r.members} models right on ${percent(slice.mean)} of ${slice.name}, their average on ${percent(slice.average.value)}`;
  },
  report: (r, { input }) =>
    !r
      ? []
      : [
          section(
            r,
            input(preferences).value?.swapped ?? 0,
            r.own?.pairs ?? input(preferences).value?.train ?? 0,
            input(data).value.pairs?.source ?? input(data).value.source,
          ),
        ],
});

function section(r: RewardModelsResult, swapped: number, train: number, source: string): ReportSection {
  const cell = ({ value, low, high }: Estimate, emphasis: boolean): ScoreCell => ({
    text: percent(value),
    detail: `${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)} %`,
    share: value,
    emphasis,
  });
  const rows = r.slices.map(({ name, mean, best, ensemble, average }): (string | ScoreCell)[] => {
    const wrong = name.endsWith('wrongly');
    const values = [mean, best.value, ensemble.value, average.value];
    const top = wrong ? Math.min(...values) : Math.max(...values);
    return [
      name,
      { text: percent(mean), share: mean, emphasis: mean === top },
      cell(best, best.value === top),
      cell(ensemble, ensemble.value === top),
      cell(average, average.value === top),
    ];
  });
  return {
    slot: 'learning',
    title: 'Reward models',
    text: `${r.members} reward models learned from the same ${train} pairs of ${r.own ? source : `summaries of ${source}, ${swapped} of them labelled wrongly`}; they differ in the order of the data and in dropout. Their weights are averaged into one (WARM), which costs what one costs; an ensemble of their predictions costs ${r.members} times as much.${r.own ? ` A control reward, of ${r.own.controlPairs} other pairs, is right on ${percent(r.own.control.value)} of the held-out ones: it is never optimised.` : ''}`,
    parts: [
      {
        kind: 'table',
        title: 'Right, by what is judged',
        ...(r.own
          ? {}
          : { caption: 'Of wrongly labelled training pairs fewer is better: those are wrong labels learnt by heart.' }),
        head: ['pairs', 'mean member', 'best member', 'ensemble', 'average of weights'],
        rows,
      },
      ...(r.line.length === 0
        ? []
        : [
            {
              kind: 'chart' as const,
              title: 'Between two reward models',
              caption: `Accuracy on ${r.own ? 'held-out pairs' : shifted}: weights in between are as good as the models at the ends, or better.`,
              xName: 'share of the second',
              yName: 'accuracy',
              series: [
                { name: 'weights interpolated', points: r.line.map((p) => [p.lambda, p.wa] as const) },
                { name: 'predictions interpolated', points: r.line.map((p) => [p.lambda, p.ens] as const) },
                {
                  name: 'accuracies interpolated',
                  points: r.line.map((p) => [p.lambda, p.diag] as const),
                  dashed: true,
                },
              ],
            },
          ]),
    ],
  };
}
