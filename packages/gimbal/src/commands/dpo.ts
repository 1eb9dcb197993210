// gimbal dpo: a model you have learns from pairs of a better and a worse answer, without sampling and without a reward.
import { join } from 'node:path';
import { ConfigError, readMetrics, writeFileAtomic } from '@gimbal/tensor-core';
import { z } from 'zod';
import { type CommandContext, type CommandResult, defineCommand } from '../cli/command.ts';
import { counted, figure, percent } from '../cli/format.ts';
import { Progress } from '../cli/progress.ts';
import { checkColumns } from '../options/columns.ts';
import { heldOutOf, heldOutOption, splitRows } from '../options/held-out.ts';
import { inParts, partsOption } from '../options/in-parts.ts';
import { refuseBf16, startCompute } from '../run/compute.ts';
import { refuseSeq2Seq } from '../run/decoder-only.ts';
import { alreadyDone, checkpointIn, stoppedRun, underCosine } from '../run/going-on.ts';
import { openPolicy } from '../run/open-policy.ts';
import { optionsOfRun, type RunFolder, withRun } from '../run/run-folder.ts';
import { longRows } from '../sft/long-rows.ts';

/** Updates where no number is given. */
const defaultSteps = 200;

const options = z.object({
  model: z.string().describe('model folder, or a .gguf file: where training starts, and the reference'),
  data: z.string().describe('rows of prompt, chosen and rejected, texts or turns: a .jsonl, .csv or .parquet'),
  columns: z
    .record(z.string(), z.string())
    .optional()
    .describe('names of your columns, as prompt=question,chosen=better,rejected=worse'),
  heldOut: heldOutOption
    .optional()
    .describe('pairs to evaluate on: a number, or a share below 1 (default: a tenth, at most 256)'),
  loss: z
    .enum(['sigmoid', 'ipo', 'hinge', 'robust', 'sigmoid-norm'])
    .default('sigmoid')
    .describe(
      'sigmoid (DPO), ipo, hinge (SLiC), robust (to flipped labels, of which --label-smoothing is the share), sigmoid-norm (per token)',
    ),
  klCoef: partsOption(z.number().positive())
    .default(0.1)
    .describe(
      'β, weight of the KL divergence from the model as it was; several numbers, each for an equal part of the run',
    ),
  labelSmoothing: z
    .number()
    .min(0)
    .max(0.499)
    .default(0)
    .describe('share of labels taken for flipped, below .5; of sigmoid and robust'),
  steps: z.int().min(1).default(defaultSteps).describe('updates; with --resume a larger number trains on'),
  batchSize: z.int().min(1).default(8).describe('pairs at a time'),
  accumulate: z.int().min(1).default(1).describe('batches in one update'),
  learningRate: z
    .number()
    .positive()
    .optional()
    .describe('peak of a cosine with warm-up (default: 2e-5 with an adapter, else 1e-6; small models bear 1e-4)'),
  maxLength: z
    .int()
    .min(2)
    .optional()
    .describe("longest prompt with an answer in tokens (default: the model's context, at most 1024)"),
  overflow: z.enum(['drop', 'cut', 'error']).default('drop').describe('what becomes of a longer pair'),
  lora: z.int().min(0).default(16).describe('rank of the adapter; 0 trains all weights'),
  evalEvery: z.int().min(1).default(50).describe('updates between evaluations'),
  precision: z.enum(['float32', 'bf16']).default('float32').describe('precision of matrix products'),
});
type Options = z.output<typeof options>;

export const command = defineCommand({
  summary: 'Direct preference optimisation of a model you have, on pairs of a better and a worse answer.',
  options,
  resumes: true,
  examples: [
    'gimbal dpo --model SmolLM2-135M-Instruct.Q4_1.gguf --data pairs.jsonl --columns prompt=question',
    'gimbal dpo --model runs/align-1/model --data pairs.jsonl --lora 0 --loss ipo --kl-coef 0.2 --learning-rate 1e-4',
    'gimbal dpo --resume                 go on with the run that was stopped',
  ],
  async run(context) {
    const { options: given } = context;
    checkColumns('dpo', given.columns, ['prompt', 'chosen', 'rejected']);
    if (given.labelSmoothing > 0 && given.loss !== 'sigmoid' && given.loss !== 'robust') {
      const wanted = '--loss sigmoid or robust';
      throw new ConfigError({ where: 'gimbal dpo --label-smoothing', what: `${given.loss} has none`, wanted });
    }
    if (given.loss === 'robust' && given.labelSmoothing === 0 && !given.resume) {
      const what = 'robust without flipped labels is sigmoid';
      const fix = 'Give the share of labels that are flipped, for example --label-smoothing 0.1';
      throw new ConfigError({ where: 'gimbal dpo --loss', what, got: 'robust', fix });
    }
    if (!given.resume) await refuseSeq2Seq('gimbal dpo --model', given.model);
    const note = (text: string): void => context.output.note(text);
    const request = { command: 'dpo', options: given, given: context.given, note, longer: underCosine(defaultSteps) };
    return withRun(request, (run) => learn(context, run));
  },
});

