// Small modules on the fused ops.
import { clone, type Tensor } from '@tensorflow/tfjs-core';
import { ConfigError } from '../errors.ts';
import {
  type Activation,
  dropout as dropoutOp,
  embedding as embeddingOp,
  layerNorm as layerNormOp,
  linear,
  mlp,
  rmsNorm as rmsNormOp,
} from '../ops/index.ts';
import { requireOptions } from '../options/checks.ts';
import type { Params } from '../tree/params.ts';
import { type Initializer, normal, ones, torchLinear, zeros } from './initializers.ts';
import type { Module } from './module.ts';

/** What a dense layer is made of. */
export interface DenseOptions {
  /** Width of the input, ≥ 1. */
  inputs: number;
  /** Width of the output, ≥ 1. */
  outputs: number;
  /** Applied to the output. Default linear. */
  activation?: Activation;
  /** Default true. */
  bias?: boolean;
  /** Default: PyTorch's, uniform in ±1/√inputs. */
  weightInit?: Initializer;
  /** Default: the same range. */
  biasInit?: Initializer;
}

/** act(x·weight + bias): [..., inputs] → [..., outputs]. Parameters: `weight` [inputs, outputs], `bias` [outputs]. */
export function dense(o: DenseOptions): Module<Tensor, Tensor> {
  requireOptions('dense', o);
  const { inputs, outputs, activation = 'linear', bias = true } = o;
  checkSizes('dense', [inputs, outputs]);
  const { weightInit = torchLinear(), biasInit = torchLinear(inputs) } = o;
  return {
    init: (rng) => ({
      weight: weightInit(rng.split('weight'), [inputs, outputs]),
      ...(bias && { bias: biasInit(rng.split('bias'), [outputs]) }),
    }),
    apply: (params, x) => {
      const layer = params as { weight: Tensor; bias?: Tensor };
      return linear(x, layer.weight, { activation, ...(layer.bias !== undefined && { bias: layer.bias }) });
    },
  };
}

/** What a chain of dense layers is made of. */
export interface MlpModuleOptions {
  /** Width of the input, of each hidden layer, of the output. */
  sizes: readonly number[];
  /** Of the hidden layers; default relu. */
  activation?: Activation;
  /** Default linear. */
  outputActivation?: Activation;
  /** Whether each layer has one. Default true. */
  bias?: boolean;
  /** Of every layer but the last, if that has its own. Default: PyTorch's, uniform in ±1/√inputs. */
  weightInit?: Initializer;
  /** Default: the same range. */
  biasInit?: Initializer;
  /** The last layer's, where it should start otherwise: small for a policy's head. */
  outputWeightInit?: Initializer;
}

/** A chain of dense layers, run as one op: [..., sizes[0]] → [..., last size]. Parameters: `0.weight`, `0.bias`, `1.…`. */
export function mlpModule(o: MlpModuleOptions): Module<Tensor, Tensor> {
  requireOptions('mlpModule', o);
  const { sizes, activation = 'relu', outputActivation = 'linear', outputWeightInit, ...rest } = o;
  checkSizes('mlpModule', sizes);
  if (sizes.length < 2) {
    throw new ConfigError({
      where: 'mlpModule sizes',
      what: 'no layer',
      got: sizes,
      wanted: 'input and output width at least',
    });
  }
  const layers = sizes.slice(1).map((outputs, i) => {
    const weightInit = i === sizes.length - 2 ? (outputWeightInit ?? rest.weightInit) : rest.weightInit;
    return dense({ ...rest, inputs: sizes[i] as number, outputs, ...(weightInit && { weightInit }) });
  });
  return {
    init: (rng) => Object.fromEntries(layers.map((layer, i) => [String(i), layer.init(rng.split(i))])),
    apply: (params, x) =>
      mlp(
        x,
        layers.map((_, i) => params[i] as { weight: Tensor; bias?: Tensor }),
        { activation, outputActivation },
      ),
  };
}

/** Layer norm over the last axis. Parameters: `scale` [size] of ones, `offset` [size] of zeros. */
export function layerNormModule(o: { size: number; epsilon?: number }): Module<Tensor, Tensor> {
  requireOptions('layerNormModule', o);
  const { size, ...options } = o;
  checkSizes('layerNormModule', [size]);
  return {
    init: (rng) => ({ scale: ones(rng, [size]), offset: zeros(rng, [size]) }),
    apply: (params, x) => layerNormOp(x, params.scale as Tensor, params.offset as Tensor, options),
  };
}

/** RMS norm over the last axis. Parameters: `scale` [size], ones, or zeros with `unitOffset` (the factor is 1 + scale). */
export function rmsNormModule(o: { size: number; epsilon?: number; unitOffset?: boolean }): Module<Tensor, Tensor> {
  requireOptions('rmsNormModule', o);
  const { size, ...options } = o;
  checkSizes('rmsNormModule', [size]);
  return {
    init: (rng) => ({ scale: (o.unitOffset ? zeros : ones)(rng, [size]) }),
    apply: (params, x) => rmsNormOp(x, params.scale as Tensor, options),
  };
}

/** ids int32 [...] → [..., size]. Parameters: `table` [count, size]. */
export function embeddingModule(o: { count: number; size: number; init?: Initializer }): Module<Tensor, Tensor> {
  requireOptions('embeddingModule', o);
  const { count, size, init = normal(1) } = o;
  checkSizes('embeddingModule', [count, size]);
  return {
    init: (rng) => ({ table: init(rng, [count, size]) }),
    apply: (params, ids) => embeddingOp(ids, params.table as Tensor),
  };
}

/** Sets elements to zero with chance `rate` in training, and needs `rng` there; passes its input through otherwise. */
export function dropoutModule(o: { rate: number }): Module<Tensor, Tensor> {
  requireOptions('dropoutModule', o);
  return {
    init: () => ({}),
    apply: (_, x, { training = false, rng } = {}) => {
      if (!training) return clone(x);
      if (rng === undefined)
        throw new ConfigError({
          where: 'dropoutModule',
          what: 'training needs a random stream',
          fix: 'pass rng to apply()',
        });
      return dropoutOp(x, o.rate, rng);
    },
  };
}

/** One after another. Parameters: `0`, `1`, …, those of each part; its training noise is split by the same number. */
export function sequential(...modules: readonly Module<Tensor, Tensor>[]): Module<Tensor, Tensor> {
  return {
    init: (rng) => Object.fromEntries(modules.map((module, i) => [String(i), module.init(rng.split(i))])),
    apply: (params, x, o = {}) => {
      let h = x;
      for (const [i, module] of modules.entries()) {
        const next = module.apply(params[i] as Params, h, { ...o, ...(o.rng && { rng: o.rng.split(i) }) });
        if (h !== x) h.dispose();
        h = next;
      }
      return h === x ? clone(x) : h;
    },
  };
}

function checkSizes(where: string, sizes: readonly number[]): void {
  const bad = sizes.find((n) => !Number.isInteger(n) || n < 1);
  if (bad !== undefined) throw new ConfigError({ where, what: 'bad size', got: bad, wanted: 'a whole number ≥ 1' });
}
