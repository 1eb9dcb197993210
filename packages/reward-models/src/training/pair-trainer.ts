// What reward and preference trainers share: pairs as batches, one tree or an adapter beside it, evaluation, checkpoints
// that are models. The loop itself is tensor-core's.
import {
  adaptTree,
  type Classifier,
  classifier,
  classifierWriter,
  createLora,
  type Dataset,
  type DecoderConfig,
  disposeAdapter,
  type ForwardOptions,
  type LoraAdapter,
  type LoraOptions,
  mergeLora,
  type OverflowReport,
  type Tokenizer,
} from '@gimbal/language-models';
import {
  ConfigError,
  DataError,
  DataTrainer,
  disposeTree,
  eventTurn,
  flatten,
  type LoopOptions,
  type LoopSetup,
  LoopTrainer,
  type LossResult,
  loopNames,
  mergeTrees,
  type Params,
  rng,
  unflatten,
} from '@gimbal/tensor-core';
import { clone, keep, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { hashLists } from '../data/hash-lists.ts';
import { type PreferencePair, preferencePairs } from '../data/preference-pairs.ts';
import { scorePath } from '../models/with-body.ts';
import { checkSaved } from '../options/check-saved.ts';
import { batchPairs, type PairBatch, pairBatches } from './pair-batches.ts';

/** What the trainers use where nothing is given, beside the loop's own defaults. */
export const pairTrainerDefaults = {
  learningRate: 1e-4,
  batchSize: 16,
  maxGradNorm: 1,
  dropout: 0,
  labelSmoothing: 0,
} as const;

/** What a trainer on pairs takes beside its model: the loop's options, of which none but the seed is needed. */
export interface PairTrainerOptions
  extends Omit<LoopOptions, 'learningRate' | 'batchSize' | 'maxGradNorm'>,
    Partial<Pick<LoopOptions, 'learningRate' | 'batchSize' | 'maxGradNorm'>> {
  /** Where training starts; not changed, not kept. */
  params: Params;
  /** The one the body was trained with. */
  tokenizer: Tokenizer;
  /** Rows of preferences, or of conversations with a better and a worse answer. */
  data: Dataset;
  /** Held-out rows: their loss and accuracy are logged as evalLoss and evalAccuracy. */
  evalData?: Dataset;
  /** Chance that an activation is dropped in training, in [0, 1); scoring never drops (0). */
  dropout?: number;
  /** Share of the probability that is given to the answer that was not chosen, in [0, .5) (0). */
  labelSmoothing?: number;
  /** Longest row in tokens; by default, and at most, the model's context. */
  maxLength?: number;
  /** Train an adapter and the head in place of all weights (decoders only); checkpoints hold the merged model. */
  lora?: LoraOptions;
}

/** Names of `PairTrainerOptions`. */
export const pairTrainerNames = {
  ...loopNames,
  params: true,
  tokenizer: true,
  data: true,
  evalData: true,
  dropout: true,
  labelSmoothing: true,
  maxLength: true,
  lora: true,
} as const satisfies Record<keyof PairTrainerOptions, true>;

/** A trainer's loss on a batch, and its numbers to log. */
export type PairObjective = (model: Classifier, params: Params, batch: PairBatch, o: ForwardOptions) => LossResult;

/** The loop of a trainer, before it is made. */
export interface PreparedPairs {
  readonly setup: LoopSetup<PairBatch>;
  readonly overflow: OverflowReport;
  /** The whole tree of the model, of what the loop trains; `owned` says whether the caller disposes it. */
  readonly whole: (trained: Params) => { params: Params; owned: boolean };
  /** Frees what was made for the loop. */
  readonly release: () => void;
}

/** Turns rows into batches and options into the loop's setup. */
export function preparePairs(
  where: string,
  model: { classifier: Classifier },
  options: PairTrainerOptions,
  { objective, together, config }: { objective: PairObjective; together: boolean; config: object },
): PreparedPairs {
  const { params, tokenizer, data, evalData, dropout, maxLength, lora, labelSmoothing, ...loop } = {
    ...pairTrainerDefaults,
    ...options,
  };
  if (!(dropout >= 0 && dropout < 1)) {
    const wanted = 'a number from 0 to below 1';
    throw new ConfigError({ where: `${where}.dropout`, what: 'out of range', got: dropout, wanted });
  }
  if (!(labelSmoothing >= 0 && labelSmoothing < 0.5)) {
    const wanted = 'a number from 0 to below .5';
    throw new ConfigError({ where: `${where}.labelSmoothing`, what: 'out of range', got: labelSmoothing, wanted });
  }
  checkEffects(where, options);
  const heads = model.classifier;
  const { padId } = heads.config;
  if (lora !== undefined && 'typeVocabulary' in heads.config) {
    const got = heads.config.family;
    const fix = 'Train all weights, or use a decoder';
    throw new ConfigError({ where: `${where}.lora`, what: 'adapters are for decoders', got, fix });
  }
  const fit = (set: Dataset) =>
    preferencePairs(set, heads.config, tokenizer, {
      together,
      ...(maxLength === undefined ? {} : { maxLength }),
      ...(loop.overflow === undefined ? {} : { overflow: loop.overflow }),
    });
  const train = fit(data);
  const evaluation = evalData && fit(evalData).pairs;
  if (evaluation && !evaluation.some(({ weight }) => weight > 0)) {
    const fix = 'Give one a weight, or leave evalData out';
    throw new DataError({ where: `${where}.evalData`, what: 'all weights are 0', wanted: 'at least one above 0', fix });
  }
  // the same parameters under a body that drops
  const noisy = dropout === 0 ? heads : classifier({ ...heads.config, dropout }, heads.labels);
  const tree = trainedTree(heads, params, lora, loop.seed);
  const write = classifierWriter();
  const setup: LoopSetup<PairBatch> = {
    params: tree.start,
    batches: pairBatches(train.pairs, { batchSize: loop.batchSize, padId, rng: rng(loop.seed).split('data') }),
    loss: (p, batch, { rng: noise, gradientCheckpointing }) =>
      objective(noisy, tree.forward(p), batch, { gradientCheckpointing, ...(dropout > 0 && { rng: noise }) }),
    ...(evaluation && {
      evaluate: async (p: Params) => evaluatePairs(heads, tree.forward(p), evaluation, objective, loop.batchSize),
    }),
    options: loop,
    config: {
      ...config,
      ...{ body: heads.config, dropout, labelSmoothing },
      ...{ pairs: train.pairs.length, rows: hashLists(seenOf(train.pairs)) },
      ...tree.config,
    },
    ...(write && {
      saveModel: async (folder: string, p: Params) => {
        const whole = tree.whole(p);
        try {
          await write(folder, heads, whole.params, { tokenizer });
        } finally {
          if (whole.owned) disposeTree(whole.params);
        }
      },
    }),
  };
  return { setup, overflow: train.overflow, whole: tree.whole, release: tree.release };
}

/** What training sees of pairs: tokens and numbers, no further columns. */
function* seenOf(pairs: readonly PreferencePair[]): Generator<ArrayLike<number>> {
  for (const { first, second, target, margin, weight } of pairs) {
    for (const { ids, types } of [first, second]) yield* [ids, types];
    yield [target, margin, weight];
  }
}

/** @throws ConfigError for options that would do nothing */
function checkEffects(where: string, o: PairTrainerOptions): void {
  checkSaved(where, o);
  if (o.keepBest === undefined || o.evalData !== undefined) return;
  const fix = 'Give evalData: the best is the one with the lowest held-out loss';
  throw new ConfigError({ where: `${where}.keepBest`, what: 'it has no effect', got: o.keepBest, fix });
}

interface TrainedTree {
  start: Params;
  forward: (trained: Params) => Params;
  whole: (trained: Params) => { params: Params; owned: boolean };
  config: object;
  release: () => void;
}

/** All weights, or an adapter with the head. */
function trainedTree(model: Classifier, params: Params, lora: LoraOptions | undefined, seed: number): TrainedTree {
  if (lora === undefined) {
    const same = (p: Params): Params => p;
    return { start: params, forward: same, whole: (p) => ({ params: p, owned: false }), config: {}, release() {} };
  }
  const config = model.config as DecoderConfig;
  const adapter = createLora(config, params, lora, rng(seed).split('adapter'));
  const head = new Map<string, Tensor>(flatten(params)).get(scorePath(model)) as Tensor;
  const start = mergeTrees(adapter.params, unflatten([[scorePath(model), head]]));
  const forward = (trained: Params): Params => adaptTree(params, adapter, trained);
  return {
    start,
    forward,
    config: { adapter: adapter.config },
    whole: (trained) => ({ params: mergedTree(config, params, adapter, trained), owned: true }),
    release: () => disposeAdapter(adapter),
  };
}

/** A plain tree: the adapter worked into the weights, the head as it was trained. */
function mergedTree(config: DecoderConfig, base: Params, adapter: LoraAdapter, trained: Params): Params {
  const isAdapter = (path: string): boolean => /\.lora_/.test(path);
  const leaves = flatten(trained);
  const own = unflatten(leaves.filter(([path]) => isAdapter(path)));
  const rest = leaves.filter(([path]) => !isAdapter(path));
  const merged = mergeLora(config, base, { ...adapter, params: own });
  return unflatten(
    flatten(merged).map(([path, tensor]): [string, Tensor] => {
      const [, newer] = rest.find(([name]) => name === path) ?? [];
      if (newer === undefined) return [path, tensor];
      tensor.dispose();
      return [path, keep(clone(newer))];
    }),
  );
}

/** Mean loss and the objective's numbers over all pairs. */
async function evaluatePairs(
  model: Classifier,
  params: Params,
  pairs: readonly PreferencePair[],
  objective: PairObjective,
  batchSize: number,
): Promise<{ loss: number; accuracy: number }> {
  let [loss, accuracy, weight] = [0, 0, 0];
  for (let at = 0; at < pairs.length; at += batchSize) {
    await eventTurn();
    const batch = batchPairs(pairs.slice(at, at + batchSize), model.config.padId);
    let shares = 0;
    const found = tidy(() => {
      const result = objective(model, params, batch, {});
      shares = result.weight;
      return { loss: result.sum, accuracy: result.metrics?.accuracy as Tensor };
    });
    loss += (await found.loss.data())[0] as number;
    accuracy += shares * ((await found.accuracy.data())[0] as number);
    weight += shares;
    for (const t of Object.values(found)) t.dispose();
  }
  return { loss: loss / weight, accuracy: accuracy / weight };
}

/** A new loop; what was prepared for one that its options do not let be is released. */
export function loopOf(prepared: PreparedPairs): LoopTrainer<PairBatch> {
  try {
    return new LoopTrainer(prepared.setup);
  } catch (error) {
    prepared.release();
    throw error;
  }
}

/** A loop that goes on with a saved run; what was prepared is released where there is none. */
export async function resumedLoop(
  from: string,
  prepared: PreparedPairs,
  o: { warn?: (message: string) => void },
): Promise<LoopTrainer<PairBatch>> {
  try {
    return await LoopTrainer.resume(from, prepared.setup, o);
  } catch (error) {
    prepared.release();
    throw error;
  }
}

/** A trainer on pairs. Owns its copy of the parameters (with `lora` those of the adapter and the head) until `dispose()`. */
export abstract class PairTrainer extends DataTrainer<PairBatch> {
  /** Pairs longer than the model, of the training data. */
  readonly overflow: OverflowReport;
  readonly #prepared: PreparedPairs;
  #disposed = false;

  /** @internal */
  constructor(prepared: PreparedPairs, loop: LoopTrainer<PairBatch>) {
    super(loop);
    this.overflow = prepared.overflow;
    this.#prepared = prepared;
  }

  /**
   * A copy of the whole model's parameters as they are now, adapters merged. The caller disposes the tree.
   * @throws ConfigError once the trainer is disposed
   */
  model(): Params {
    if (this.#disposed) throw new ConfigError({ where: 'trainer.model', what: 'the trainer was disposed' });
    const { params, owned } = this.#prepared.whole(this.params);
    return owned ? params : unflatten(flatten(params).map(([path, t]): [string, Tensor] => [path, keep(clone(t))]));
  }

  override dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    super.dispose();
    this.#prepared.release();
  }
}
