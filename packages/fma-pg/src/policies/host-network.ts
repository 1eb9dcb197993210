/**
 * A network's forward pass for acting, without a tensor per step: where the backend replays captured steps, a replay, once
 * for all copies. Elsewhere a perceptron runs on the host, in plain arrays (for a handful of rows that is faster than
 * calling a backend), and others run as tensors.
 */
import { type Module, type Params, replaysSteps } from '@gimbal/tensor-core';
import { type Tensor, type Tensor2D, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { ReplayedStep } from '../internal/replayed-step.ts';

export interface ActingNetwork {
  /** Takes over the current weights. */
  refresh(params: Params): void;
  /** `[rows·inputs]` → `[rows·outputs]`, a buffer that the next call overwrites. */
  forward(x: Float32Array, rows: number): Float32Array;
  dispose(): void;
}

/** What `mlpModule` was made with: such a module can run on the host. */
export interface Perceptron {
  activation: 'tanh' | 'relu';
  /** default linear */
  output?: 'linear' | 'tanh';
}

/**
 * The fastest way to act on the current backend.
 * @param inputs width of a row
 */
export function actingNetwork(
  module: Module<Tensor, Tensor>,
  inputs: number,
  perceptron: Perceptron | undefined,
): ActingNetwork {
  if (replaysSteps()) return new ReplayedNetwork(module, inputs);
  return perceptron === undefined ? new TensorNetwork(module, inputs) : new HostNetwork(perceptron);
}

/** Any module, replayed: it reads the variables themselves. */
class ReplayedNetwork implements ActingNetwork {
  #params: Params = {};
  #step: ReplayedStep | undefined;
  // made once: there are as many calls as steps of the environment
  readonly #input: { x: { values: Float32Array; shape: number[] } };
  readonly #apply = (t: { [name: string]: Tensor }): { out: Tensor } => ({
    out: this.module.apply(this.#params, t.x as Tensor) as Tensor,
  });

  constructor(
    private readonly module: Module<Tensor, Tensor>,
    inputs: number,
  ) {
    this.#input = { x: { values: new Float32Array(0), shape: [0, inputs] } };
  }

  refresh(params: Params): void {
    if (params !== this.#params) this.#step?.dispose();
    if (params !== this.#params || this.#step === undefined) this.#step = new ReplayedStep([params], true);
    this.#params = params;
    this.#step.begin('');
  }

  forward(x: Float32Array, rows: number): Float32Array {
    this.#input.x.values = x;
    this.#input.x.shape[0] = rows;
    return (this.#step as ReplayedStep).run(this.#input, this.#apply);
  }

  dispose(): void {
    this.#step?.dispose();
  }
}

interface Layer {
  weight: Float32Array; // [inputs, outputs]
  bias: Float32Array;
  inputs: number;
  outputs: number;
}

/** A perceptron of `mlpModule`'s layout. */
class HostNetwork implements ActingNetwork {
  #layers: Layer[] = [];
  #buffers: Float32Array[] = [];
  readonly #activate: (x: number) => number;

  readonly #output: 'linear' | 'tanh';

  constructor({ activation, output = 'linear' }: Perceptron) {
    this.#activate = activation === 'tanh' ? Math.tanh : (x) => Math.max(x, 0);
    this.#output = output;
  }

  refresh(params: Params): void {
    const count = Object.keys(params).length;
    this.#layers = Array.from({ length: count }, (_, i): Layer => {
      const { weight, bias } = params[String(i)] as { weight: Tensor; bias: Tensor };
      const [inputs, outputs] = weight.shape as [number, number];
      // copies: the backend may write into its own memory
      return {
        weight: weight.dataSync<'float32'>().slice(),
        bias: bias.dataSync<'float32'>().slice(),
        inputs,
        outputs,
      };
    });
  }

  forward(x: Float32Array, rows: number): Float32Array {
    let input = x;
    for (const [l, layer] of this.#layers.entries()) {
      const { weight, bias, inputs, outputs } = layer;
      const size = rows * outputs;
      let y = this.#buffers[l];
      if (y === undefined || y.length !== size) {
        y = new Float32Array(size);
        this.#buffers[l] = y;
      }
      const last = l === this.#layers.length - 1;
      for (let r = 0; r < rows; r++) {
        const at = r * outputs;
        for (let j = 0; j < outputs; j++) y[at + j] = bias[j] as number;
        for (let i = 0; i < inputs; i++) {
          const v = input[r * inputs + i] as number;
          if (v === 0) continue;
          const row = i * outputs;
          for (let j = 0; j < outputs; j++) y[at + j] = (y[at + j] as number) + v * (weight[row + j] as number);
        }
        if (!last) for (let j = at; j < at + outputs; j++) y[j] = this.#activate(y[j] as number);
        else if (this.#output === 'tanh') for (let j = at; j < at + outputs; j++) y[j] = Math.tanh(y[j] as number);
      }
      input = y;
    }
    return input;
  }

  dispose(): void {
    this.#layers = [];
  }
}

/** Any module, on the backend. */
class TensorNetwork implements ActingNetwork {
  #params: Params = {};

  constructor(
    private readonly module: Module<Tensor, Tensor>,
    private readonly inputs: number,
  ) {}

  refresh(params: Params): void {
    this.#params = params;
  }

  forward(x: Float32Array, rows: number): Float32Array {
    return tidy(() => {
      const out = this.module.apply(this.#params, tensor2d(x, [rows, this.inputs])) as Tensor2D;
      return out.dataSync<'float32'>().slice();
    });
  }

  dispose(): void {
    this.#params = {};
  }
}
