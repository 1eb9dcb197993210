// One update of soft actor-critic (Haarnoja et al. 2018) through the public API of tensor-core, as an agent would write
// it: two critics and their targets, an actor with a squashed Gaussian head, Adam, Polyak averaging. The temperature is
// fixed. peers/rl_update.py is the same in PyTorch.
//
//   y  = r + γ (1 − d) (min Q'(s', a') − α log π(a'|s')),  a' ~ π(s')
//   Lq = Σᵢ mean (Qᵢ(s, a) − y)²;   Lπ = mean (α log π(ã|s) − min Qᵢ(s, ã));   Q' ← Q' + τ (Q − Q')
import {
  captureStep,
  createOptimizer,
  disposeTree,
  flatten,
  mlp,
  mlpEnsemble,
  type Params,
  polyakTree,
  type Rng,
  rng,
  squashedGaussian,
  valueAndGrad,
  variables,
} from '@gimbal/tensor-core';
import {
  add,
  cast,
  concat,
  dispose,
  less,
  mean,
  min,
  mul,
  type Scalar,
  squaredDifference,
  squeeze,
  sub,
  type Tensor,
  type Tensor2D,
  tidy,
  type Variable,
} from '@tensorflow/tfjs-core';

export interface SacSizes {
  /** B */
  batch: number;
  /** O */
  observation: number;
  /** A */
  action: number;
  /** H, two layers */
  hidden: number;
}

const alpha = 0.2;
const gamma = 0.99;
const tau = 0.005;
const learningRate = 3e-4;

type Layers = { weight: Tensor; bias: Tensor }[];

export class SacUpdate {
  private readonly actor: Params;
  /** both critics in one tree: one gradient and one optimiser step */
  private readonly critics: Params;
  private readonly targets: Params;
  private readonly optimizer = createOptimizer({ name: 'adam' });
  private readonly actorState;
  private readonly criticState;
  private readonly batch: { s: Tensor2D; a: Tensor2D; r: Tensor; s2: Tensor2D; done: Tensor };
  private readonly noise: Rng;

  constructor(private readonly sizes: SacSizes) {
    const { batch, observation, action, hidden } = sizes;
    const stream = rng(0);
    this.noise = stream.split('noise');
    const fresh = (name: string, ...widths: number[]): Params => {
      const tree = network(widths, stream.split(name));
      const owned = variables(tree);
      disposeTree(tree);
      return owned;
    };
    const critics = (): Params => ({
      first: fresh('critic-1', observation + action, hidden, hidden, 1),
      second: fresh('critic-2', observation + action, hidden, hidden, 1),
    });
    this.actor = fresh('actor', observation, hidden, hidden, 2 * action);
    this.critics = critics();
    this.targets = critics();
    this.actorState = this.optimizer.init(this.actor);
    this.criticState = this.optimizer.init(this.critics);
    const data = stream.split('batch');
    this.batch = {
      s: data.normalTensor([batch, observation]) as Tensor2D,
      a: data.uniformTensor([batch, action], -1, 1) as Tensor2D,
      r: data.normalTensor([batch]),
      s2: data.normalTensor([batch, observation]) as Tensor2D,
      done: tidy(() => cast(less(data.uniformTensor([batch]), 0.05), 'float32')),
    };
  }

  /** One update on the batch. */
  update(): void {
    tidy(() => {
      const { batch, action } = this.sizes;
      this.step(this.noise.normalTensor([batch, action]), this.noise.normalTensor([batch, action]));
    });
  }

  /** The update with given noise [B, A]: what a captured step replays. */
  step(noise: Tensor, noise2: Tensor): void {
    const { s, a, r, s2, done } = this.batch;
    tidy(() => {
      const y = this.target(r, s2, done, noise2);
      const x = concat([s, a], 1);
      const { grads } = valueAndGrad((critics: Params) => {
        // both means at once
        return mul(mean(squaredDifference(values(critics, x), y)), 2) as Scalar;
      })(this.critics);
      this.optimizer.update(this.critics, grads, this.criticState, learningRate);
    });
    tidy(() => {
      const { grads } = valueAndGrad((actor: Params) => {
        const { action, logProb } = squashedGaussian(forward(actor, s), noise);
        const q = min(values(this.critics, concat([s, action], 1)), 0);
        return mean(sub(mul(logProb, alpha), q)) as Scalar;
      })(this.actor);
      this.optimizer.update(this.actor, grads, this.actorState, learningRate);
    });
    polyakTree(leaves(this.targets), leaves(this.critics), tau);
  }

  /** y [B] */
  private target(r: Tensor, s2: Tensor2D, done: Tensor, noise: Tensor): Tensor {
    return tidy(() => {
      const { action, logProb } = squashedGaussian(forward(this.actor, s2), noise);
      const q = min(values(this.targets, concat([s2, action], 1)), 0);
      const value = sub(q, mul(logProb, alpha));
      return add(r, mul(mul(sub(1, done), gamma), value));
    });
  }

  /** The same update, recorded at its second run and replayed after that. */
  capture(): { update(): void } & Disposable {
    const step = captureStep(({ noise, noise2 }: { noise: Tensor; noise2: Tensor }) => {
      this.step(noise, noise2);
      return {};
    });
    const { batch, action } = this.sizes;
    return {
      update: () =>
        void tidy(() => {
          step.run({
            noise: this.noise.normalTensor([batch, action]),
            noise2: this.noise.normalTensor([batch, action]),
          });
        }),
      [Symbol.dispose]: () => step.dispose(),
    };
  }

  dispose(): void {
    for (const tree of [this.actor, this.critics, this.targets, this.actorState, this.criticState]) disposeTree(tree);
    dispose(Object.values(this.batch));
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Layers `0`, `1`, … with uniform weights of ±1/√inputs, as PyTorch's Linear. */
function network(widths: readonly number[], stream: Rng): Params {
  const layers = widths.slice(1).map((outputs, i) => {
    const inputs = widths[i] as number;
    const bound = 1 / Math.sqrt(inputs);
    return {
      weight: stream.uniformTensor([inputs, outputs], -bound, bound),
      bias: stream.uniformTensor([outputs], -bound, bound),
    };
  });
  return Object.fromEntries(layers.map((layer, i) => [String(i), layer]));
}

const layersOf = (net: Params | Tensor): Layers => Object.values(net) as Layers;

const forward = (net: Params, x: Tensor): Tensor2D => mlp(x, layersOf(net), { activation: 'relu' });

/** The values of both critics [2, B]. */
const values = (critics: Params, x: Tensor): Tensor2D =>
  squeeze(mlpEnsemble(x, Object.values(critics).map(layersOf), { activation: 'relu' }), [2]);

const leaves = (tree: Params): Variable[] => flatten(tree).map(([, tensor]) => tensor as Variable);
