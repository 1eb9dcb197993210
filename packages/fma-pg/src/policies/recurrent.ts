/**
 * Networks with a memory: observations (images convolved first), a GRU (arXiv 1406.1078, gates in the order and form of
 * cuDNN's: n = tanh(Wx + b + r ⊙ (Uh + c))) or an LSTM (Hochreiter & Schmidhuber 1997), then a perceptron. Where an
 * episode begins, the memory is 0.
 */
import { ConfigError, initializers, type Module, mlpModule, type Params, type Rng, rng } from '@gimbal/tensor-core';
import {
  add,
  concat,
  matMul,
  mul,
  reshape,
  sigmoid,
  split,
  sub,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tanh,
  zeros,
} from '@tensorflow/tfjs-core';
import { ReplayedStep } from '../internal/replayed-step.ts';
import type { ObservationSpec } from '../spaces/observation-spec.ts';
import { features, type NetworkOptions } from './network.ts';

/** A memory in policy and value function. */
export interface RecurrentOptions {
  cell: 'gru' | 'lstm';
  /** width of the memory; default 64 */
  size?: number;
  /** steps through which gradients go; it divides the rollout; default its largest divisor up to 32 */
  sequence?: number;
}

export interface RecurrentNetwork {
  /** numbers of one copy's memory */
  readonly stateSize: number;
  init(r: Rng): Params;
  /**
   * L steps of B copies.
   * @param x `[L·B, O]`, row l·B + b is step l of copy b
   * @param starts `[L·B]`, 1 where an episode begins: the memory is 0 there
   * @param state `[B, S]`, before the first step
   * @returns outputs `[L·B, outputs]` and the memory after each step `[L·B, S]`
   */
  unroll(params: Params, x: Tensor2D, starts: Tensor, state: Tensor2D): { outputs: Tensor2D; states: Tensor2D };
}

interface Cell {
  /** blocks of H columns in its weights */
  gates: number;
  /** memories of H numbers; the first is what is seen outside */
  memories: number;
  /** @param x `[B, gates·H]`, inputs through their weights */
  step(x: Tensor2D, state: Tensor2D, params: Params): Tensor2D;
}

const through = (h: Tensor2D, params: Params): Tensor2D =>
  add(matMul(h, params.stateWeight as Tensor2D), params.stateBias as Tensor1D) as Tensor2D;

const gru: Cell = {
  gates: 3,
  memories: 1,
  step(x, h, params) {
    const [xr, xz, xn] = split(x, 3, 1) as [Tensor2D, Tensor2D, Tensor2D];
    const [hr, hz, hn] = split(through(h, params), 3, 1) as [Tensor2D, Tensor2D, Tensor2D];
    const r = sigmoid(add(xr, hr));
    const z = sigmoid(add(xz, hz));
    const n = tanh(add(xn, mul(r, hn)));
    return add(n, mul(z, sub(h, n))) as Tensor2D; // (1 − z) n + z h
  },
};

const lstm: Cell = {
  gates: 4,
  memories: 2,
  step(x, state, params) {
    const [h, c] = split(state, 2, 1) as [Tensor2D, Tensor2D];
    const [i, f, g, o] = split(add(x, through(h, params)), 4, 1) as [Tensor2D, Tensor2D, Tensor2D, Tensor2D];
    const kept = add(mul(sigmoid(f), c), mul(sigmoid(i), tanh(g)));
    return concat([mul(sigmoid(o), tanh(kept)) as Tensor2D, kept as Tensor2D], 1);
  },
};

const cells = { gru, lstm } as const;

