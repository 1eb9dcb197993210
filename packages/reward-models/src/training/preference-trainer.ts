// Training a preference model on pairs: cross-entropy of P(a ≻ b | prompt).
import { checkKnown, type LoopTrainer, type LossResult, optionNames } from '@gimbal/tensor-core';
import { tensor1d } from '@tensorflow/tfjs-core';
import { preferenceLoss } from '../losses/preference.ts';
import { type PreferenceModel, preferenceModel } from '../models/preference-model.ts';
import type { PairBatch } from './pair-batches.ts';
import {
  loopOf,
  PairTrainer,
  type PairTrainerOptions,
  type PreparedPairs,
  pairTrainerNames,
  preparePairs,
  resumedLoop,
} from './pair-trainer.ts';
import { accuracyOf, weightedMean } from './reward-trainer.ts';

/** What `PreferenceTrainer` trains, on which pairs; the rest is every trainer's. */
export interface PreferenceOptions extends PairTrainerOptions {
  /** Body, head and the way it compares. */
  model: PreferenceModel;
}

/** Trains a preference model. Owns its copy of the parameters until `dispose()`. */
export class PreferenceTrainer extends PairTrainer {
  /** @throws ConfigError for options, DataError for rows that cannot be used; nothing stays allocated then */
  constructor(options: PreferenceOptions);
  /** @internal a loop that was resumed */
  constructor(options: PreferenceOptions, prepared: PreparedPairs, loop: LoopTrainer<PairBatch>);
  constructor(options: PreferenceOptions, prepared = prepare(options), loop = loopOf(prepared)) {
    super(prepared, loop);
  }

  /**
   * Goes on with a saved run.
   * @throws CheckpointError where there is no valid checkpoint, or it is another run's: of other options or other rows
   */
  static async resume(
    from: string,
    options: PreferenceOptions,
    o: { warn?: (message: string) => void } = {},
  ): Promise<PreferenceTrainer> {
    checkKnown('PreferenceTrainer.resume', o, ['warn']);
    const prepared = prepare(options);
    return new PreferenceTrainer(options, prepared, await resumedLoop(from, prepared, o));
  }
}

const preferenceNames = optionNames<PreferenceOptions>({ ...pairTrainerNames, model: true });

function prepare(all: PreferenceOptions): PreparedPairs {
  checkKnown('PreferenceTrainer', all, preferenceNames);
  const { model, ...options } = all;
  const { form } = model;
  const { labelSmoothing = 0 } = options;
  return preparePairs('PreferenceTrainer', model, options, {
    together: form === 'antisymmetric',
    config: { kind: model.kind, form },
    objective: (body, params, batch, o): LossResult => {
      const logits = preferenceModel(body, { form }).logits(params, batch.rows, o);
      const weights = tensor1d(batch.weights);
      return {
        sum: preferenceLoss(logits, { targets: tensor1d(batch.targets), weights, labelSmoothing }),
        weight: batch.weights.reduce((a, b) => a + b, 0),
        metrics: { accuracy: accuracyOf(logits, batch, weights), margin: weightedMean(logits, weights) },
      };
    },
  });
}
