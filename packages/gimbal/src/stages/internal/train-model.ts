// Training inside a stage: goes on from the checkpoint of an interrupted run, reports progress, and leaves a model folder.
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { CausalLmOptions, LanguageModel, Tokenizer } from '@gimbal/language-models';
import type { Params } from '@gimbal/tensor-core';
import { median } from '../../bench/sampler.ts';
import { type MetricsRow, metric, readMetrics } from '../../pipeline/metrics.ts';
import type { StageContext } from '../../pipeline/stage.ts';

export interface TrainingRequest {
  model: LanguageModel;
  /** where training starts; not disposed */
  params: Params;
  tokenizer: Tokenizer;
  /** the trainer's own options; the learning rate is the peak of a cosine with warm-up */
  options: Omit<CausalLmOptions, 'model' | 'params' | 'tokenizer' | 'learningRate' | 'out' | 'seed'>;
  learningRate: number;
  steps: number;
  seed: number;
}

export interface TrainingResult {
  steps: number;
  /** of the last step, and of the last evaluation */
  loss: number;
  heldOutLoss: number;
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

/** a last held-out loss this many times the best is overfitting, not noise */
const worthTelling = 1.03;

/** AdamW's second constant: .999 remembers longer than these runs last */
const beta2 = 0.98;

/**
 * Train to `steps`, and write `model/` into the stage's folder.
 * @throws StoppedError when the run's signal asks for it, after a checkpoint
 */
export async function trainModel(context: StageContext<unknown>, request: TrainingRequest): Promise<TrainingResult> {
  const { CausalLmTrainer, savePretrained } = await import('@gimbal/language-models');
  const { latestCheckpoint, schedules, StoppedError, treeSize } = await import('@gimbal/tensor-core');
  const { model, params, tokenizer, learningRate, steps, seed } = request;
  const options: CausalLmOptions = {
    ...request.options,
    model,
    params,
    tokenizer,
    seed,
    out: context.logDir,
    keepBest: false,
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

  let heldOut: number | undefined;
  for await (const step of trainer.train({ steps, signal: context.signal })) {
    heldOut = step.evalLoss ?? heldOut;
    context.progress({
      step: step.step,
      total: steps,
      loss: step.loss,
      tokensPerSecond: step.tokensPerSecond,
      ...(heldOut === undefined ? {} : { text: `held-out ${heldOut.toFixed(3)}` }),
    });
  }
  if (trainer.stopReason === 'signal') {
    const where = `stage ${context.logDir.split(/[\\/]/).at(-1)}`;
    throw new StoppedError({ where, what: `stopped after step ${trainer.step} of ${steps}` });
  }
  await savePretrained(join(context.dir, 'model'), model, trainer.params, { tokenizer });
  // from the log, so that a run that was resumed says the same as one that was not
  const log = await readMetrics(context.logDir);
  reportOverfitting(context, log);
  return {
    steps,
    loss: metric(log, 'loss').at(-1) ?? Number.NaN,
    heldOutLoss: metric(log, 'evalLoss').at(-1) ?? Number.NaN,
    tokens: metric(log, 'tokens').reduce((sum, n) => sum + n, 0),
    tokensPerSecond: median(metric(log, 'tokensPerSecond').sort((a, b) => a - b)),
    parameters: treeSize(trainer.params),
    leftOut: trainer.overflow.rows,
  };
}

function reportLong(
  { note }: StageContext<unknown>,
  overflow: CausalLmOptions['overflow'],
  { rows, where }: { rows: number; where: readonly string[] },
): void {
  // rows that are split are trained on from end to end
  if (rows === 0 || overflow === 'split') return;
  const more = rows > where.length ? ', …' : '';
  const done = overflow === 'cut' ? 'cut' : 'left out';
  note(
    `${rows} ${rows === 1 ? 'row is' : 'rows are'} longer than the context and ${done} (${where.slice(0, 3).join(', ')}${more}); --context sets it`,
  );
}

/** Says when a model went on learning its rows by heart after it was best on others. */
function reportOverfitting({ note, logDir }: StageContext<unknown>, log: readonly MetricsRow[]): void {
  const evaluations = log.flatMap(({ step, evalLoss }) => (typeof evalLoss === 'number' ? [{ step, evalLoss }] : []));
  const last = evaluations.at(-1);
  const best = evaluations.toSorted((a, b) => a.evalLoss - b.evalLoss)[0];
  if (last === undefined || best === undefined || last.evalLoss < worthTelling * best.evalLoss) return;
  note(
    `held-out loss was ${best.evalLoss.toFixed(3)} at step ${best.step} and rose to ${last.evalLoss.toFixed(3)}: too many steps for so few rows; --${basename(logDir)}-steps ${best.step} ends there`,
  );
}

/** A folder that is not there holds no checkpoint. */
function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}

/** Its line when it is done. */
export const describeTraining = (r: TrainingResult): string =>
  `${r.steps} steps, loss ${r.loss.toFixed(3)}, held-out ${r.heldOutLoss.toFixed(3)}`;