async function learn(context: CommandContext<Options>, run: RunFolder): Promise<CommandResult> {
  const { output, signal } = context;
  const o = optionsOfRun(context.options, run) as CommandContext<Options>['options'];
  const compute = await startCompute(o);
  refuseBf16('gimbal dpo', o.precision, compute);
  const { DpoTrainer, preferenceTokens } = await import('@gimbal/nash-md');
  const lm = await import('@gimbal/language-models');
  const { rng, schedules } = await import('@gimbal/tensor-core');
  const note = (text: string): void => output.note(text);
  // refused before a model is downloaded
  const rows = await lm.readRows(o.data, {
    ...(o.columns === undefined ? {} : { columns: o.columns }),
    usable: ['preference', 'conversation-preference'],
  });
  const open = await openPolicy('gimbal dpo', { ...o, output, signal });
  try {
    const { policy, params, tokenizer, contextLength } = open;
    const limit = lengthLimit(o.maxLength, contextLength);
    const { pairs, overflow, equal } = preferenceTokens(rows, tokenizer, { limit, overflow: o.overflow });
    if (overflow.rows > 0)
      note(
        longRows(overflow, counted(rows.rows.length, 'pair'), {
          tokens: limit,
          context: contextLength,
          overflow: o.overflow,
        }),
      );
    if (equal.rows > 0)
      note(`${counted(equal.rows, 'pair')} with equal completions left out: ${equal.where.join(', ')}`);
    const share = heldOutOf('dpo', o.heldOut, pairs.length);
    const { training: data, heldOut } = splitRows(pairs, share, rng(o.seed).split('split'));
    note(`${counted(data.length, 'pair')}, ${heldOut.length} held out`);
    if (pairs.length === 1)
      note('warning: the only pair is learned from and measured on: what is measured says nothing of other pairs');
    const peak = o.learningRate ?? (o.lora > 0 ? 2e-5 : 1e-6);
    const trainerOptions = {
      ...{ policy, params, data, evalData: heldOut, padId: tokenizer.special.pad ?? 0 },
      ...{
        klCoef: inParts(o.klCoef, o.steps),
        dpoLoss: o.loss,
        labelSmoothing: o.labelSmoothing,
        seed: o.seed,
        precision: o.precision,
      },
      batchSize: Math.min(o.batchSize, data.length),
      accumulate: o.accumulate,
      evalEvery: Math.min(o.evalEvery, o.steps),
      checkpointEvery: Math.max(1, Math.ceil(o.steps / 10)),
      out: join(run.path, 'training'),
      learningRate: schedules.cosine({
        ...{ peak, steps: o.steps, final: peak / 10 },
        warmup: Math.max(1, Math.round(o.steps / 20)),
      }),
    };
    const progress = new Progress(output, 'dpo');
    using trainer = (await checkpointIn(trainerOptions.out, note))
      ? await DpoTrainer.resume(trainerOptions.out, trainerOptions, { warn: note })
      : new DpoTrainer(trainerOptions);
    const isDone = trainer.step >= o.steps;
    if (isDone) note(alreadyDone(trainer.step));
    for await (const s of trainer.train({ steps: o.steps, signal })) {
      const text = `loss ${s.loss.toFixed(4)}  right ${percent(s.accuracy)}  margin ${figure(s.margin)}`;
      progress.update({ step: s.step, total: o.steps, text });
    }
    if (trainer.stopReason === 'signal')
      throw stoppedRun('dpo', run.path, `stopped after step ${trainer.step} of ${o.steps}`);
    // from the log: a run that is gone on with after its last update evaluates nothing
    const { evalLoss, evalAccuracy } = await lastEvaluation(trainerOptions.out);
    progress.done(
      `held-out loss ${evalLoss.toFixed(4)}, the better answer is rewarded more in ${percent(evalAccuracy)}`,
    );
    const path = await open.save(run.path, trainer.params);
    const { dpoReport } = await import('../nash/dpo-report.ts');
    const report = join(run.path, 'report.html');
    await writeFileAtomic(
      report,
      await dpoReport({
        run: run.path,
        loss: o.loss,
        klCoef: o.klCoef,
        evalLoss,
        evalAccuracy,
        pairs: data.length,
        seconds: isDone ? undefined : progress.seconds,
        backend: compute.name,
      }),
    );
    if (!output.json) {
      output.line(`report  ${report}`);
      output.line(`${o.lora > 0 ? 'adapter' : 'model'}  ${path}`);
    }
    await compute.trace(output);
    return {
      json: {
        run: run.path,
        report,
        path,
        steps: trainer.step,
        heldOutLoss: evalLoss,
        heldOutAccuracy: evalAccuracy,
        tooLong: overflow.rows,
        equal: equal.rows,
      },
    };
  } finally {
    open.dispose();
  }
}

/** Most tokens of a row. @throws ConfigError for more than the model reads */
function lengthLimit(maxLength: number | undefined, contextLength: number): number {
  if (maxLength === undefined) return Math.min(contextLength, 1024);
  if (maxLength <= contextLength) return maxLength;
  const [where, wanted] = ['gimbal dpo --max-length', `at most ${contextLength}`];
  throw new ConfigError({ where, what: 'longer than the context of the model', got: maxLength, wanted });
}

/** Loss and accuracy on the held-out pairs, as last logged; NaN where a number was none. */
async function lastEvaluation(folder: string): Promise<{ evalLoss: number; evalAccuracy: number }> {
  const row = (await readMetrics(folder)).findLast((one) => one.evalLoss !== undefined);
  return { evalLoss: row?.evalLoss ?? Number.NaN, evalAccuracy: row?.evalAccuracy ?? Number.NaN };
}
