// Training a reward model on pairs: −log σ(r(x,y⁺) − r(x,y⁻)), WARM eq. 1.
import { ConfigError, checkKnown, type LoopTrainer, type LossResult, optionNames } from '@gimbal/tensor-core';
import {
  abs,
  add,
  div,
  mean,
  mul,
  type Scalar,
  sign,
  slice,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  tensor1d,
  tidy,
} from '@tensorflow/tfjs-core';
import { bradleyTerryLoss } from '../losses/bradley-terry.ts';
import { type RewardModel, rewardModel } from '../models/reward-model.ts';
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

/** What `RewardTrainer` trains, on which pairs; the rest is every trainer's. */
export interface RewardOptions extends PairTrainerOptions {
  /** Body and head. */
  model: RewardModel;
  /** Weight of (r⁺ + r⁻)², which holds scores near 0 (0; .01 is common). */
  centerCoef?: number;
}

/** Trains a reward model. Owns its copy of the parameters until `dispose()`. */
export class RewardTrainer extends PairTrainer {
  /**
   * @throws ConfigError for options, DataError for rows that cannot be used; nothing stays allocated then
   * @example
   * for await (const s of trainer.train({ steps: 500 })) console.log(s.step, s.loss, s.accuracy);
   */
  constructor(options: RewardOptions);
  /** @internal a loop that was resumed */
  constructor(options: RewardOptions, prepared: PreparedPairs, loop: LoopTrainer<PairBatch>);
  constructor(options: RewardOptions, prepared = prepare(options), loop = loopOf(prepared)) {
    super(prepared, loop);
  }

  /**
   * Goes on with a saved run.
   * @throws CheckpointError where there is no valid checkpoint, or it is another run's: of other options or other rows
   */
  static async resume(
    from: string,
    options: RewardOptions,
    o: { warn?: (message: string) => void } = {},
  ): Promise<RewardTrainer> {
    checkKnown('RewardTrainer.resume', o, ['warn']);
    const prepared = prepare(options);
    return new RewardTrainer(options, prepared, await resumedLoop(from, prepared, o));
  }
}

const rewardNames = optionNames<RewardOptions>({ ...pairTrainerNames, model: true, centerCoef: true });

function prepare(all: RewardOptions): PreparedPairs {
  checkKnown('RewardTrainer', all, rewardNames);
  const { model, centerCoef = 0, ...options } = all;
  // refused here rather than at the first step
  if (!(centerCoef >= 0 && Number.isFinite(centerCoef))) {
    const wanted = 'a number ≥ 0';
    throw new ConfigError({ where: 'RewardTrainer.centerCoef', what: 'out of range', got: centerCoef, wanted });
  }
  const { labelSmoothing = 0 } = options;
  return preparePairs('RewardTrainer', model, options, {
    together: false,
    config: { kind: model.kind, centerCoef },
    objective: (body, params, batch, o): LossResult => {
      const scores = rewardModel(body).score(params, batch.rows, o); // [2B]
      const pairs = batch.targets.length;
      const [chosen, rejected] = [slice(scores, [0], [pairs]), slice(scores, [pairs], [pairs])];
      const weights = tensor1d(batch.weights);
      const loss = bradleyTerryLoss(chosen, rejected, {
        targets: tensor1d(batch.targets),
        margins: tensor1d(batch.margins),
        weights,
        labelSmoothing,
        centerCoef,
      });
      const ahead = sub(chosen, rejected) as Tensor1D;
      const weight = batch.weights.reduce((a, b) => a + b, 0);
      return {
        sum: loss,
        weight,
        metrics: {
          accuracy: accuracyOf(ahead, batch, weights),
          margin: weightedMean(ahead, weights),
          ...momentsOf(scores),
        },
      };
    },
  });
}

/** Share of pairs whose likelier answer has the higher score; ties count half. */
export const accuracyOf = (ahead: Tensor1D, { targets }: PairBatch, weights: Tensor1D): Scalar =>
  tidy(() => {
    const wanted = tensor1d(Array.from(targets, (t) => Math.sign(t - 0.5)));
    return weightedMean(mul(add(mul(sign(ahead), wanted), 1), 0.5), weights);
  });

/** Σ w x / Σ w */
export const weightedMean = (x: Tensor, weights: Tensor1D): Scalar =>
  tidy(() => div(sum(mul(x, weights)), sum(abs(weights))) as Scalar);

function momentsOf(scores: Tensor1D): { rewardMean: Scalar; rewardStd: Scalar } {
  const rewardMean = mean(scores) as Scalar;
  return { rewardMean, rewardStd: sqrt(mean(square(sub(scores, rewardMean)))) as Scalar };
}
