// Pretraining: the next token of everything there is. Prompts and completions are read as one text each, from the first
// word on: a model that has read prompts alone is slow to find out that completions copy from them.
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { defineStage } from '../pipeline/stage.ts';
import { stage as data } from './data.ts';
import { learningCharts } from './internal/learning-charts.ts';
import { storedRows } from './internal/stored-rows.ts';
import { describeTraining, type TrainingResult, trainModel } from './internal/train-model.ts';
import { stage as plan } from './plan.ts';
import { stage as tokenizer } from './tokenizer.ts';

export interface PretrainResult {
  /** undefined: nothing was pretrained, the model was given */
  training?: TrainingResult;
  /** model folder before training, from the stage's folder (see `modelFolder`) */
  start: string;
  /** model folder after it */
  model: string;
}

const options = z.object({
  steps: z.int().min(1).optional().describe('updates of pretraining (default: what --minutes allow)'),
  learningRate: z
    .number()
    .positive()
    .default(3e-3)
    .describe('highest learning rate of pretraining; it rises, then falls as a cosine'),
  evaluations: z.int().min(1).default(10).describe('evaluations on held-out rows in the course of it'),
});

const maxGradNorm = 1;
const mostEvaluated = 128;

export const stage = defineStage({
  name: 'pretrain',
  summary: 'Train on plain text, from random weights.',
  version: 3,
  needs: ['data', 'tokenizer', 'plan'],
  prefix: 'pretrain',
  options,
  uses: ['seed', 'backend', 'threads'],
  async run(context): Promise<PretrainResult> {
    const { options: o, environment, input, dir } = context;
    const { value: rows, dir: rowsDir } = input(data);
    const { value: tokens, dir: tokenizerDir } = input(tokenizer);
    const { value: planned } = input(plan);
    const { dataset, decoder, loadPretrained, loadTokenizer, savePretrained } = await import('@gimbal/language-models');
    const { disposeTree, rng } = await import('@gimbal/tensor-core');
    const given = tokens.startFrom;
    const steps = o.steps ?? planned.pretrainSteps;
    if (given !== undefined && rows.task !== 'text') return { start: resolve(given), model: resolve(given) };

    const codec = await loadTokenizer(tokenizerDir);
    const { eos, pad } = codec.special;
    const from =
      given === undefined
        ? decoder({
            ...(planned.model as NonNullable<typeof planned.model>),
            eosIds: eos === undefined ? [] : [eos],
            padId: pad ?? 0,
          })
        : undefined;
    const loaded = given === undefined ? undefined : await loadPretrained(given);
    const model = from ?? (loaded as NonNullable<typeof loaded>).model;
    const params = loaded?.params ?? model.init(rng(environment.seed).split('init'));
    try {
      if (given === undefined) await savePretrained(join(dir, 'start'), model, params, { tokenizer: codec });
      const texts = async (name: string) => {
        const stored = await storedRows(rowsDir, name, rows.kind);
        const text = (row: { [column: string]: unknown }): string =>
          typeof row.text === 'string' ? row.text : `${row.prompt}${codec.promptSuffix}${row.completion}`;
        const all = dataset(
          stored.rows.map((row) => ({ text: text(row) })),
          { kind: 'text' },
        );
        return { ...all, where: stored.where };
      };
      const validation = await texts('validation');
      const training = await trainModel(context, {
        model,
        params,
        tokenizer: codec,
        generation: loaded?.generation,
        steps,
        seed: environment.seed,
        learningRate: o.learningRate,
        options: {
          data: await texts('train'),
          evalData: { ...validation, rows: validation.rows.slice(0, mostEvaluated) },
          batchSize: planned.batchSize,
          precision: planned.precision,
          maxGradNorm,
          overflow: 'split',
          // plain text is laid end to end; a pair must not be cut in two by the end of a block
          packing: rows.kind === 'text',
          ...everySteps(steps, o.evaluations),
        },
      });
      return { training, start: given === undefined ? 'start' : resolve(given), model: 'model' };
    } finally {
      disposeTree(params);
    }
  },
  describe: (r) => (r.training === undefined ? `left out: starts from ${r.model}` : describeTraining(r.training)),
  report: (r, { metrics }) => (r.training === undefined ? [] : [learningCharts('Pretraining', metrics, r.training)]),
});

/** Evaluate so many times, and save as often. */
export function everySteps(steps: number, evaluations: number): { evalEvery: number; checkpointEvery: number } {
  const every = Math.max(1, Math.floor(steps / evaluations));
  return { evalEvery: every, checkpointEvery: every };
}
