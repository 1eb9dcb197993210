// gimbal warm: several reward models, preference models or judges from one start, averaged in weight space into one.
import { join } from 'node:path';
import type { WarmStep } from '@gimbal/reward-models';
import { z } from 'zod';
import { defineCommand } from '../cli/command.ts';
import { counted, percent } from '../cli/format.ts';
import { Progress } from '../cli/progress.ts';
import { checkColumns } from '../options/columns.ts';
import { heldOutOption } from '../options/held-out.ts';
import { sayAccuracy } from '../reward/accuracy.ts';
import { toldGuessing } from '../reward/guessing.ts';
import { judgeLabels } from '../reward/judge-rows.ts';
import { pairColumns, pairOptions, refuseOfOtherKinds } from '../reward/options.ts';
import { refuseBf16, startCompute } from '../run/compute.ts';
import { stoppedRun } from '../run/going-on.ts';
import { optionsOfRun, withRun } from '../run/run-folder.ts';
import type { Predictions } from '../warm/exam.ts';
import { finishedRuns } from '../warm/finished-runs.ts';
import { connectedSection, memorySection } from '../warm/sections.ts';

const options = z.object({
  model: z
    .array(z.string())
    .min(1)
    .describe(
      'model to start from: a folder, a run (runs/align-1) or a name on the hub; several are checkpoints along one fine-tuning, the last one last (Baklava)',
    ),
  ...pairOptions,
  test: z.string().optional().describe('rows to measure on (default: some of --data are set aside)'),
  heldOut: heldOutOption
    .optional()
    .describe('rows set aside twice: to rank members, and to measure the average (default: a tenth, at most 256)'),
  slice: z.string().optional().describe("a column of yours: the average's accuracy is told for each of its values"),
  runs: z.int().min(2).default(6).describe('fine-tunings'),
  members: z
    .union([z.int().min(2), z.enum(['all', 'greedy'])])
    .default('all')
    .describe('how many of the best are averaged, all, or those a greedy soup keeps'),
  steps: z
    .int()
    .min(1)
    .default(200)
    .describe('updates of each run; a member that is done is not trained on: its optimiser is gone'),
  batchSize: z.int().min(1).default(16).describe('pairs, or rows, at a time'),
  learningRate: z
    .array(z.number().positive())
    .default([2e-5, 5e-5, 1e-4])
    .describe('peaks of a cosine with warm-up; runs cycle through them'),
  dropout: z.array(z.number().min(0).lt(1)).default([0.05, 0.1]).describe('runs cycle through them'),
  swap: z
    .number()
    .min(0)
    .lt(0.5)
    .default(0)
    .describe('make this share of the training labels wrong, to see what it does'),
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
    'gimbal warm --kind entailment --model sentence-transformers/all-MiniLM-L6-v2 --data nli.jsonl --test nli-test.jsonl',
    'gimbal warm --resume                go on with the run that was stopped',
  ],
  async run({ options: given, given: where, output, signal, root }) {
    checkColumns('warm', given.columns, pairColumns);
    return withRun({ command: 'warm', options: given, given: where }, async (run) => {
      const o = optionsOfRun(given, run);
      refuseOfOtherKinds('gimbal warm', o.kind, where);
      const compute = await startCompute(o);
      refuseBf16('gimbal warm', o.precision, compute);
      const lm = await import('@gimbal/language-models');
      const { disposeTree } = await import('@gimbal/tensor-core');
      const { ensembleOf, lineBetween } = await import('../warm/exam.ts');
      const { prepareWarm } = await import('../warm/prepare.ts');
      const { trainer, exam, memory, dispose } = await prepareWarm(o, run.path, { output, signal });
      let averaged: { members?: readonly number[]; selectionAccuracy?: number } | undefined;
      const progress = new Progress(output, 'warm');
      // of an earlier call too, whose members are not trained again
      const finished = new Set(finishedRuns(join(run.path, 'warm'), o.runs));
      const done = new Map([...finished].map((n) => [n, o.steps])); // updates of each run
      const onStep = (step: WarmStep): void => {
        if (step.phase === 'run') {
          done.set(step.run ?? 0, step.step ?? 0);
          progress.update({
            step: [...done.values()].reduce((sum, steps) => sum + steps, 0),
            total: o.runs * o.steps,
            ...(step.loss !== undefined && { loss: step.loss }),
            text: `run ${(step.run ?? 0) + 1} of ${o.runs}`,
          });
        } else if (step.phase === 'member') {
          done.set(step.run ?? 0, o.steps);
          finished.add(step.run ?? 0);
          output.note(
            `run ${(step.run ?? 0) + 1}/${o.runs}: accuracy ${percent(step.selectionAccuracy ?? Number.NaN)} on the selection rows`,
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
        throw stoppedRun('warm', run.path, `stopped after ${finished.size} of ${o.runs} runs`);
      }
      for (const warning of (averaged as WarmStep).warnings ?? []) output.note(`warning ${warning}`);
      const answersOf = async (folder: string, of = exam) => {
        const { params } = await lm.loadClassifier(folder);
        return of.predict(params).finally(() => disposeTree(params));
      };
      const averages = await answersOf(trainer.model);
      const accuracy = exam.grade(averages);
      const slices = o.slice === undefined ? {} : exam.slices(averages, o.slice);
      const members: { run: number | undefined; accuracy: number; folder: string }[] = [];
      const answers: Predictions[] = [];
      const record = await trainer.record();
      output.note(`averaged with ${record.note}`);
      for (const { folder, lineage } of record.members) {
        const found = await answersOf(folder);
        answers.push(found);
        members.push({ run: lineage?.run, accuracy: exam.grade(found).value, folder });
      }
      const ensemble = exam.grade(ensembleOf(answers));
      const mean = members.reduce((sum, m) => sum + m.accuracy, 0) / members.length;
      output.line(
        `average of ${members.length}: accuracy ${percent(accuracy.value)} (${percent(accuracy.ci95[0])} to ${percent(accuracy.ci95[1])}, ${counted(accuracy.n, 'row')}); mean member ${percent(mean)}, best on the selection rows ${percent(members[0]?.accuracy ?? Number.NaN)}; their ensemble ${percent(ensemble.value)}, at ${members.length} times the cost; saved to ${trainer.model}`,
      );
      sayAccuracy(slices, output);
      const classes = (o.labels ?? judgeLabels).length;
      const guessing = toldGuessing(accuracy, o.kind === 'entailment' ? classes : 'pairs');
      if (guessing !== undefined) output.note(`warning: ${guessing}`);
      const learnt = [];
      for (const { name, exam: of } of memory) {
        const found = [];
        for (const { folder } of members) found.push(await answersOf(folder, of));
        const grades = found.map((each) => of.grade(each).value);
        const row = {
          name,
          mean: grades.reduce((a, b) => a + b, 0) / grades.length,
          ensemble: of.grade(ensembleOf(found)).value,
          average: of.grade(await answersOf(trainer.model, of)).value,
        };
        learnt.push(row);
        output.note(
          `${name}, as they were trained on: mean member ${percent(row.mean)}, ensemble ${percent(row.ensemble)}, average ${percent(row.average)}`,
        );
      }
      const line = await lineBetween(
        exam,
        members.slice(0, 2).map(({ folder }) => folder),
        answers,
      );
      const { writeRewardReport } = await import('../reward/report.ts');
      const report = await writeRewardReport({
        eyebrow: 'gimbal warm',
        run: run.path,
        title: `The average of ${members.length} ${o.kind === 'entailment' ? 'judges' : `${o.kind === 'pairwise' ? 'preference' : 'reward'} models`}`,
        accuracy: { 'the average': accuracy, ...slices },
        figures: [
          { label: 'their ensemble', value: percent(ensemble.value), detail: `${members.length} times the cost` },
          { label: 'mean member', value: percent(mean), detail: `${members.length} members of ${o.runs} runs` },
          ...members.map((m) => ({ label: `run ${(m.run ?? 0) + 1}`, value: percent(m.accuracy) })),
        ],
        sections: [connectedSection(line), ...(learnt.length > 0 ? [memorySection(learnt)] : [])],
        curves: Object.fromEntries(
          Array.from({ length: o.runs }, (_, n) => [`Run ${n + 1}`, join(run.path, 'warm', 'members', `run-${n}`)]),
        ),
      });
      output.line(`report  ${report}`);
      dispose();
      await compute.trace(output);
      return {
        json: {
          report,
          path: trainer.model,
          kind: o.kind,
          accuracy,
          ...(o.slice !== undefined && { slices }),
          members: members.map(({ folder: _, ...member }) => member),
          meanMember: mean,
          ensemble,
          line,
          learnt,
          ...(averaged as WarmStep),
        },
      };
    });
  },
});
