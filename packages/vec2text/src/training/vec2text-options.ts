// What the trainer takes.
import type { Tokenizer } from '@gimbal/language-models';
import { type LoopOptions, loopNames, optionNames, type Params, type Rng, type TrainStep } from '@gimbal/tensor-core';
import type { Objective } from '../data/round-trip.ts';
import type { Overflow, TrainingRow } from '../data/training-rows.ts';
import type { Vec2TextModule } from '../model/module.ts';

/** What the trainer uses where nothing is given, beside the loop's own defaults; the learning rate is `vec2textSchedule`'s. */
export const trainDefaults = {
  learningRate: 2e-3,
  optimizer: { name: 'adamw', weightDecay: 0.01 },
  batchSize: 64,
  maxGradNorm: 1,
  zNoise: 0,
  klCoef: 0,
  evalSamples: 200,
  statsSamples: 2000,
  overflow: 'drop',
} as const;

/** What a trainer takes: model, texts and objective; the rest has defaults. */
export interface Vec2TextTrainerOptions
  extends Omit<LoopOptions, keyof typeof trainDefaults>,
    Partial<Omit<Pick<LoopOptions, keyof LoopOptions & keyof typeof trainDefaults>, 'overflow'>> {
  /** The model to train. */
  module: Vec2TextModule;
  /** Turns texts into tokens; its special tokens are the model's. */
  tokenizer: Tokenizer;
  /** Sentences, with their round trips where the objective needs them. */
  data: readonly (TrainingRow | string)[];
  /** What the encoder reads and the decoder writes. */
  objective: Objective;
  /**
   * Makes a round trip anew at every step, in place of the rows' own. Must depend on its arguments alone. One that is
   * too long is drawn again, or treated as `overflow` says.
   */
  roundTrip?: (source: string, rng: Rng) => string;
  /** Where training starts; not changed, not kept (fresh parameters of the seed's stream `init`). */
  params?: Params;
  /** Held-out rows: evalLoss, evalExactMatch (reconstruction), evalRms and evalSaturation are logged. */
  evalData?: readonly (TrainingRow | string)[];
  /** σ of normal noise on codes, which are projected back. */
  zNoise?: number;
  /** β, the weight of the KL of a variational model, against Σ −log p. */
  klCoef?: number;
  /** How many of the held-out rows are decoded: the first ones, the same in every run. */
  evalSamples?: number;
  /** So many training sentences, drawn by the seed, are what the statistics of codes are computed from. */
  statsSamples?: number;
  /** What becomes of sentences longer than the model. */
  overflow?: Overflow;
  /** Told of what is odd: codes that saturate, round trips that never fit. */
  warn?: (message: string) => void;
}

/** The names of all of them. */
export const trainerNames = optionNames<Vec2TextTrainerOptions>({
  ...loopNames,
  ...{ module: true, tokenizer: true, data: true, objective: true, roundTrip: true, params: true, evalData: true },
  ...{ zNoise: true, klCoef: true, evalSamples: true, statsSamples: true, warn: true },
});

/** A step of training, and where it is due the evaluation. */
export interface Vec2TextStep extends TrainStep {
  /** Of the objective on the held-out rows, nats a token. */
  readonly evalLoss: number;
  /** Share of held-out sentences that come back token by token. */
  readonly evalExactMatch: number;
  /** Root mean square of the centred coordinates of their codes. */
  readonly evalRms: number;
  /** Share of coordinates with |z| > .99. */
  readonly evalSaturation: number;
}
