// A differentiable op: a kernel (see kernel.ts) and its gradient, declared once for every backend.
//
// Why not registerGradient: TensorFlow.js would then take everything the backward pass saves for an output of the op and
// fill a tensor of zeros for each of them in every backward pass. `customGrad` saves what it likes, but computes the
// gradients of all inputs even where one is asked for. The method underneath it, `runKernelFunc`, does neither; we call
// that one.

import { clone, engine, keep, type NamedTensorMap, type Tensor, zeros } from '@tensorflow/tfjs-core';
import { type Attributes, defineKernel, ensureKernel, type Inputs, type Kernel, runKernel } from './kernel.ts';

/** What a gradient function is given. */
export interface Backward<A extends Attributes> {
  /** Gradients of the op's outputs. */
  readonly dys: Tensor[];
  /** The inputs named in `saveInputs`. */
  readonly inputs: Inputs;
  /** The op's own outputs, where `saveOutputs` says so. */
  readonly outputs: Tensor[];
  /** What the kernel returned behind its outputs because it was told `training`. */
  readonly extras: Tensor[];
  readonly attributes: A;
  /** The inputs whose gradients will be asked for, each once and in this scope; undefined where the tape does not say. */
  readonly wanted: readonly string[] | undefined;
  /** Keeps a tensor that several gradients share until the backward pass ends (or until it is disposed). */
  hold<T extends Tensor>(tensor: T): T;
}

/** One function for each differentiable input; only those that are needed are called, in the order of the op's inputs. */
export type Gradients = { [input: string]: () => Tensor };

export interface FusedOp<A extends Attributes> {
  readonly kernel: Kernel<A & { training: boolean }>;
  readonly outputs: number;
  readonly saveInputs: (attributes: A) => readonly string[];
  readonly saveOutputs: (attributes: A) => boolean;
  readonly gradient: (backward: Backward<A>) => Gradients;
}

/**
 * Declares a differentiable op.
 * @param o.name the kernel's name, under which a backend may register a fused body
 * @param o.compose the body for all other backends: `outputs` tensors, and behind them, where `attributes.training` is
 *   true, whatever the gradient wants to see again
 * @param o.saveInputs the inputs that the gradient wants to see again; absent ones are passed over
 * @param o.saveOutputs whether it wants to see the outputs
 */
export function defineFusedOp<A extends Attributes>(o: {
  name: string;
  compose: (inputs: Inputs, attributes: A & { training: boolean }) => Tensor[];
  outputs?: number;
  saveInputs?: readonly string[] | ((attributes: A) => readonly string[]);
  saveOutputs?: boolean | ((attributes: A) => boolean);
  gradient: (backward: Backward<A>) => Gradients;
}): FusedOp<A> {
  const { saveInputs = [], saveOutputs = false } = o;
  return {
    kernel: defineKernel(o.name, o.compose),
    outputs: o.outputs ?? 1,
    saveInputs: typeof saveInputs === 'function' ? saveInputs : () => saveInputs,
    saveOutputs: typeof saveOutputs === 'function' ? saveOutputs : () => saveOutputs,
    gradient: o.gradient,
  };
}

/** The part of TensorFlow.js's engine that its own customGrad is made of. */
interface Recorder {
  runKernelFunc(o: {
    forwardFunc: (backend: unknown, save: (tensors: Tensor[]) => void) => Tensor[];
    // only tensor-native's lean tape says which inputs it wants
    backwardsFunc: (
      dy: Tensor | Tensor[],
      saved: Tensor[],
      attributes?: object,
      wanted?: readonly string[],
    ) => { [input: string]: () => Tensor };
    inputs: NamedTensorMap;
    attrs: object;
  }): Tensor[];
}

/**
 * Runs a differentiable op; inside `grad` and its relatives the call is recorded with its gradient.
 * Inside a gradient of a gradient the composition itself is recorded, op by op.
 * @returns the op's outputs; the caller disposes them
 */
export function runFused<A extends Attributes>(op: FusedOp<A>, inputs: Inputs, attributes: A): Tensor[] {
  const { kernel } = op;
  if (!engine().isTapeOn()) {
    const out = runKernel(kernel, inputs, { ...attributes, training: false });
    return out.length > op.outputs ? out.slice(0, op.outputs) : out;
  }
  if (engine().state.gradientDepth > 1)
    return kernel.compose(inputs, { ...attributes, training: false }).slice(0, op.outputs);

  ensureKernel(kernel);
  const saved = op.saveInputs(attributes).filter((name) => name in inputs);
  const saveOutputs = op.saveOutputs(attributes);
  return (engine() as unknown as Recorder).runKernelFunc({
    inputs,
    attrs: {},
    forwardFunc: (_, save) => {
      const out = runKernel(kernel, inputs, { ...attributes, training: true });
      const outputs = out.slice(0, op.outputs);
      save([...saved.map((name) => inputs[name] as Tensor), ...(saveOutputs ? outputs : []), ...out.slice(op.outputs)]);
      return outputs;
    },
    backwardsFunc: (dy, tensors, _, wanted) => {
      const first = saved.length + (saveOutputs ? op.outputs : 0);
      const gradients = op.gradient({
        dys: Array.isArray(dy) ? dy : [dy],
        inputs: named(saved, tensors),
        outputs: tensors.slice(saved.length, first),
        extras: tensors.slice(first),
        attributes,
        wanted,
        hold: (tensor) => {
          // the engine disposes what is in this list when the backward pass is over
          tensors.push(keep(tensor));
          return tensor;
        },
      });
      // ids, lengths and the like: constants, even where they were computed from something differentiated
      for (const name in inputs) {
        const { shape } = inputs[name] as Tensor;
        gradients[name] ??= () => zeros(shape);
      }
      return gradients;
    },
  });
}

/** The first tensors of a list under their names. */
function named(names: readonly string[], tensors: readonly Tensor[]): Inputs {
  const out: Inputs = {};
  for (let i = 0; i < names.length; i++) out[names[i] as string] = tensors[i] as Tensor;
  return out;
}

/** The first output of an op call. */
export function runFused1<A extends Attributes, T extends Tensor = Tensor>(
  op: FusedOp<A>,
  inputs: Inputs,
  attributes: A,
): T {
  return runFused(op, inputs, attributes)[0] as T;
}

/**
 * Gradients that one kernel computes together: it runs when the first of them is asked for.
 * @param names the inputs, in the order of the kernel's outputs
 */
export function together<A extends Attributes>(
  { hold }: Backward<A>,
  names: readonly string[],
  run: () => Tensor[],
): Gradients {
  let results: Tensor[] | undefined;
  const entries = names.map((name, i): [string, () => Tensor] => [
    name,
    () => {
      results ??= run().map((tensor) => hold(tensor));
      return clone(results[i] as Tensor);
    },
  ]);
  return Object.fromEntries(entries);
}
