// gimbal warm: several reward models from one start, averaged in weight space into one; or the average of folders there are.
import { join } from 'node:path';
import type { WarmStep } from '@gimbal/reward-models';
import type { Params } from '@gimbal/tensor-core';
import { z } from 'zod';
import { defineCommand } from '../cli/command.ts';
import { counted, percent } from '../cli/format.ts';
import { checkColumns } from '../options/columns.ts';
import { heldOutOption } from '../options/held-out.ts';
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
  workers: z
    .int()
    .min(1)
    .optional()
    .describe('processes that train runs side by side, each with its share of the threads (default: one a thread)'),
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
  async run({ options: given, given: where, output, signal, root }) {
    checkColumns('warm', given.columns, ['prompt', 'chosen', 'rejected', 'label', 'margin', 'weight']);
    return withRun({ command: 'warm', options: given, given: where }, async (run) => {
      const o = optionsOfRun(given, run);
      const compute = await startCompute(o);
      const lm = await import('@gimbal/language-models');
      const warm = await import('@gimbal/reward-models');
      const { disposeTree } = await import('@gimbal/tensor-core');
      const { prepareWarm } = await import('../warm/prepare.ts');
      const { trainer, model, tokenizer, test, dispose } = await prepareWarm(o, run.path, { output, signal });
      let averaged: { members?: readonly number[]; selectionAccuracy?: number } | undefined;
      const ranks: { run: number; selectionAccuracy: number }[] = [];
      const onStep = (step: WarmStep): void => {
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
      };
      const workers = Math.min(o.workers ?? compute.threads, o.runs);
      if (workers > 1) {
        const { trainInProcesses } = await import('../warm/workers.ts');
        output.note(`${o.runs} runs in ${workers} processes`);
        await trainInProcesses(
          { settings: o, path: run.path },
          { root, workers, threads: compute.threads, signal, onStep },
        );
      }
      // those that are missing, and the average
      if (!signal.aborted) for await (const step of trainer.train({ signal })) onStep(step);
      if (averaged === undefined) {
        throw stoppedRun('warm', run.path, `stopped after ${ranks.length} of ${o.runs} runs`);
      }
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
      dispose();
      await compute.trace(output);
      return { json: { report, path: trainer.model, accuracy, members, meanMember: mean, ...(averaged as WarmStep) } };
    });
  },
});
