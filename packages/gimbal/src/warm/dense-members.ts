// Fine-tuning of dense reward models on pairs: what members of an average are made by.
import { bradleyTerryLoss, probeHead } from '@gimbal/reward-models';
import {
  type BatchSource,
  cloneTree,
  EpochSampler,
  keepTree,
  LoopTrainer,
  mapBatches,
  type Params,
  type Rng,
  StoppedError,
} from '@gimbal/tensor-core';
import {
  gather,
  type Scalar,
  squaredDifference,
  sub,
  sum,
  type Tensor2D,
  tensor1d,
  tensor2d,
  tidy,
} from '@tensorflow/tfjs-core';
import { features, predictions, scores } from './dense-network.ts';

/** Pairs as dense inputs. */
export interface DensePairs {
  readonly n: number;
  /** [n·inputs] */
  readonly chosen: Float32Array;
  readonly rejected: Float32Array;
}

/** Inputs, and what a body is to predict of them. */
export interface DenseTargets {
  readonly n: number;
  /** [n·inputs] */
  readonly inputs: Float32Array;
  /** [n·targets] */
  readonly targets: Float32Array;
}

export interface FineTuning {
  learningRate: number;
  dropout: number;
  stream: Rng;
  steps: number;
  signal: AbortSignal;
}

/** A reward model from `start`, on batches of 32 pairs; the caller owns it. */
export async function fineTune(start: Params, pairs: DensePairs, o: FineTuning): Promise<Params> {
  const all = sides(pairs);
  const noise = o.stream.split('noise');
  let step = 0;
  const sampler = new EpochSampler(pairs.n, { batchSize: Math.min(32, pairs.n), rng: o.stream.split('data') });
  using loop = new LoopTrainer<Int32Array>({
    params: start,
    batches: mapBatches(sampler, (indices) => Int32Array.from(indices)),
    loss: (p, indices) => {
      const rows = tensor1d(indices, 'int32');
      const streams = noise.split(step++);
      const score = (x: Tensor2D, side: string) =>
        scores(p, gather(x, rows), { rate: o.dropout, rng: streams.split(side) });
      const loss = bradleyTerryLoss(score(all.chosen, 'chosen'), score(all.rejected, 'rejected'));
      return { sum: loss, weight: indices.length };
    },
    options: { learningRate: o.learningRate, optimizer: { name: 'adam' }, batchSize: 32, logEvery: 1000, seed: 0 },
  });
  try {
    await trainTo(loop, o.steps, o.signal);
    return ownCopy(loop.params);
  } finally {
    all.chosen.dispose();
    all.rejected.dispose();
  }
}

/** A loop that regresses targets; every step draws anew. */
export function regression(
  params: Params,
  o: { learningRate: number; seed: number; batchSize: number },
  draw: (step: number) => DenseTargets,
): LoopTrainer<DenseTargets> {
  let step = 0;
  const batches: BatchSource<DenseTargets> = {
    next: () => draw(step++),
    state: () => step,
    restore(s) {
      step = s as number;
    },
  };
  return new LoopTrainer<DenseTargets>({
    params,
    batches,
    loss: (p, { n, inputs, targets }) => {
      const wanted = tensor2d(targets, [n, targets.length / n]);
      const found = predictions(p, tensor2d(inputs, [n, inputs.length / n]));
      return { sum: sum(squaredDifference(found, wanted)) as Scalar, weight: targets.length };
    },
    options: { ...o, optimizer: { name: 'adam' }, logEvery: 1000 },
  });
}

/** One head for all members: the best linear one on the features of a body. The caller disposes it. */
export async function probe(body: Params, pairs: DensePairs, signal: AbortSignal): Promise<Tensor2D> {
  const differences = tidy(() => {
    const { chosen, rejected } = sides(pairs);
    return sub(features(body, chosen), features(body, rejected)) as Tensor2D;
  });
  return await probeHead(differences, { signal }).finally(() => differences.dispose());
}

/** @throws StoppedError where the signal stopped it */
export async function trainTo(
  loop: LoopTrainer<DenseTargets> | LoopTrainer<Int32Array>,
  steps: number,
  signal: AbortSignal,
): Promise<void> {
  await (loop as LoopTrainer<Int32Array>).run({ steps, signal });
  if (loop.stopReason === 'signal')
    throw new StoppedError({ where: 'dense reward models', what: 'stopped while one was trained' });
}

/** A copy that outlives the trainer. */
export const ownCopy = (params: Params): Params => keepTree(cloneTree(params));

/** Both sides of all pairs [N,inputs]. */
const sides = ({ n, chosen, rejected }: DensePairs): { chosen: Tensor2D; rejected: Tensor2D } => ({
  chosen: tensor2d(chosen, [n, chosen.length / n]),
  rejected: tensor2d(rejected, [n, rejected.length / n]),
});

/** Rewards of inputs [n·inputs]. */
export function score(params: Params, inputs: Float32Array, n: number): Float32Array {
  const found = tidy(() => scores(params, tensor2d(inputs, [n, inputs.length / n])));
  const values = found.dataSync() as Float32Array;
  found.dispose();
  return values;
}
