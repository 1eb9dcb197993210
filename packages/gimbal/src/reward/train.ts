// What gimbal reward does with its rows: training, accuracy by slice, calibration, the folder.
import { join } from 'node:path';
import type { Dataset } from '@gimbal/language-models';
import type {
  PairRow,
  PairTrainerOptions,
  PreferenceModel,
  PreferenceTrainer,
  RewardModel,
  RewardTrainer,
  Share,
} from '@gimbal/reward-models';
import { ConfigError, type LoopOptions, schedules, type Trainer, type TrainStep } from '@gimbal/tensor-core';
import { counted } from '../cli/format.ts';
import type { Output } from '../cli/output.ts';
import { Progress } from '../cli/progress.ts';
import { checkpointIn, stoppedRun } from '../run/going-on.ts';
import { hubOptions } from '../run/hub.ts';
import { modelPath } from '../run/model-path.ts';
import { bySlice, sayAccuracy } from './accuracy.ts';
import { toldCalibration } from './calibration.ts';
import { toldGuessing } from './guessing.ts';
import { judgeLabels } from './judge-rows.ts';
import { toldLong } from './long-pairs.ts';
import { pairMargins } from './pair-margins.ts';
import { writeRewardReport } from './report.ts';

/** The options of the command. */
export interface RewardSettings {
  kind: 'bradley-terry' | 'pairwise' | 'entailment';
  model: string;
  labels?: string[] | undefined;
  form: 'antisymmetric' | 'skew-symmetric';
  slice?: string | undefined;
  steps: number;
  batchSize: number;
  learningRate?: number | undefined;
  dropout: number;
  labelSmoothing: number;
  centerCoef: number;
  lora: number;
  maxLength?: number | undefined;
  overflow: 'drop' | 'cut' | 'error';
  evalEvery: number;
  precision: 'float32' | 'bf16';
  seed: number;
}

/** Where a run writes and what it says. */
export interface RewardContext {
  path: string;
  output: Output;
  signal: AbortSignal;
}

interface Parts {
  train: Dataset;
  heldOut: Dataset;
}

/** A reward or a preference model. */
export async function trainPairs(o: RewardSettings, parts: Parts, context: RewardContext): Promise<object> {
  const reward = await import('@gimbal/reward-models');
  const { disposeTree } = await import('@gimbal/tensor-core');
  const pairwise = o.kind === 'pairwise';
  const width = pairwise && o.form === 'skew-symmetric' ? 8 : 1;
  const labels = width === 1 ? [pairwise ? 'preference' : 'reward'] : Array.from({ length: width }, (_, i) => `v${i}`);
  const { model: heads, params, tokenizer } = await loadBody('gimbal reward', { ...o, labels }, context);
  const common = {
    ...loopOptions(o, join(context.path, 'training')),
    params,
    tokenizer,
    data: parts.train,
    evalData: parts.heldOut,
    dropout: o.dropout,
    labelSmoothing: o.labelSmoothing,
    overflow: o.overflow,
    ...(o.maxLength === undefined ? {} : { maxLength: o.maxLength }),
    ...(o.lora === 0 ? {} : { lora: { rank: o.lora } }),
    learningRate: rateOf(o.learningRate ?? 5e-5, o.steps),
  };
  const model = pairwise ? reward.preferenceModel(heads, { form: o.form }) : reward.rewardModel(heads);
  const warn = (text: string): void => context.output.note(text);
  const begun = (await checkpointIn(common.out, warn)) !== undefined;
  using trainer = await startPairs(reward, model, common, o.centerCoef, begun, warn);
  const { overflow } = trainer;
  if (overflow.rows > 0) {
    const limit = reward.answerEncoder(heads.config, tokenizer, lengthOf(o)).limit;
    const long = { ...overflow, limit, overflow: o.overflow };
    context.output.note(toldLong(long, parts.train.rows.length, 'training pair'));
  }
  await follow(trainer, o, context);

  const own = trainer.model();
  const { rows, templated } = reward.pairTexts(parts.heldOut, tokenizer);
  const held = rows.map(({ row, chosen, rejected }): PairRow => ({ ...row, chosen, rejected }));
  const { fitting, margins } = await pairMargins(model, own, tokenizer, held, {
    templated,
    ...(o.maxLength === undefined ? {} : { maxLength: o.maxLength }),
  });
  if (fitting.length < held.length)
    context.output.note(`${counted(held.length - fitting.length, 'held-out pair')} too long to be scored`);
  const accuracy = bySlice(fitting, reward.labelledMargins(margins, fitting), o.slice, reward.accuracyOfMargins);
  // what pairTexts reads a label as: false is 0, and absent is 1
  const targets = new Map(held.map((row, i) => [row, rows[i]?.target ?? 1]));
  const fitted = reward.fitTemperature(
    margins,
    fitting.map((row) => targets.get(row) as number),
  );
  const { text, ...calibration } = toldCalibration(fitted, accuracy.all as Share);
  const target = join(context.path, 'model');
  await reward.saveReward(target, model, own, {
    tokenizer,
    temperature: calibration.temperature,
    ...(templated && { templated }),
  });
  sayAccuracy(accuracy, context.output);
  const guessing = accuracy.all && toldGuessing(accuracy.all, 'pairs');
  if (guessing !== undefined) warn(`warning: ${guessing}`);
  context.output.line(`calibration error ${text}; saved to ${target}`);
  const report = await writeRewardReport({
    eyebrow: 'gimbal reward',
    run: context.path,
    title: `A ${pairwise ? 'preference' : 'reward'} model from ${counted(parts.train.rows.length, 'pair')}`,
    accuracy,
    figures: [
      {
        label: 'calibration error',
        value: calibration.errorAfter.toFixed(3),
        detail: text,
      },
    ],
    curves: { Training: common.out },
  });
  context.output.line(`report  ${report}`);
  for (const tree of [params, own]) disposeTree(tree);
  return { report, path: target, kind: o.kind, steps: trainer.step, accuracy, calibration, tooLong: overflow };
}

