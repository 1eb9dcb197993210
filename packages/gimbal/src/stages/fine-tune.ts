// Supervised fine-tuning: completions after their prompts; only the completions' tokens count.
import { z } from 'zod';
import { defineStage } from '../pipeline/stage.ts';
import { noteInflated } from '../run/note-inflated.ts';
import { stage as data } from './data.ts';
import { learningCharts } from './internal/learning-charts.ts';
import { longRows } from './internal/long-rows.ts';
import { modelFolder } from './internal/model-folder.ts';
import { storedRows } from './internal/stored-rows.ts';
import { describeTraining, type TrainingResult, trainModel } from './internal/train-model.ts';
import { stage as plan } from './plan.ts';
import { everySteps, stage as pretrain } from './pretrain.ts';

export interface FineTuneResult {
  /** undefined: the rows are plain text, there is nothing to complete */
  training?: TrainingResult;
  /** model folder, see `modelFolder` */
  model: string;
}

const options = z.object({
  steps: z.int().min(1).optional().describe('updates of fine-tuning (default: what --minutes allow)'),
  learningRate: z.number().positive().default(3e-3).describe('highest learning rate of fine-tuning'),
  evaluations: z.int().min(1).default(10).describe('evaluations on held-out rows in the course of it'),
  overflow: z
    .enum(['drop', 'error', 'cut'])
    .default('drop')
    .describe('what to do with rows longer than the context: leave them out and count them, refuse, or cut their end'),
});

const maxGradNorm = 1;
const mostEvaluated = 256;

export const stage = defineStage({
  name: 'fine-tune',
  summary: 'Train on completions of prompts.',
  version: 3,
  needs: ['data', 'plan', 'pretrain'],
  prefix: 'fineTune',
  options,
  uses: ['seed', 'backend', 'threads'],
  async run(context): Promise<FineTuneResult> {
    const { options: o, environment, input } = context;
    const { value: rows, dir: rowsDir } = input(data);
    const { value: planned } = input(plan);
    const before = input(pretrain);
    const folder = modelFolder(before, before.value.model);
    if (rows.task === 'text') return { model: folder };

    const { evaluateLoss, loadPretrained, tokenRows } = await import('@gimbal/language-models');
    const { disposeTree } = await import('@gimbal/tensor-core');
    const { model, params, tokenizer, generation } = await loadPretrained(folder);
    noteInflated(folder, params, context.note);
    if (!tokenizer) throw new Error(`${folder} has no tokenizer`); // the stages before have written one
    const validation = await storedRows(rowsDir, 'validation', 'prompt-completion');
    const steps = o.steps ?? planned.fineTuneSteps;
    const evalData = { ...validation, rows: validation.rows.slice(0, mostEvaluated) };
    const limit = model.config.contextLength;
    const { rows: fitting, overflow: long } = tokenRows(evalData, tokenizer, { limit, overflow: o.overflow });
    if (long.rows > 0) {
      const done = o.overflow === 'cut' ? 'cut' : 'left out';
      context.note(longRows('validation row', long, done));
    }
    try {
      const { loss: before } = await evaluateLoss(model, params, fitting, {
        batchSize: planned.batchSize,
        signal: context.signal,
      });
      const training = await trainModel(context, {
        before,
        model,
        params,
        tokenizer,
        generation,
        steps,
        seed: environment.seed,
        learningRate: o.learningRate,
        options: {
          data: await storedRows(rowsDir, 'train', 'prompt-completion'),
          evalData,
          batchSize: planned.batchSize,
          precision: planned.precision,
          maxGradNorm,
          overflow: o.overflow,
          ...everySteps(steps, o.evaluations),
        },
      });
      return { training, model: 'model' };
    } finally {
      disposeTree(params);
    }
  },
  describe: (r) => (r.training === undefined ? 'left out: the rows are plain text' : describeTraining(r.training)),
  report: (r, { metrics }) => (r.training === undefined ? [] : [learningCharts('Fine-tuning', metrics, r.training)]),
});
