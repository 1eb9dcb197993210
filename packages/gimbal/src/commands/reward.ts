// gimbal reward: a reward model, a preference model or a judge of entailment, on pairs of your own.
import { ConfigError } from '@gimbal/tensor-core';
import { z } from 'zod';
import { defineCommand } from '../cli/command.ts';
import { counted } from '../cli/format.ts';
import { checkColumns } from '../options/columns.ts';
import { heldOutOf, heldOutOption } from '../options/held-out.ts';
import { startCompute } from '../run/compute.ts';
import { optionsOfRun, withRun } from '../run/run-folder.ts';

const options = z.object({
  kind: z
    .enum(['bradley-terry', 'pairwise', 'entailment'])
    .default('bradley-terry')
    .describe('a score of one answer, a preference between two, or a judge of text pairs'),
  model: z
    .string()
    .describe('model folder to start from: a decoder, or an encoder such as MiniLM; entailment needs an encoder'),
  data: z.string().describe('your rows: prompt, chosen, rejected; or for entailment premise, hypothesis, label'),
  columns: z
    .record(z.string(), z.string())
    .optional()
    .describe('names of your columns, as prompt=question,chosen=better,rejected=worse'),
  labels: z
    .array(z.string())
    .optional()
    .describe("entailment: the classes (default: the model's, else entailment,neutral,contradiction)"),
  form: z
    .enum(['antisymmetric', 'skew-symmetric'])
    .default('antisymmetric')
    .describe('pairwise: reads both answers together, or each alone'),
  heldOut: heldOutOption
    .optional()
    .describe('rows to evaluate on: a number, or a share below 1 (default: a tenth, at most 256)'),
  slice: z.string().optional().describe('a column of yours: accuracy is told for each of its values'),
  steps: z.int().min(1).default(200).describe('updates'),
  batchSize: z.int().min(1).default(16).describe('pairs at a time'),
  learningRate: z.number().positive().optional().describe('peak of a cosine with warm-up (default: 5e-5)'),
  dropout: z.number().min(0).lt(1).default(0).describe('chance that an activation is dropped in training'),
  labelSmoothing: z.number().min(0).lt(0.5).default(0).describe('probability given to the other answer'),
  centerCoef: z.number().min(0).default(0).describe('bradley-terry: holds scores near 0; .01 is common'),
  lora: z.int().min(0).default(0).describe('rank of an adapter, worked in at the end; 0 trains all weights'),
  maxLength: z.int().min(4).optional().describe("longest row in tokens (default: the model's context)"),
  overflow: z.enum(['drop', 'cut', 'error']).default('drop').describe('what becomes of a longer row'),
  evalEvery: z.int().min(1).default(50).describe('updates between evaluations'),
  precision: z.enum(['float32', 'bf16']).default('float32').describe('precision of matrix products'),
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
    const known = ['prompt', 'chosen', 'rejected', 'label', 'margin', 'weight', 'premise', 'hypothesis'];
    checkColumns('reward', given.columns, known);
    return withRun({ command: 'reward', options: given, given: where }, async (run) => {
      const o = optionsOfRun(given, run);
      const compute = await startCompute(o);
      const lm = await import('@gimbal/language-models');
      const { rng } = await import('@gimbal/tensor-core');
      const { trainJudge, trainPairs } = await import('../reward/train.ts');
      const entailment = o.kind === 'entailment';
      const rows = await lm.readRows(o.data, {
        ...(o.columns === undefined ? {} : { columns: o.columns }),
        ...(entailment ? { kind: 'labelled-pair' as const } : {}),
        usable: entailment
          ? ['labelled-pair']
          : ['preference', 'implicit-preference', 'conversation-preference', 'conversation-implicit-preference'],
      });
      if (o.form !== 'antisymmetric' && o.kind !== 'pairwise') {
        throw new ConfigError({
          where: 'gimbal reward --form',
          what: `a ${o.kind} model has none`,
          fix: 'Leave it out',
        });
      }
      const share = heldOutOf('reward', o.heldOut, rows.rows.length);
      const parts = lm.splitDataset(rows, share, rng(o.seed).split('split'));
      output.note(`${counted(parts.train.rows.length, 'row')}, ${parts.heldOut.rows.length} held out`);
      const context = { path: run.path, output, signal };
      const json = entailment ? await trainJudge(o, parts, context) : await trainPairs(o, parts, context);
      await compute.trace(output);
      return { json };
    });
  },
});