const lengthOf = ({ maxLength }: { maxLength?: number | undefined }): { maxLength?: number } =>
  maxLength === undefined ? {} : { maxLength };

/** A new trainer, or the one of the run that was stopped. */
async function startPairs(
  reward: typeof import('@gimbal/reward-models'),
  model: RewardModel | PreferenceModel,
  common: PairTrainerOptions & { out: string },
  centerCoef: number,
  begun: boolean,
  warn: (text: string) => void,
): Promise<RewardTrainer | PreferenceTrainer> {
  if (model.kind === 'pairwise') {
    const options = { ...common, model };
    return begun
      ? reward.PreferenceTrainer.resume(common.out, options, { warn })
      : new reward.PreferenceTrainer(options);
  }
  const options = { ...common, model, centerCoef };
  return begun ? reward.RewardTrainer.resume(common.out, options, { warn }) : new reward.RewardTrainer(options);
}

/** A judge: a classifier of text pairs. */
export async function trainJudge(o: RewardSettings, parts: Parts, context: RewardContext): Promise<object> {
  const lm = await import('@gimbal/language-models');
  const { nliLabels, shareOf } = await import('@gimbal/reward-models');
  const { disposeTree } = await import('@gimbal/tensor-core');
  const labels = o.labels ?? [...judgeLabels];
  nliLabels({ labels }); // refused before anything is read
  const { model, params, tokenizer } = await loadBody('gimbal reward', { ...o, labels, judge: true }, context);
  const note = (text: string): void => context.output.note(text);
  const options = {
    ...loopOptions(o, join(context.path, 'training')),
    model: o.dropout === 0 ? model : lm.classifier({ ...model.config, dropout: o.dropout }, model.labels),
    params,
    tokenizer,
    data: parts.train,
    evalData: parts.heldOut,
    ...(o.maxLength === undefined ? {} : { maxLength: o.maxLength }),
    learningRate: rateOf(o.learningRate ?? 5e-5, o.steps),
  };
  using trainer = (await checkpointIn(options.out, note))
    ? await lm.ClassifierTrainer.resume(options.out, options)
    : new lm.ClassifierTrainer(options);
  if (trainer.cut.rows > 0)
    context.output.note(`${counted(trainer.cut.rows, 'row')} lost the end of their longer text`);
  await follow(trainer, o, context);
  const limit = Math.min(o.maxLength ?? model.config.contextLength, model.config.contextLength);
  const { rows } = lm.labelledRows(parts.heldOut, tokenizer, { labels, limit });
  const found = await lm.classify(model, trainer.params, rows);
  const right = found.map(({ prediction }, i) => Number(prediction === rows[i]?.target) - 0.5);
  const accuracy = bySlice(parts.heldOut.rows, right, o.slice, (list) =>
    shareOf(Array.from(list).filter((x) => x > 0).length, list.length),
  );
  const target = join(context.path, 'model');
  await lm.saveClassifier(target, model, trainer.params, { tokenizer });
  sayAccuracy(accuracy, context.output);
  const guessing = accuracy.all && toldGuessing(accuracy.all, labels.length);
  if (guessing !== undefined) note(`warning: ${guessing}`);
  context.output.line(`saved to ${target}`);
  const report = await writeRewardReport({
    eyebrow: 'gimbal reward',
    run: context.path,
    title: `A judge from ${counted(parts.train.rows.length, 'labelled row')}`,
    accuracy,
    curves: { Training: options.out },
  });
  context.output.line(`report  ${report}`);
  disposeTree(params);
  return { report, path: target, kind: o.kind, steps: trainer.step, accuracy, cut: trainer.cut };
}

