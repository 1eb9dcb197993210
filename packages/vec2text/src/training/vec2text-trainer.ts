// Training: the input of the encoder is the sentence, a corrupted copy or a round trip, the decoder writes the sentence. The
// loop, its checkpoints and metrics are tensor-core's.

import { epochBatches, type OverflowReport } from '@gimbal/language-models';
import {
  cloneTree,
  DataTrainer,
  disposeTree,
  type LoopSetup,
  LoopTrainer,
  type Params,
  rng,
  schedules,
} from '@gimbal/tensor-core';
import { checkedObjective, exampler } from '../data/objective.ts';
import { overflows, type TokenRow, tokenRows } from '../data/training-rows.ts';
import { checkKnown, checkName } from '../internal/check-names.ts';
import { rowsName, tokensName } from '../internal/fingerprint.ts';
import { refusal } from '../internal/refuse.ts';
import { modelWriter } from '../model/model-writer.ts';
import type { Vec2Text } from '../model/module.ts';
import { checkTokenizer, trainedModel } from '../model/trained.ts';
import { checkSize, checkThat } from '../space/check-size.ts';
import { batchLoss, examplesOf, roundTripsOf } from './batches.ts';
import { evaluateModel, fitStats } from './evaluate-model.ts';
import { trainDefaults, trainerNames, type Vec2TextStep, type Vec2TextTrainerOptions } from './vec2text-options.ts';

/**
 * The learning rate of the reproduction: up over 300 updates, then half a cosine to a twentieth.
 * @param steps of the whole run
 */
export const vec2textSchedule = (
  steps: number,
  peak: number = trainDefaults.learningRate,
): ((step: number) => number) =>
  schedules.cosine({ peak, steps, warmup: Math.min(300, Math.floor(steps / 10)), final: peak / 20 });

/**
 * Trains a bottleneck encoder-decoder. Owns its copy of the parameters until `dispose()`.
 * @example
 * const trainer = new Vec2TextTrainer({ module, tokenizer, data, objective: { kind: 'rtt' }, seed: 0 });
 * for await (const { step, loss } of trainer.train({ steps: 5000 })) console.log(step, loss);
 * using model = await trainer.model();
 */
export class Vec2TextTrainer extends DataTrainer<TokenRow[], Vec2TextStep> {
  /** Texts longer than the model, of the training data. */
  readonly overflow: OverflowReport;
  readonly #prepared: Prepared;

  /** @throws ConfigError for options, DataError for rows that cannot be used, before training starts */
  constructor(options: Vec2TextTrainerOptions);
  /** @internal a loop that was resumed */
  constructor(options: Vec2TextTrainerOptions, prepared: Prepared, loop: LoopTrainer<TokenRow[]>);
  constructor(options: Vec2TextTrainerOptions, prepared = prepare(options), loop = startLoop(prepared)) {
    super(loop);
    this.#prepared = prepared;
    this.overflow = prepared.overflow;
  }

  /**
   * Goes on with a saved run: the next losses are those of the uninterrupted one.
   * @param from a run's folder, or one of its checkpoints
   * @param options as for the run, with the same rows; a function `roundTrip` cannot be told from another
   * @throws CheckpointError where there is no valid checkpoint, or it is of another configuration
   */
  static async resume(
    from: string,
    options: Vec2TextTrainerOptions,
    o: { warn?: (message: string) => void } = {},
  ): Promise<Vec2TextTrainer> {
    const prepared = prepare(options);
    try {
      return new Vec2TextTrainer(options, prepared, await LoopTrainer.resume(from, prepared.setup, o));
    } finally {
      prepared.release();
    }
  }

  /**
   * The model as trained so far, with the statistics of its codes. It has its own copy of the parameters: the caller disposes it.
   */
  async model(): Promise<Vec2Text> {
    return this.#prepared.modelOf(this.params);
  }
}

interface Prepared {
  readonly setup: LoopSetup<TokenRow[]>;
  readonly overflow: OverflowReport;
  modelOf(params: Params): Promise<Vec2Text>;
  /** Frees the first parameters where they were made here. */
  release(): void;
}

function startLoop(prepared: Prepared): LoopTrainer<TokenRow[]> {
  try {
    return new LoopTrainer(prepared.setup);
  } finally {
    prepared.release();
  }
}

