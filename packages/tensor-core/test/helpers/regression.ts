/** A small regression with everything that a resumed run must get right: shuffled rows, noise, clipping, a schedule. */
import {
  add,
  matMul,
  mean,
  mul,
  type Scalar,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  tanh,
  tensor2d,
  tidy,
} from '@tensorflow/tfjs-core';
import type { LoopOptions } from '../../src/contracts/loop.ts';
import { type Rng, rng } from '../../src/random/rng.ts';
import { cosine } from '../../src/schedules/schedules.ts';
import { mapBatches } from '../../src/training/batch-source.ts';
import { EpochSampler } from '../../src/training/epochs.ts';
import type { LoopSetup } from '../../src/training/loop-setup.ts';
import type { Params } from '../../src/tree/params.ts';

export interface Net extends Params {
  hidden: { weight: Tensor2D; bias: Tensor };
  out: { weight: Tensor2D };
}

/** y = sin(x₀) + x₁², on 64 random points. */
const rows: { x: number[]; y: number }[] = (() => {
  const stream = rng(11);
  return Array.from({ length: 64 }, () => {
    const x = [stream.normal(), stream.normal()] as [number, number];
    return { x, y: Math.sin(x[0]) + x[1] ** 2 };
  });
})();

function net(stream: Rng): Net {
  return {
    hidden: { weight: stream.normalTensor([2, 8]) as Tensor2D, bias: stream.normalTensor([8]) },
    out: { weight: stream.normalTensor([8, 1]) as Tensor2D },
  };
}

function predict({ hidden, out }: Net, x: Tensor2D): Tensor {
  return matMul(tanh(add(matMul(x, hidden.weight), hidden.bias)), out.weight);
}

const inputs = (ids: Iterable<number>): Tensor2D => tensor2d([...ids].map((i) => rows[i]?.x ?? []));
const targets = (ids: Iterable<number>): Tensor2D => tensor2d([...ids].map((i) => [rows[i]?.y ?? 0]));

/** A trainer's setup; the caller disposes `params`. */
export function regression(options: Partial<LoopOptions> = {}, noise = 0.01): LoopSetup<{ x: Tensor2D; y: Tensor2D }> {
  const all: LoopOptions = {
    learningRate: cosine({ peak: 0.1, warmup: 5, steps: 100 }),
    batchSize: 8,
    maxGradNorm: 1,
    seed: 3,
    ...options,
  };
  const sampler = new EpochSampler(rows.length, { batchSize: all.batchSize, rng: rng(all.seed).split('data') });
  return {
    params: net(rng(all.seed).split('init')),
    batches: mapBatches(sampler, (ids) => ({ x: inputs(ids), y: targets(ids) })),
    loss(params, { x, y }, { rng: stream }) {
      const noisy = noise === 0 ? x : add(x, mul(stream.normalTensor(x.shape), noise));
      const error = sub(predict(params as Net, noisy as Tensor2D), y);
      return {
        sum: sum<Scalar>(square(error)),
        weight: y.size,
        metrics: { absolute: mean<Scalar>(mul(error, error)), one: 1 },
      };
    },
    async evaluate(params) {
      const all = rows.map((_, i) => i);
      const value = tidy(() => mean(square(sub(predict(params as Net, inputs(all)), targets(all)))));
      const loss = (await value.data())[0] as number;
      value.dispose();
      return { loss };
    },
    options: all,
    config: { hidden: 8 },
  };
}