/**
 * The body with a head for these labels.
 * @param command names it in messages
 * @throws ConfigError for a folder without a tokenizer, or, for judges, one whose tokenizer cannot join two texts
 */
export async function loadBody(
  command: string,
  { model, labels, seed, judge }: { model: string; labels: readonly string[]; seed: number; judge?: boolean },
  { output, signal }: { output: Output; signal: AbortSignal },
) {
  const where = `${command} --model`;
  const folder = await modelPath(model, where, hubOptions(output, signal));
  if (folder.endsWith('.gguf')) {
    const what = 'a .gguf file holds a model that writes; a body to put a head on comes from a model folder';
    throw new ConfigError({ where, what, got: model, fix: 'Give the folder that the file was made from' });
  }
  const { frameTokens, loadClassifier, loadTokenizer } = await import('@gimbal/language-models');
  // what a tokenizer cannot do is refused before the weights are read
  const tokenizer = await loadTokenizer(folder, false);
  if (tokenizer && judge) {
    try {
      frameTokens(tokenizer, new Int32Array(), new Int32Array());
    } catch (cause) {
      const what = 'its tokenizer does not say how two texts are joined, so that it cannot judge pairs of them';
      const wanted = 'an encoder, such as sentence-transformers/all-MiniLM-L6-v2';
      throw new ConfigError({ where, what, got: model, wanted, cause });
    }
  }
  if (!tokenizer) throw new ConfigError({ where, what: 'it has no tokenizer', got: folder, wanted: 'tokenizer.json' });
  const { tokenizer: _, warnings, ...loaded } = await loadClassifier(folder, { labels, seed });
  for (const warning of warnings) output.note(`warning ${warning}`);
  return { ...loaded, tokenizer };
}

const loopOptions = (o: RewardSettings, out: string): Omit<LoopOptions, 'learningRate'> & { out: string } => ({
  batchSize: o.batchSize,
  precision: o.precision,
  evalEvery: Math.min(o.evalEvery, o.steps),
  seed: o.seed,
  out,
});

/** Up to the peak over a twentieth of the run, then down along a cosine: constant rates ruin small encoders. */
export const rateOf = (peak: number, steps: number): ((step: number) => number) =>
  schedules.cosine({ peak, steps, warmup: Math.max(1, Math.round(steps / 20)), final: peak / 20 });

/** Trains to the end, and says how it goes. @throws StoppedError when the signal asks for it, after a checkpoint */
async function follow(
  trainer: Trainer<TrainStep> & { readonly stopReason: string | undefined; readonly step: number },
  o: RewardSettings,
  { path, output, signal }: RewardContext,
): Promise<void> {
  const progress = new Progress(output, 'reward');
  for await (const step of trainer.train({ steps: o.steps, signal })) {
    const text = `step ${step.step}/${o.steps}  loss ${step.loss.toFixed(4)}`;
    if (step.evalLoss !== undefined) {
      output.note(
        `${text}  held-out ${step.evalLoss.toFixed(4)}, accuracy ${(100 * (step.evalAccuracy ?? 0)).toFixed(1)} %`,
      );
    } else progress.update({ step: step.step, total: o.steps, loss: step.loss });
  }
  if (trainer.stopReason !== 'signal') return;
  throw stoppedRun('reward', path, `stopped after step ${trainer.step} of ${o.steps}`);
}