function prepare(options: Vec2TextTrainerOptions): Prepared {
  checkKnown('Vec2TextTrainer', options, trainerNames);
  const { module, tokenizer, data, roundTrip, params, evalData, warn, ...rest } = { ...trainDefaults, ...options };
  const { zNoise, klCoef, evalSamples, statsSamples, overflow, ...loop } = rest;
  if (typeof module?.encode !== 'function')
    throw refusal('CONFIG', {
      where: 'Vec2TextTrainer.module',
      what: 'no module',
      got: module,
      wanted: 'vec2text({ … })',
    });
  const { config } = module;
  const objective = checkedObjective(options.objective);
  if (typeof tokenizer?.encodeText !== 'function')
    throw refusal('CONFIG', {
      where: 'Vec2TextTrainer.tokenizer',
      what: 'no tokenizer',
      got: tokenizer,
      wanted: 'the model’s',
    });
  checkTokenizer('Vec2TextTrainer.tokenizer', tokenizer, config, 'CONFIG');
  if (roundTrip !== undefined && typeof roundTrip !== 'function')
    throw refusal('CONFIG', {
      where: 'Vec2TextTrainer.roundTrip',
      what: 'no function',
      got: roundTrip,
      wanted: '(source, rng) => text',
    });
  checkThat('zNoise', Number.isFinite(zNoise) && zNoise >= 0, zNoise, 'a number ≥ 0');
  checkThat('klCoef', klCoef >= 0 && (klCoef === 0 || config.variational), klCoef, '≥ 0, and 0 unless variational');
  checkName('overflow', overflow, overflows);
  checkSize('batchSize', loop.batchSize);
  checkSize('evalSamples', evalSamples);
  checkSize('statsSamples', statsSamples, 2);
  const train = tokenRows('data', data, tokenizer, config, overflow);
  const held = evalData && tokenRows('evalData', evalData, tokenizer, config, overflow).rows;
  const draw = roundTripsOf(objective, train.rows, roundTrip, tokenizer, config, { overflow, warn });
  if (held) roundTripsOf(objective, held, roundTrip, tokenizer, config, { overflow });
  const terms = { zNoise, klCoef };
  const exampleOf = exampler(objective, config, draw);
  const make = (rows: readonly TokenRow[], stream: ReturnType<typeof rng>) => examplesOf(exampleOf, rows, stream);
  const batches = epochBatches(
    train.rows,
    { batchSize: loop.batchSize, rng: rng(loop.seed).split('data') },
    (rows) => rows,
  );
  // by chance, for files are sorted: by topic, by length; a stream of its own gives a resumed run the same ones
  const counted = rng(options.seed).split('stats').shuffle(train.rows).slice(0, statsSamples);
  const sources = counted.map(({ source }) => source);
  const modelOf = async (p: Params): Promise<Vec2Text> => {
    const stats = await fitStats(module, p, sources);
    return trainedModel({ module, params: cloneTree(p), tokenizer, stats });
  };
  const write = modelWriter();
  // last: nothing throws any more that would leave them behind
  const first = params ?? module.init(rng(options.seed).split('init'));
  const setup: LoopSetup<TokenRow[]> = {
    params: first,
    batches,
    loss: (p, rows, { rng: stream }) => batchLoss(module, p, make(rows, stream.split('input')), terms, stream),
    ...(held && {
      evaluate: (p: Params) => {
        const stream = rng(loop.seed).split('eval');
        const examples = make(held, stream);
        return evaluateModel(module, p, examples, held.slice(0, evalSamples), stream, {
          ...terms,
          ...(warn && { warn }),
        });
      },
    }),
    options: { ...loop, overflow },
    config: {
      model: config,
      objective,
      drawnRoundTrips: roundTrip !== undefined,
      zNoise,
      klCoef,
      ...{ overflow, statsSamples, rows: train.rows.length },
      // others of the same number are another run
      tokenizer: tokensName(tokenizer),
      data: nameOf(train.rows),
      ...(held && { evalData: nameOf(held), evalSamples }),
    },
    ...(write && {
      saveModel: async (folder: string, p: Params) => {
        using model = await modelOf(p);
        await write(folder, model);
      },
    }),
  };
  return {
    setup,
    overflow: train.overflow,
    modelOf,
    release: () => {
      if (params === undefined) disposeTree(first);
    },
  };
}

/** Of rows with their round trips. */
const nameOf = (rows: readonly TokenRow[]): string =>
  rowsName(rows.flatMap(({ source, candidates }) => [Int32Array.of(candidates.length), source, ...candidates]));