export function recurrentNetwork(
  spec: ObservationSpec,
  outputs: number,
  o: NetworkOptions & { outputGain: number },
  { cell: name, size: H = 64 }: RecurrentOptions,
): RecurrentNetwork {
  const seen = features(spec);
  const cell = cells[name];
  const head: Module<Tensor, Tensor> = mlpModule({
    sizes: [H, ...o.hidden, outputs],
    activation: o.activation,
    weightInit: initializers.orthogonal(Math.SQRT2),
    biasInit: initializers.zeros,
    outputWeightInit: initializers.orthogonal(o.outputGain),
  });
  const weight = initializers.orthogonal(1);
  const bias = (): Tensor => initializers.zeros(rng(0), [cell.gates * H]);
  return {
    stateSize: cell.memories * H,
    init: (r) => ({
      features: seen.init(r.split('features')),
      cell: {
        inputWeight: weight(r.split('input'), [seen.size, cell.gates * H]),
        inputBias: bias(),
        stateWeight: weight(r.split('state'), [H, cell.gates * H]),
        stateBias: bias(),
      },
      head: head.init(r.split('head')),
    }),
    unroll(params, x, starts, state) {
      const B = state.shape[0];
      const L = x.shape[0] / B;
      if (!Number.isInteger(L))
        throw new ConfigError({
          where: 'recurrent',
          what: 'rows are no whole steps',
          got: x.shape[0],
          wanted: `a multiple of ${B}`,
        });
      const own = params.cell as Params;
      const inputs = add(
        matMul(seen.apply(params.features as Params, x), own.inputWeight as Tensor2D),
        own.inputBias as Tensor1D,
      ) as Tensor2D;
      const steps = split(inputs, L, 0) as Tensor2D[];
      const kept = split(reshape(sub(1, starts), [L * B, 1]), L, 0) as Tensor2D[];
      let now = state;
      const states = steps.map((step, l) => {
        now = cell.step(step, mul(now, kept[l] as Tensor2D) as Tensor2D, own);
        return now;
      });
      const all = L === 1 ? now : concat(states, 0);
      const visible = cell.memories === 1 ? all : (split(all, cell.memories, 1)[0] as Tensor2D);
      return { outputs: head.apply(params.head as Params, visible) as Tensor2D, states: all };
    },
  };
}

/** What a policy remembers of copies that it acts in. */
export interface PolicyMemory {
  /** `[N·S]`, written over by each step */
  state: Float32Array;
  /** `[N]`, 1 where the observation begins an episode */
  starts: Uint8Array;
}

/** Sets memories of what begins to 0. */
function forget({ state, starts }: PolicyMemory): void {
  const size = state.length / starts.length;
  for (let n = 0; n < starts.length; n++) if (starts[n] === 1) state.fill(0, n * size, (n + 1) * size);
}

const hostInput = (): { values: Float32Array; shape: number[] } => ({ values: new Float32Array(0), shape: [0, 0] });

/** Steps of a recurrent network for acting, replayed where the backend can. */
export class RecurrentActing {
  #params: Params = {};
  #step: ReplayedStep | undefined;
  // made once: there are as many calls as steps of the environment
  readonly #input = { x: hostInput(), state: hostInput() };
  readonly #apply = (t: { [name: string]: Tensor }): { out: Tensor } => {
    const [x, state] = [t.x as Tensor2D, t.state as Tensor2D];
    // what begins was forgotten before
    const { outputs, states } = this.net.unroll(this.#params, x, zeros([x.shape[0]]), state);
    return { out: concat([outputs, states], 1) };
  };
  #outputs = new Float32Array(0);

  constructor(
    private readonly net: RecurrentNetwork,
    inputs: number,
    private readonly outputs: number,
  ) {
    this.#input.x.shape[1] = inputs;
    this.#input.state.shape[1] = net.stateSize;
  }

  /** Takes over the current weights. */
  refresh(params: Params): void {
    if (params !== this.#params) {
      this.#step?.dispose();
      this.#step = new ReplayedStep([params], true);
    }
    this.#params = params;
    this.#step?.begin('');
  }

  /** `[rows·inputs]` → `[rows·outputs]`, a buffer that the next call overwrites; the memory moves on. */
  forward(x: Float32Array, rows: number, memory: PolicyMemory): Float32Array {
    const { stateSize: S } = this.net;
    const K = this.outputs;
    const { x: seen, state } = this.#input;
    forget(memory);
    seen.values = x;
    state.values = memory.state;
    seen.shape[0] = state.shape[0] = rows;
    const both = (this.#step as ReplayedStep).run(this.#input, this.#apply);
    if (this.#outputs.length !== rows * K) this.#outputs = new Float32Array(rows * K);
    for (let n = 0, at = 0; n < rows; n++) {
      for (let j = 0; j < K; j++) this.#outputs[n * K + j] = both[at++] as number;
      for (let j = 0; j < S; j++) memory.state[n * S + j] = both[at++] as number;
    }
    return this.#outputs;
  }

  dispose(): void {
    this.#step?.dispose();
  }
}
