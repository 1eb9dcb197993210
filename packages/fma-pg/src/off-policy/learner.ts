/** What the off-policy algorithms share: one update from one batch, and acting on the host. */
import type { Params, Rng } from '@gimbal/tensor-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { HostInputs } from '../internal/replayed-step.ts';
import type { ReplayBatch } from '../replay/replay-buffer.ts';

/** One algorithm: its parameters, its update, its actions. */
export interface OffPolicyLearner {
  /** everything that a checkpoint holds, by name: parameters, targets, optimiser states */
  readonly trees: Readonly<Record<string, Params>>;
  /** numbers of one stored action */
  readonly actionSize: number;
  /**
   * One update.
   * @param update counts from 0
   * @returns metrics, and |TD error| per row; read only when asked for
   */
  update(
    batch: ReplayBatch,
    learningRate: number,
    draws: Rng,
    update: number,
  ): { metrics(): Record<string, number>; errors(): Float32Array };
  /** Copies the target network (dqn): called after every so many environment steps. */
  copyTarget?(): void;
  /** Takes over the weights that the next actions come from. */
  refresh(): void;
  /**
   * Stored actions of rows on the host: in [−1, 1], or numbers of choices.
   * @param draws undefined = the best action
   * @param explore 0 … 1: share of random actions (dqn)
   */
  act(
    obs: Float32Array,
    rows: number,
    out: Float32Array,
    draws: Rng | undefined,
    explore: number,
    masks?: Uint8Array,
  ): void;
  dispose(): void;
}

/** The tensors of a batch that an update reads. */
export type BatchTensors = { [K in 'obs' | 'actions' | 'rewards' | 'nextObs' | 'discounts' | 'weights']: Tensor };

/** A batch as a replayed step is called with it: `actions` are choices where there is one number of them. */
export function batchInputs(batch: ReplayBatch, observation: number, action: number | 'choice'): HostInputs {
  const { rows, obs, actions, rewards, nextObs, discounts, weights } = batch;
  return {
    obs: { values: obs, shape: [rows, observation] },
    actions:
      action === 'choice'
        ? { values: Int32Array.from(actions), shape: [rows] }
        : { values: actions, shape: [rows, action] },
    rewards: { values: rewards, shape: [rows] },
    nextObs: { values: nextObs, shape: [rows, observation] },
    discounts: { values: discounts, shape: [rows] },
    weights: { values: weights, shape: [rows] },
  };
}
