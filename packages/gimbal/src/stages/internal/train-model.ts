// Training inside a stage: goes on from the checkpoint of an interrupted run, reports progress, and leaves a model folder
// with the parameters that were best on held-out rows: on few rows those are not the last ones.
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { CausalLmOptions, GenerationDefaults, LanguageModel, Tokenizer } from '@gimbal/language-models';
import { type GimbalError, type MetricsRow, NumericalError, type Params, readMetrics } from '@gimbal/tensor-core';
import { median } from '../../bench/sampler.ts';
import type { StageContext } from '../../pipeline/stage.ts';
import { bestParams } from '../../run/best-params.ts';
import { worsened, worthTelling } from '../../run/worsened.ts';
import { longRows } from './long-rows.ts';
import { saveLike } from './save-like.ts';

export interface TrainingRequest {
  model: LanguageModel;
  /** where training starts; not disposed */
  params: Params;
  tokenizer: Tokenizer;
  /** how the model is meant to be sampled from; undefined for one that has just been made */
  generation: GenerationDefaults | undefined;
  /** the trainer's own options; the learning rate is the peak of a cosine with warm-up */
  options: Omit<CausalLmOptions, 'model' | 'params' | 'tokenizer' | 'learningRate' | 'out' | 'seed'>;
  learningRate: number;
  steps: number;
  seed: number;
  /** held-out loss of `params`, where they are a trained model's */
  before?: number;
}

export interface TrainingResult {
  steps: number;
  /** of the last step */
  loss: number;
  /** of the model that is kept */
  heldOutLoss: number;
  /** the step whose model is kept: the one with the lowest held-out loss */
  bestStep: number;
  /** held-out loss of the last step */
  lastHeldOutLoss: number;
  /** held-out loss of the model that training began with, where it was a trained one */
  heldOutLossBefore?: number;
  tokens: number;
  /** target tokens a second, median over the steps */
  tokensPerSecond: number;
  parameters: number;
  /** rows longer than the context, left out */
  leftOut: number;
}

/** share of the steps in which the learning rate rises, and its end as a share of the peak */
const warmupShare = 0.05;
const finalShare = 0.05;

/** AdamW's second constant: .999 remembers longer than these runs last */
const beta2 = 0.98;

/**
 * Train to `steps`, and write `model/` into the stage's folder.
 * @throws StoppedError when the run's signal asks for it, after a checkpoint
 */
export async function trainModel(context: StageContext<unknown>, request: TrainingRequest): Promise<TrainingResult> {
  const { CausalLmTrainer } = await import('@gimbal/language-models');
  const { disposeTree, latestCheckpoint, schedules, StoppedError, treeSize } = await import('@gimbal/tensor-core');
  const { model, params, tokenizer, learningRate, steps, seed } = request;
  const options: CausalLmOptions = {
    ...request.options,
    model,
    params,
    tokenizer,
    seed,
    out: context.logDir,
    keepBest: true,
    optimizer: { name: 'adamw', beta2 },
    learningRate: schedules.cosine({
      peak: learningRate,
      steps,
      warmup: Math.max(1, Math.round(warmupShare * steps)),
      final: finalShare * learningRate,
    }),
  };
  const from = await latestCheckpoint(context.logDir, context.note).catch(absent);
  // what a run killed before its first checkpoint logged will be logged again
  if (from === undefined) await rm(context.logDir, { recursive: true, force: true });
  using trainer =
    from === undefined
      ? new CausalLmTrainer(options)
      : await CausalLmTrainer.resume(context.logDir, options, { warn: context.note });
  if (from !== undefined) context.note(`goes on from step ${trainer.step}`);
  reportLong(context, options.overflow, trainer.overflow);

  const heldOut = heldOutWatch(context);
  try {
    for await (const step of trainer.train({ steps, signal: context.signal })) {
      const text = heldOut(step.step, step.evalLoss);
      context.progress({
        step: step.step,
        total: steps,
        loss: step.loss,
        tokensPerSecond: step.tokensPerSecond,
        ...(text === undefined ? {} : { text }),
      });
    }
  } catch (error) {
    throw inOptions(error, basename(context.logDir), learningRate);
  }
  if (trainer.stopReason === 'signal') {
    const where = `stage ${context.logDir.split(/[\\/]/).at(-1)}`;
    throw new StoppedError({ where, what: `stopped after step ${trainer.step} of ${steps}` });
  }
  const best = await bestParams(context.logDir, trainer, context.note);
  try {
    await saveLike(join(context.dir, 'model'), model, best.params, request);
  } finally {
    if (best.params !== trainer.params) disposeTree(best.params);
  }
  // from the log, so that a run that was resumed says the same as one that was not
  const log = await readMetrics(context.logDir);
  const result: TrainingResult = {
    steps,
    loss: metric(log, 'loss').at(-1) ?? Number.NaN,
    heldOutLoss: best.loss,
    bestStep: best.step,
    lastHeldOutLoss: metric(log, 'evalLoss').at(-1) ?? Number.NaN,
    tokens: metric(log, 'tokens').reduce((sum, n) => sum + n, 0),
    tokensPerSecond: median(metric(log, 'tokensPerSecond').sort((a, b) => a - b)),
    parameters: treeSize(trainer.params),
    leftOut: trainer.overflow.rows,
    ...(request.before === undefined ? {} : { heldOutLossBefore: request.before }),
  };
  const told = overfitting(result);
  const stage = basename(context.logDir);
  if (told !== undefined && !(best.loss < (request.before ?? Number.POSITIVE_INFINITY))) {
    context.note(`warning: ${told}. Try a lower --${stage}-learning-rate than ${learningRate}, or more rows`);
  } else if (told !== undefined) context.note(`${told}; --${stage}-steps ${best.step} ends there`);
  return result;
}

