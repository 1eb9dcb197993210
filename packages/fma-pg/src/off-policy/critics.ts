/** Twin critics Q(s, a) in one tree, their targets, and their loss. */
import { disposeTree, flatten, type Module, mlpModule, type Params, type Rng, variables } from '@gimbal/tensor-core';
import {
  add,
  concat,
  mean,
  minimum,
  mul,
  reshape,
  type Scalar,
  square,
  sub,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Variable,
} from '@tensorflow/tfjs-core';

export class TwinCritics {
  readonly params: Params;
  readonly targets: Params;
  readonly #net: Module<Tensor, Tensor>;

  constructor(inputs: number, hidden: readonly number[], r: Rng) {
    this.#net = mlpModule({ sizes: [inputs, ...hidden, 1] });
    const fresh = { first: this.#net.init(r.split('critic-1')), second: this.#net.init(r.split('critic-2')) };
    this.params = variables(fresh);
    this.targets = variables(fresh);
    disposeTree(fresh);
  }

  /** Both values, `[B]` each. */
  both(params: Params, obs: Tensor, actions: Tensor): [Tensor1D, Tensor1D] {
    const x = concat([obs, actions] as Tensor2D[], 1);
    const value = (name: string): Tensor1D => reshape(this.#net.apply(params[name] as Params, x), [-1]) as Tensor1D;
    return [value('first'), value('second')];
  }

  /** The smaller of the targets' values. */
  target(obs: Tensor, actions: Tensor): Tensor1D {
    return minimum(...this.both(this.targets, obs, actions)) as Tensor1D;
  }

  dispose(): void {
    disposeTree(this.params);
    disposeTree(this.targets);
  }
}

/** Σ over both of mean w(Q − y)². */
export function twinError([q1, q2]: readonly [Tensor, Tensor], y: Tensor, weights: Tensor): Scalar {
  const error = (q: Tensor): Scalar => mean(mul(weights, square(sub(q, y))));
  return add(error(q1), error(q2));
}

/** A tree's leaves as variables, for `polyakTree`. */
export const leavesOf = (tree: Params): Variable[] => flatten(tree).map(([, t]) => t as Variable);
