// gimbal reward: a reward model, a preference model or a judge of entailment, on pairs of your own.
import { z } from 'zod';
import { defineCommand } from '../cli/command.ts';
import { counted } from '../cli/format.ts';
import { checkColumns } from '../options/columns.ts';
import { heldOutOf, heldOutOption } from '../options/held-out.ts';
import { toldFew } from '../reward/few-pairs.ts';
import { checkJudgeRows, judgeLabels } from '../reward/judge-rows.ts';
import { pairColumns, pairOptions, refuseOfOtherKinds } from '../reward/options.ts';
import { readPairRows } from '../reward/read-rows.ts';
import { noteShared } from '../reward/shared-rows.ts';
import { refuseBf16, startCompute } from '../run/compute.ts';
import { underCosine } from '../run/going-on.ts';
import { optionsOfRun, withRun } from '../run/run-folder.ts';

const defaultSteps = 200;

const options = z.object({
  model: z
    .string()
    .describe(
      'model to start from: a folder, a run (runs/align-1) or a name on the hub; a decoder, or an encoder such as MiniLM; entailment needs an encoder',
    ),
  ...pairOptions,
  heldOut: heldOutOption
    .optional()
    .describe('rows to evaluate on: a number, or a share below 1 (default: a tenth, at most 256)'),
  slice: z.string().optional().describe('a column of yours: accuracy is told for each of its values'),
  steps: z.int().min(1).default(defaultSteps).describe('updates; with --resume a larger number trains on'),
  batchSize: z.int().min(1).default(16).describe('pairs at a time'),
  learningRate: z.number().positive().optional().describe('peak of a cosine with warm-up (default: 5e-5)'),
  dropout: z.number().min(0).lt(1).default(0).describe('chance that an activation is dropped in training'),
  evalEvery: z.int().min(1).default(50).describe('updates between evaluations'),
});

export const command = defineCommand({
  summary: 'Train a reward model, a preference model or an entailment judge on your pairs.',
  options,
  resumes: true,
  examples: [
    'gimbal reward --model runs/align-1/model --data pairs.jsonl',
    'gimbal reward --kind pairwise --model runs/align-1/model --data pairs.jsonl --columns chosen=better,rejected=worse',
    'gimbal reward --kind entailment --model sentence-transformers/all-MiniLM-L6-v2 --data snli.jsonl',
    'gimbal reward --resume              go on with the run that was stopped',
  ],
  async run({ options: given, given: where, output, signal }) {
    checkColumns('reward', given.columns, pairColumns);
    const note = (text: string): void => output.note(text);
    const request = { command: 'reward', options: given, given: where, note, longer: underCosine(defaultSteps) };
    return withRun(request, async (run) => {
      const o = optionsOfRun(given, run);
      refuseOfOtherKinds('gimbal reward', o.kind, where);
      const compute = await startCompute(o);
      refuseBf16('gimbal reward', o.precision, compute);
      const lm = await import('@gimbal/language-models');
      const { rng } = await import('@gimbal/tensor-core');
      const { trainJudge, trainPairs } = await import('../reward/train.ts');
      const entailment = o.kind === 'entailment';
      const rows = await readPairRows(o.data, o);
      const order = entailment ? checkJudgeRows(rows, o.labels ?? judgeLabels) : undefined;
      if (order !== undefined) output.note(order);
      const { checkSlice } = await import('../reward/accuracy.ts');
      checkSlice('gimbal reward --slice', o.slice, rows.rows);
      const share = heldOutOf('reward', o.heldOut, rows.rows.length);
      const parts = lm.splitDataset(rows, share, rng(o.seed).split('split'));
      output.note(`${counted(parts.train.rows.length, 'row')}, ${parts.heldOut.rows.length} held out`);
      // equal rows are kept together; those of one content that are written otherwise are not
      noteShared('held-out', parts.heldOut, parts.train, (text) => output.note(text));
      const few = toldFew(rows.rows.length, entailment ? 'row' : 'pair');
      if (few !== undefined) output.note(`warning: ${few}`);
      const context = { path: run.path, output, signal };
      const json = entailment ? await trainJudge(o, parts, context) : await trainPairs(o, parts, context);
      await compute.trace(output);
      return { json };
    });
  },
});