/** A loss that is not finite, in the words of the command line. A run that goes on would meet it again. */
function inOptions(error: unknown, stage: string, learningRate: number): unknown {
  const { code, where, what } = error as Partial<GimbalError>;
  if (code !== 'ERR_NUMERICAL') return error;
  return new NumericalError({
    where: `stage ${stage}, ${where}`,
    what: `${what}`,
    fix: `Start a new run with a lower --${stage}-learning-rate than ${learningRate}; the stages before are kept`,
    cause: error,
  });
}

/** Follows the held-out loss, for the line of progress; says once when it rises. */
function heldOutWatch({ note }: StageContext<unknown>): (step: number, loss: number | undefined) => string | undefined {
  let best: { step: number; loss: number } | undefined;
  let latest: number | undefined;
  let told = false;
  return (step, loss) => {
    if (loss !== undefined) {
      latest = loss;
      if (best === undefined || loss < best.loss) best = { step, loss };
      if (!told && loss > worthTelling * best.loss) {
        told = true;
        note(
          `held-out loss rises: ${loss.toFixed(3)} at step ${step}, ${best.loss.toFixed(3)} at step ${best.step}. The best model is kept`,
        );
      }
    }
    if (latest === undefined || best === undefined) return undefined;
    const from = latest > best.loss ? ` (best ${best.loss.toFixed(3)} at ${best.step})` : '';
    return `held-out ${latest.toFixed(3)}${from}`;
  };
}

/** Says when a model is no better than it was, or went on learning its rows by heart after it was best on others. */
export const overfitting = (r: TrainingResult): string | undefined =>
  worsened({
    before: r.heldOutLossBefore,
    best: { loss: r.heldOutLoss, step: r.bestStep },
    last: { loss: r.lastHeldOutLoss, step: r.steps },
  });

function reportLong(
  { note }: StageContext<unknown>,
  overflow: CausalLmOptions['overflow'],
  { rows, where }: { rows: number; where: readonly string[] },
): void {
  // rows that are split are trained on from end to end
  if (rows === 0 || overflow === 'split') return;
  note(`${longRows('training row', { rows, where }, overflow === 'cut' ? 'cut' : 'left out')}; --context sets it`);
}

/** The numbers of one metric, in the order of the steps. */
const metric = (rows: readonly MetricsRow[], name: string): number[] =>
  rows.flatMap((row) => (typeof row[name] === 'number' ? [row[name]] : []));

/** A folder that is not there holds no checkpoint. */
function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}

/** Its line when it is done. */
export const describeTraining = (r: TrainingResult): string =>
  `${r.steps} steps, loss ${r.loss.toFixed(3)}, held-out ${r.heldOutLoss.toFixed(3)}${r.bestStep === r.steps ? '' : ` at step ${r.bestStep}, kept`}`;
