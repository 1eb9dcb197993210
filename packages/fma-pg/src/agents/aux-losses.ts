// Losses of the user's own on an agent's data: each has a tree and an optimiser of its own.
import {
  createOptimizer,
  disposeTree,
  NumericalError,
  type Optimizer,
  type OptimizerState,
  type Params,
  type Rng,
  ShapeError,
  treeNorm,
  valueAndGrad,
} from '@gimbal/tensor-core';
import { type Scalar, tidy } from '@tensorflow/tfjs-core';
import { auxLossRate, lossOf } from './hooks.ts';
import type { AuxLoss, TransitionBatch } from './on-policy-options.ts';

export class AuxTrainer {
  readonly #parts: { loss: AuxLoss; optimizer: Optimizer; state: OptimizerState }[];

  constructor(losses: readonly AuxLoss[] = []) {
    this.#parts = losses.map((loss) => {
      const optimizer = createOptimizer({ name: 'adam' });
      return { loss, optimizer, state: optimizer.init(loss.params) };
    });
  }

  /** What a checkpoint holds of them, by file name. */
  trees(): Record<string, Params> {
    const trees: Record<string, Params> = {};
    for (const { loss, state } of this.#parts) {
      trees[`aux-${loss.name}`] = loss.params;
      trees[`aux-${loss.name}-optimizer`] = state;
    }
    return trees;
  }

  /**
   * One step of each; where one of them fails none has moved.
   * @param batch gives a copy of the data, for each of them
   * @param stream of one loss in this update
   * @returns the losses before it, as `aux/NAME`
   * @throws NumericalError naming a loss that is not finite, or whose gradient is not; ConfigError for what a loss throws
   */
  step(batch: () => TransitionBatch, stream: (name: string) => Rng): Record<string, number> {
    const metrics: Record<string, number> = {};
    tidy(() => {
      const all = this.#parts.map(({ loss }) => {
        const { value, grads } = gradientsOf(loss, batch(), stream(loss.name));
        metrics[`aux/${loss.name}`] = value;
        return grads;
      });
      for (const [i, { loss, optimizer, state }] of this.#parts.entries())
        optimizer.update(loss.params, all[i] as Params, state, auxLossRate(loss));
    });
    return metrics;
  }

  dispose(): void {
    for (const { state } of this.#parts) disposeTree(state);
  }
}

function gradientsOf(aux: AuxLoss, batch: TransitionBatch, stream: Rng): { value: number; grads: Params } {
  const where = `auxLosses, ${aux.name}`;
  const loss = (p: Params): Scalar => lossOf(aux, p, batch, stream);
  let done: ReturnType<ReturnType<typeof valueAndGrad<Params, []>>>;
  try {
    done = valueAndGrad(loss)(aux.params);
  } catch (error) {
    throw namedAt(error, where);
  }
  const value = done.value.dataSync<'float32'>()[0] as number;
  const norm = treeNorm(done.grads).dataSync<'float32'>()[0] as number;
  for (const [what, got] of Object.entries({ 'the loss': value, 'the gradient’s norm': norm }))
    if (!Number.isFinite(got))
      throw new NumericalError({
        where,
        what: `${what} is not finite`,
        got,
        fix: 'Lower its learningRate, or scale what it reads; nothing was learnt from this batch',
      });
  return { value, grads: done.grads };
}

/** A shape error of `valueAndGrad` with the name of the loss; others say whose they are. */
function namedAt(error: unknown, where: string): unknown {
  const { where: at, what, got, wanted, fix } = error as Partial<ShapeError>;
  if (at !== 'valueAndGrad' || what === undefined) return error;
  return new ShapeError({ where, what, got, wanted, ...(fix !== undefined && { fix }) });
}
