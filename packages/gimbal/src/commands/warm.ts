// gimbal warm: several reward models from one start, averaged in weight space into one; or the average of folders there are.
import { join } from 'node:path';
import type { Params } from '@gimbal/tensor-core';
import { z } from 'zod';
import { defineCommand } from '../cli/command.ts';
import { counted, percent } from '../cli/format.ts';
import { checkColumns } from '../options/columns.ts';
import { heldOutOf, heldOutOption } from '../options/held-out.ts';
import { startCompute } from '../run/compute.ts';
import { stoppedRun } from '../run/going-on.ts';
import { optionsOfRun, withRun } from '../run/run-folder.ts';

const options = z.object({
  model: z
    .array(z.string())
    .min(1)
    .describe('model folder to start from; several are checkpoints along one fine-tuning, the last one last (Baklava)'),
  data: z.string().describe('your rows: prompt, chosen, rejected'),
  columns: z
    .record(z.string(), z.string())
    .optional()
    .describe('names of your columns, as chosen=better,rejected=worse'),
  heldOut: heldOutOption
    .optional()
    .describe('rows set aside twice: to rank members, and to measure the average (default: a tenth, at most 256)'),
  runs: z.int().min(2).default(6).describe('fine-tunings'),
  members: z
    .union([z.int().min(2), z.enum(['all', 'greedy'])])
    .default('all')
    .describe('how many of the best are averaged, all, or those a greedy soup keeps'),
  steps: z.int().min(1).default(200).describe('updates of each run'),
  batchSize: z.int().min(1).default(16).describe('pairs at a time'),
  learningRate: z.array(z.number().positive()).default([2e-5, 5e-5, 1e-4]).describe('runs cycle through them'),
  dropout: z.array(z.number().min(0).lt(1)).default([0.05, 0.1]).describe('runs cycle through them'),
  swap: z
    .number()
    .min(0)
    .lt(0.5)
    .default(0)
    .describe('turn this share of the training labels round, to see what it does'),
  overflow: z.enum(['drop', 'cut', 'error']).default('drop').describe('what becomes of a pair longer than the model'),
});

export const command = defineCommand({
  summary: 'Train several reward models and average their weights into one (WARM).',
  options,
  resumes: true,
  examples: [
    'gimbal warm --model runs/align-1/model --data pairs.jsonl --runs 10 --members 6',
    'gimbal warm --model sft-8k,sft-10k,sft-12k --data pairs.jsonl',
    'gimbal warm --resume                go on with the run that was stopped',
  ],
  async run({ options: given, given: where, output, signal }) {
    checkColumns('warm', given.columns, ['prompt', 'chosen', 'rejected', 'label', 'margin', 'weight']);
    return withRun({ command: 'warm', options: given, given: where }, async (run) => {
      const o = optionsOfRun(given, run);
      const compute = await startCompute(o);
      const lm = await import('@gimbal/language-models');
      const warm = await import('@gimbal/reward-models');
      const { disposeTree, rng } = await import('@gimbal/tensor-core');
      const { loadBody } = await import('../reward/train.ts');
      const rows = await lm.readRows(o.data, {
        ...(o.columns === undefined ? {} : { columns: o.columns }),
        usable: ['preference', 'implicit-preference', 'conversation-preference', 'conversation-implicit-preference'],
      });
      const share = heldOutOf('warm', o.heldOut, rows.rows.length);
      const first = lm.splitDataset(rows, share, rng(o.seed).split('test'));
      const second = lm.splitDataset(first.train, share, rng(o.seed).split('selection'));
      const starts = [];
      for (const folder of o.model)
        starts.push(
          await loadBody('gimbal warm', { model: folder, labels: ['reward'], seed: o.seed }, { output, signal }),
        );
      const { model: heads, tokenizer } = starts.at(-1) as (typeof starts)[number];
      const model = warm.rewardModel(heads);
      const turned = warm.swapLabels(second.train.rows as never[], o.swap, rng(o.seed).split('swap'));
      const checkpoints = starts.map((s) => s.params);
      const trainer = new warm.WarmTrainer({
        model,
        tokenizer,
        data: { ...second.train, rows: turned.rows } as typeof second.train,
        selection: second.heldOut,
        init: { kind: 'baklava', checkpoints },
        grid: { learningRate: o.learningRate, dropout: o.dropout },
        runs: o.runs,
        members: o.members,
        stepsPerRun: o.steps,
        batchSize: o.batchSize,
        overflow: o.overflow,
        seed: o.seed,
        checkpointEvery: Math.max(1, Math.ceil(o.steps / 4)),
        out: join(run.path, 'warm'),
      });
      let averaged: { members?: readonly number[]; selectionAccuracy?: number } | undefined;
      const ranks: { run: number; selectionAccuracy: number }[] = [];
      for await (const step of trainer.train({ signal })) {
        if (step.phase === 'run' && output.live) {
          output.status(
            `run ${(step.run ?? 0) + 1}/${o.runs}  step ${step.step}/${o.steps}  loss ${step.loss?.toFixed(4)}`,
          );
        } else if (step.phase === 'member') {
          ranks.push({ run: step.run ?? 0, selectionAccuracy: step.selectionAccuracy ?? 0 });
          output.note(
            `run ${(step.run ?? 0) + 1}/${o.runs}: accuracy ${percent(step.selectionAccuracy ?? Number.NaN)} on the selection pairs`,
          );
        } else if (step.phase === 'averaged') averaged = step;
      }
      if (averaged === undefined) {
        throw stoppedRun('warm', run.path, `stopped after ${ranks.length} of ${o.runs} runs`);
      }
      const test = warm
        .pairTexts(first.heldOut, tokenizer)
        .rows.map(({ row, chosen, rejected }) => ({ ...row, chosen, rejected }));
      const accuracyOf = async (params: Params) =>
        warm.pairwiseAccuracy(warm.rewardFn(model, params, tokenizer), test).finally(() => disposeTree(params));
      const accuracy = await accuracyOf((await lm.loadClassifier(trainer.model)).params);
      const members = [];
      for (const { folder, lineage } of (await trainer.record()).members) {
        const { value } = await accuracyOf((await lm.loadClassifier(folder)).params);
        members.push({ run: lineage?.run, accuracy: value });
      }
      const mean = members.reduce((sum, m) => sum + m.accuracy, 0) / members.length;
      output.line(
        `average of ${members.length}: accuracy ${percent(accuracy.value)} (${percent(accuracy.ci95[0])} to ${percent(accuracy.ci95[1])}, ${counted(accuracy.n, 'pair')}); mean member ${percent(mean)}; saved to ${trainer.model}`,
      );
      const { writeRewardReport } = await import('../reward/report.ts');
      const report = await writeRewardReport({
        eyebrow: 'gimbal warm',
        run: run.path,
        title: `The average of ${members.length} reward models`,
        accuracy: { 'the average': accuracy },
        figures: [
          { label: 'mean member', value: percent(mean), detail: `${members.length} members of ${o.runs} runs` },
          ...members.map((m) => ({ label: `run ${(m.run ?? 0) + 1}`, value: percent(m.accuracy) })),
        ],
        curves: Object.fromEntries(
          ranks.map(({ run: n }) => [`Run ${n + 1}`, join(run.path, 'warm', 'runs', `run-${n}`)]),
        ),
      });
      output.line(`report  ${report}`);
      for (const tree of checkpoints) disposeTree(tree);
      await compute.trace(output);
      return { json: { report, path: trainer.model, accuracy, members, meanMember: mean, ...averaged } };
    });
  },
});
