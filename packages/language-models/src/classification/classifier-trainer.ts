// Training a classifier: cross-entropy of the labels, of each for itself where a row may have several, or the squared error
// where there is one. The loop, its checkpoints and metrics are tensor-core's.
import {
  ConfigError,
  checkKnown,
  crossEntropy,
  DataError,
  DataTrainer,
  type LoopOptions,
  type LoopSetup,
  LoopTrainer,
  loopNames,
  optionNames,
  type Params,
  rng,
} from '@gimbal/tensor-core';
import {
  mean,
  mul,
  reshape,
  type Scalar,
  softplus,
  squaredDifference,
  sub,
  sum,
  type Tensor1D,
  type Tensor2D,
  tensor1d,
  tensor2d,
  tidy,
} from '@tensorflow/tfjs-core';
import { epochBatches } from '../data/row-batches.ts';
import type { Dataset } from '../data/rows.ts';
import { padRows } from '../encoder/encode-texts.ts';
import type { EncoderBatch } from '../encoder/encoder.ts';
import { checkVocabulary } from '../internal/check-training.ts';
import { classifierWriter } from '../pretrained/model-writer.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { ClassificationProblem, Classifier } from './classifier.ts';
import { type Classified, classify } from './classify.ts';
import { type LabelledRow, type LabelledRows, labelledRows } from './labelled-rows.ts';

/** What `ClassifierTrainer` trains, on which rows; the rest is every trainer's, of which none but the seed is needed. */
export interface ClassifierOptions
  extends Omit<LoopOptions, keyof typeof classifierDefaults>,
    Partial<Pick<LoopOptions, keyof typeof classifierDefaults>> {
  /** Body and head; its labels name the classes. */
  model: Classifier;
  /** Where training starts; not changed, not kept. */
  params: Params;
  /** The one the body was trained with. */
  tokenizer: Tokenizer;
  /** Rows of kind `labelled-text` or `labelled-pair`. */
  data: Dataset;
  /** Held-out rows: their loss and accuracy are logged as evalLoss and evalAccuracy. */
  evalData?: Dataset;
  /** Longest row in tokens; by default, and at most, the model's context. */
  maxLength?: number;
}

/** What the trainer uses where nothing is given, beside the loop's own defaults. */
export const classifierDefaults = { learningRate: 5e-5, batchSize: 32, maxGradNorm: 1 } as const;

interface Batch extends EncoderBatch {
  readonly targets: readonly LabelledRow['target'][];
}

/** Trains a classifier. Owns its copy of the parameters until `dispose()`. */
export class ClassifierTrainer extends DataTrainer<Batch> {
  /** Training rows whose longer text lost its end. */
  readonly cut: LabelledRows['cut'];

  /** @throws ConfigError for options, DataError for rows that cannot be used, before anything is allocated */
  constructor(options: ClassifierOptions);
  /** @internal a loop that was resumed */
  constructor(options: ClassifierOptions, prepared: Prepared, loop: LoopTrainer<Batch>);
  constructor(options: ClassifierOptions, prepared = prepare(options), loop = new LoopTrainer(prepared.setup)) {
    super(loop);
    this.cut = prepared.cut;
  }

  /** Goes on with a saved run. @throws CheckpointError where there is no valid checkpoint, or it is another run's */
  static async resume(
    from: string,
    options: ClassifierOptions,
    o: { warn?: (message: string) => void } = {},
  ): Promise<ClassifierTrainer> {
    const prepared = prepare(options);
    return new ClassifierTrainer(options, prepared, await LoopTrainer.resume(from, prepared.setup, o));
  }
}

interface Prepared {
  setup: LoopSetup<Batch>;
  cut: LabelledRows['cut'];
}

const classifierNames = optionNames<ClassifierOptions>({
  ...loopNames,
  model: true,
  params: true,
  tokenizer: true,
  data: true,
  evalData: true,
  maxLength: true,
});

