// One update of soft actor-critic in small: two critics with targets, an actor, Adam, Polyak averaging. Enough different
// kernels, shared inputs and in-place writes to catch a tape or a replay that is wrong.
import {
  add,
  concat,
  mean,
  minimum,
  mul,
  reshape,
  type Scalar,
  slice,
  squaredDifference,
  squeeze,
  sub,
  type Tensor,
  tidy,
  type Variable,
} from '@tensorflow/tfjs-core';
import {
  createOptimizer,
  disposeTree,
  flatten,
  mlp,
  type Params,
  polyakTree,
  type Rng,
  rng,
  squashedGaussian,
  valueAndGrad,
  variables,
} from '../../src/index.ts';

const [batch, observation, action, hidden] = [32, 5, 2, 16];

export class Sac {
  readonly actor: Params;
  readonly critics: Params;
  readonly targets: Params;
  private readonly optimizer = createOptimizer({ name: 'adam' });
  private readonly actorState;
  private readonly criticState;
  readonly data = rng(7).split('data');

  constructor(seed = 0) {
    const stream = rng(seed);
    this.actor = network(stream.split('actor'), observation, hidden, hidden, 2 * action);
    this.critics = network(stream.split('critic'), observation + action, hidden, hidden, 2);
    this.targets = network(stream.split('critic'), observation + action, hidden, hidden, 2);
    this.actorState = this.optimizer.init(this.actor);
    this.criticState = this.optimizer.init(this.critics);
  }

  /** A batch with its noise; the caller disposes it. */
  batch(): { [K in 's' | 'a' | 'r' | 's2' | 'e1' | 'e2']: Tensor } {
    const d = this.data;
    return {
      s: d.normalTensor([batch, observation]),
      a: d.uniformTensor([batch, action], -1, 1),
      r: d.normalTensor([batch]),
      s2: d.normalTensor([batch, observation]),
      e1: d.normalTensor([batch, action]),
      e2: d.normalTensor([batch, action]),
    };
  }

  /** One update; returns the two losses. */
  step(b: { [name: string]: Tensor }, learningRate: number | Scalar): { criticLoss: Tensor; actorLoss: Tensor } {
    const { s, a, r, s2, e1, e2 } = b as ReturnType<Sac['batch']>;
    return tidy(() => {
      const next = squashedGaussian(forward(this.actor, s2), e1);
      const nextValue = least(forward(this.targets, concat([s2, next.action], 1)));
      const y = reshape(add(r, mul(0.99, sub(nextValue, mul(next.logProb, 0.2)))), [batch, 1]);
      const critic = valueAndGrad((critics: Params) => {
        const q = forward(critics, concat([s, a], 1));
        return mean(squaredDifference(q, y)) as Scalar;
      })(this.critics);
      this.optimizer.update(this.critics, critic.grads, this.criticState, learningRate);
      const actor = valueAndGrad((params: Params) => {
        const { action: chosen, logProb } = squashedGaussian(forward(params, s), e2);
        const q = least(forward(this.critics, concat([s, chosen], 1)));
        return mean(sub(mul(logProb, 0.2), q)) as Scalar;
      })(this.actor);
      this.optimizer.update(this.actor, actor.grads, this.actorState, learningRate);
      polyakTree(leaves(this.targets), leaves(this.critics), 0.005);
      return { criticLoss: critic.value, actorLoss: actor.value };
    });
  }

  /** All parameters and optimiser state, as numbers. */
  numbers(): { [path: string]: number[] } {
    const trees = {
      actor: this.actor,
      critics: this.critics,
      targets: this.targets,
      state: this.actorState,
      state2: this.criticState,
    };
    return Object.fromEntries(flatten(trees).map(([path, t]) => [path, [...t.dataSync<'float32'>()]]));
  }

  dispose(): void {
    for (const tree of [this.actor, this.critics, this.targets, this.actorState, this.criticState]) disposeTree(tree);
  }
}

function network(stream: Rng, ...widths: number[]): Params {
  const layers = widths.slice(1).map((outputs, i) => {
    const bound = 1 / Math.sqrt(widths[i] as number);
    return {
      weight: stream.uniformTensor([widths[i] as number, outputs], -bound, bound),
      bias: stream.uniformTensor([outputs], -bound, bound),
    };
  });
  const tree: Params = Object.fromEntries(layers.map((layer, i) => [String(i), layer]));
  const owned = variables(tree);
  disposeTree(tree);
  return owned;
}

const forward = (net: Params, x: Tensor): Tensor =>
  mlp(x, Object.values(net) as { weight: Tensor; bias: Tensor }[], { activation: 'relu' });
const column = (q: Tensor, i: number): Tensor => squeeze(slice(q, [0, i], [-1, 1]), [1]);
const least = (q: Tensor): Tensor => minimum(column(q, 0), column(q, 1));
const leaves = (tree: Params): Variable[] => flatten(tree).map(([, t]) => t as Variable);
