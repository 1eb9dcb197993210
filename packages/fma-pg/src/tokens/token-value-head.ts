/**
 * A value function of prompt and prefix: a linear head on hidden states. They are the policy's, which gets no gradient
 * from it, or those of a trunk of its own, begun as a copy of the policy's parameters. Its optimiser is its own.
 */
import {
  ConfigError,
  createOptimizer,
  disposeTree,
  type LogitPolicy,
  type OptimizerState,
  type Params,
  type Prompt,
  valueAndGrad,
  variables,
} from '@gimbal/tensor-core';
import {
  add,
  matMul,
  mul,
  reshape,
  type Scalar,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  tensor2d,
  zeros,
} from '@tensorflow/tfjs-core';
import { scoped } from '../internal/scoped.ts';
import { encodePrompts } from './token-batch.ts';
import type { ResolvedTokenOptions } from './token-options.ts';
import { selectRows, type TokenRollout } from './token-rollout.ts';

export class TokenValueHead {
  /** `{ weight [D, 1], bias [1] }`, and `trunk`, a tree like the policy's, where it is its own; variables */
  readonly params: Params;
  readonly state: OptimizerState;
  readonly #policy: LogitPolicy;
  readonly #batchSize: number;
  readonly #learningRate: number;
  readonly #optimizer = createOptimizer({ name: 'adam' });

  constructor({ policy, params, codec, prompts, batchSize, value }: ResolvedTokenOptions) {
    this.#policy = policy as LogitPolicy;
    this.#batchSize = batchSize;
    this.#learningRate = value?.learningRate ?? 1e-3;
    const one = encodePrompts(codec, [prompts[0] as Prompt]);
    const hidden = this.#policy.hidden?.(params, one, { ids: new Int32Array(1), width: 1, lengths: Int32Array.of(1) });
    if (hidden === undefined) throw new ConfigError({ where: 'baseline', what: 'the policy gave no hidden states' });
    const D = hidden.states.shape[2];
    hidden.states.dispose();
    hidden.head.dispose();
    const fresh = { weight: zeros([D, 1]), bias: zeros([1]) };
    this.params = variables(value?.trunk === 'own' ? { ...fresh, trunk: params } : fresh);
    disposeTree(fresh);
    this.state = this.#optimizer.init(this.params);
  }

  /** V at each token of the completions `[B·T]`. */
  values(policy: Params, r: TokenRollout): Float32Array {
    const { width, lengths } = r.completions;
    const out = new Float32Array(lengths.length * width);
    for (const [from, to] of this.#parts(lengths.length)) {
      const part = scoped(() =>
        at(this.params, this.#states(trunkOf(this.params) ?? policy, r, from, to))
          .dataSync<'float32'>()
          .slice(),
      );
      out.set(part, from * width);
    }
    return out;
  }

  /**
   * A pass over the completions, an update per micro-batch.
   * @param returns targets `[B·T]`
   * @param counted 1 where a token counts `[B·T]`
   * @returns mean squared error
   */
  update(policy: Params, r: TokenRollout, returns: Float32Array, counted: Float32Array): number {
    const { width, lengths } = r.completions;
    let total = 0;
    for (const [from, to] of this.#parts(lengths.length)) {
      total += scoped(() => {
        const cut = (x: Float32Array): Tensor2D => tensor2d(x.subarray(from * width, to * width), [to - from, width]);
        const [targets, mask] = [cut(returns), cut(counted)];
        const fixed = trunkOf(this.params) === undefined ? this.#states(policy, r, from, to) : undefined;
        const tokens = Math.max(
          1,
          counted.subarray(from * width, to * width).reduce((n, m) => n + m, 0),
        );
        const { value, grads } = valueAndGrad((p: Params) =>
          mul<Scalar>(
            sum(mul(square(sub(at(p, fixed ?? this.#states(trunkOf(p) as Params, r, from, to)), targets)), mask)),
            1 / tokens,
          ),
        )(this.params);
        this.#optimizer.update(this.params, grads, this.state, this.#learningRate);
        return ((value.dataSync<'float32'>()[0] as number) * (to - from)) / lengths.length;
      });
    }
    return total;
  }

  dispose(): void {
    disposeTree(this.params);
    disposeTree(this.state);
  }

  *#parts(rows: number): Generator<[from: number, to: number]> {
    for (let from = 0; from < rows; from += this.#batchSize) yield [from, Math.min(rows, from + this.#batchSize)];
  }

  #states(policy: Params, r: TokenRollout, from: number, to: number): Tensor3D {
    const { hidden } = this.#policy;
    return (hidden as NonNullable<typeof hidden>).call(
      this.#policy,
      policy,
      selectRows(r.prompts, from, to),
      selectRows(r.completions, from, to),
    ).states;
  }
}

const trunkOf = (p: Params): Params | undefined => p.trunk as Params | undefined;

/** states `[B, T, D]` → `[B, T]` */
function at(head: Params, states: Tensor3D): Tensor2D {
  const [B, T, D] = states.shape;
  return reshape(add(matMul(reshape(states, [B * T, D]), head.weight as Tensor2D), head.bias as Tensor), [B, T]);
}