function prepare(options: ClassifierOptions): Prepared {
  checkKnown('ClassifierTrainer', options, classifierNames);
  const { model, params, tokenizer, data, evalData, maxLength, ...loop } = { ...classifierDefaults, ...options };
  const { config, labels, problem } = model;
  checkProblem(model);
  checkVocabulary('ClassifierTrainer', tokenizer, config);
  const limit = Math.min(maxLength ?? config.contextLength, config.contextLength);
  const train = labelledRows(data, tokenizer, { labels, limit, problem });
  if (train.rows.length === 0) throw new DataError({ where: 'ClassifierTrainer', what: 'there are no rows' });
  const evaluation = evalData && labelledRows(evalData, tokenizer, { labels, limit, problem }).rows;
  const order = { batchSize: loop.batchSize, rng: rng(loop.seed).split('data') };
  const batches = epochBatches(train.rows, order, (rows) => ({
    ...padRows(rows, config.padId),
    targets: rows.map((row) => row.target),
  }));
  const write = classifierWriter();
  const setup: LoopSetup<Batch> = {
    params,
    batches,
    loss: (p, batch, { rng: noise, gradientCheckpointing }) => {
      const logits = model.logits(p, batch, { rng: noise, gradientCheckpointing });
      return { sum: sum<Scalar>(lossOfRows(logits, batch.targets, problem)), weight: batch.targets.length };
    },
    ...(evaluation && {
      evaluate: async (p: Params) => evaluateClassifier(model, p, evaluation, loop.batchSize),
    }),
    options: loop,
    config: { model: config, labels, problem, maxLength: limit, rows: train.rows.length },
    ...(write && { saveModel: (folder: string, p: Params) => write(folder, model, p, { tokenizer }) }),
  };
  return { setup, cut: train.cut };
}

/** What has no loss here. @throws ConfigError naming it */
function checkProblem({ problem, labels }: Classifier): void {
  if (problem === 'multi-label' || (problem === 'regression') === (labels.length === 1)) return;
  throw new ConfigError({
    where: 'ClassifierTrainer.model',
    what: problem === 'regression' ? 'a regression of several values is not trained here' : 'one class is no choice',
    got: `${problem} of ${labels.length} labels`,
    wanted: 'regression of one label, or another problem of several',
  });
}

/** Of each row −log p(label), its mean over the classes where each is for itself, or (value − target)². */
function lossOfRows(
  logits: Tensor2D,
  targets: readonly LabelledRow['target'][],
  problem: ClassificationProblem,
): Tensor1D {
  const values = Float32Array.from(targets.flat());
  switch (problem) {
    case 'regression':
      return squaredDifference(reshape(logits, [-1]), tensor1d(values));
    case 'multi-label': // −y log σ(z) − (1 − y) log(1 − σ(z))
      return mean(sub(softplus(logits), mul(tensor2d(values, logits.shape), logits)), 1);
    case 'single-label':
      return crossEntropy(logits, tensor1d(Int32Array.from(values), 'int32'), { reduction: 'none' });
  }
}

/** Whether a row is answered right: of a multi-label problem every class of it, each from a probability of ½ on. */
const isRight = ({ prediction, logits }: Classified, target: LabelledRow['target']): boolean =>
  typeof target === 'number' ? prediction === target : target.every((has, i) => Number(Number(logits[i]) > 0) === has);

/** Mean loss, and the share of rows that are right (with one label: the loss alone). */
async function evaluateClassifier(
  model: Classifier,
  params: Params,
  rows: readonly LabelledRow[],
  batchSize: number,
): Promise<{ loss: number; [metric: string]: number }> {
  const found = await classify(model, params, rows, { batchSize });
  const targets = rows.map(({ target }) => target);
  const logits = found.flatMap((row) => [...row.logits]);
  const losses = tidy(() =>
    lossOfRows(tensor2d(logits, [rows.length, model.labels.length]), targets, model.problem).dataSync<'float32'>(),
  );
  const right = found.filter((row, i) => isRight(row, targets[i] as LabelledRow['target'])).length;
  const n = rows.length;
  return { loss: losses.reduce((a, b) => a + b, 0) / n, ...(model.labels.length > 1 ? { accuracy: right / n } : {}) };
}
