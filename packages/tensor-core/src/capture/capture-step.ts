// Capture and replay of a training step: on a backend that can, the native commands of one step are recorded and run
// again by one call, without tfjs's bookkeeping in between. Elsewhere the step simply runs.
//
// Valid only for a step whose shapes and control flow never change; that reads no tensor's value; whose inputs - data,
// noise, learning rate - come in as its arguments; that writes variables in place (our optimisers, polyakTree) and does
// not assign them. What can be checked is refused with a typed error: a kernel without a native body, random numbers
// drawn inside, values read, variables assigned.
import { clone, engine, getBackend, keep, scalar, type Tensor, tensor, tidy } from '@tensorflow/tfjs-core';
import { backendExtensions, type CapturedProgram } from '../backend/extensions.ts';
import { BackendError, ConfigError, ShapeError } from '../errors.ts';
import { sameShape } from '../ops/internal/check.ts';
import { isTensor } from '../tree/params.ts';

/**
 * What a step is called with: tensors, single numbers, or, after the first call, the elements of a tensor: a
 * Float32Array for float32, an Int32Array for int32.
 */
export type StepInput = Tensor | number | Float32Array | Int32Array;

/** A step that runs again and again. */
export interface CapturedStep<I extends string, O extends { [name: string]: Tensor }> extends Disposable {
  /**
   * Runs the step.
   * @param inputs the same names and shapes each time; neither kept nor disposed
   * @returns the step's results. They belong to the step: read or copy them before its next run, do not dispose them
   * @throws BackendError where the step cannot be replayed (at its second call) or was captured on another backend; ShapeError, ConfigError for bad inputs
   */
  run(inputs: { [K in I]: StepInput }): O;
  /** Whether runs are replays by now. */
  readonly captured: boolean;
  /** Frees the program, its inputs and results; variables stay. Safe to call twice. */
  dispose(): void;
}

/**
 * Makes a step that is recorded and replayed where the backend can. The first call runs it as it is (this settles copies
 * of shared variables), the second records it, later ones replay. A replay reads weights where they lay, packed copies and
 * blocks included: after packed or quantised weights were written in place, make the step anew.
 * @param f the step: it gets the inputs as tensors and returns tensors to look at, such as the loss
 * @example
 * const step = captureStep(({ x, learningRate }) => {
 *   const { value, grads } = valueAndGrad(loss)(params, x);
 *   optimizer.update(params, grads, state, learningRate);
 *   return { loss: value };
 * });
 * const { loss } = step.run({ x: batch, learningRate: 1e-3 });
 */
export function captureStep<I extends string, O extends { [name: string]: Tensor }>(
  f: (inputs: { [K in I]: Tensor }) => O,
): CapturedStep<I, O> {
  return new Step(f as unknown as (inputs: Tensors) => Tensors) as unknown as CapturedStep<I, O>;
}

/** Whether the current backend replays captured steps; elsewhere they simply run. */
export const replaysSteps = (): boolean => backendExtensions() !== undefined;

type Tensors = { [name: string]: Tensor };

class Step implements CapturedStep<string, Tensors> {
  readonly #f: (inputs: Tensors) => Tensors;
  // tensors that each run overwrites with its inputs
  readonly #inputs = new Map<string, Tensor>();
  #outputs: Tensors = {};
  #program: CapturedProgram | undefined;
  // the backend whose memory the program works on
  #backend = '';
  // names, shapes and dtypes of the inputs are fixed
  #started = false;
  #disposed = false;

  constructor(f: (inputs: Tensors) => Tensors) {
    this.#f = f;
  }

  get captured(): boolean {
    return this.#program !== undefined;
  }

  run(inputs: { [name: string]: StepInput }): Tensors {
    if (this.#disposed) throw new ConfigError({ where: 'captureStep', what: 'the step was disposed' });
    if (this.#program !== undefined && getBackend() !== this.#backend) {
      throw new BackendError({
        where: 'captureStep',
        what: 'the step was captured on another backend',
        got: getBackend(),
        wanted: this.#backend,
        fix: 'Run it on that one, or make a new step',
      });
    }
    if (!this.#started) this.#first(inputs);
    else {
      this.#write(inputs);
      if (this.#program !== undefined) this.#program.replay();
      else {
        this.#freeOutputs();
        if (backendExtensions() === undefined) this.#execute();
        else this.#capture();
      }
    }
    return this.#outputs;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#freeOutputs();
    this.#program?.dispose();
    this.#program = undefined;
    this.#freeInputs();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Decides names, shapes and dtypes, unless it fails: the next run is then the first. */
  #first(inputs: { [name: string]: StepInput }): void {
    try {
      for (const [name, value] of Object.entries(inputs)) this.#inputs.set(name, keep(ownCopy(name, value)));
      this.#execute();
      this.#started = true;
    } catch (error) {
      this.#freeInputs();
      throw error;
    }
  }

  #execute(): void {
    this.#outputs = tidy(() => {
      const outputs = this.#f(Object.fromEntries(this.#inputs));
      // an input or a variable handed through would be disposed as a result
      const own = Object.entries(outputs).map(([name, t]) => [name, clone(t)] as const);
      for (const [, t] of own) keep(t);
      return Object.fromEntries(own);
    });
  }

  #capture(): void {
    const before = variableIds();
    let program: CapturedProgram;
    try {
      program = (backendExtensions() as NonNullable<ReturnType<typeof backendExtensions>>).capture(() =>
        this.#execute(),
      );
    } catch (cause) {
      const { code, name } = cause as { code?: string; name?: string };
      // the step's own errors; what the backend refuses says which step it is about here
      if (code !== undefined && name !== 'NativeError') throw cause;
      throw new BackendError({
        where: 'captureStep',
        what: `the step cannot be replayed: ${(cause as Error).message}`,
        fix: 'run it without captureStep, or move that part out of the step',
        cause,
      });
    }
    const assigned = [...variableIds()].filter(([name, id]) => before.has(name) && before.get(name) !== id);
    if (assigned.length > 0) {
      program.dispose();
      throw new BackendError({
        where: 'captureStep',
        what: `the step assigns ${assigned.length} variables: a replay would not see their new values`,
        fix: 'update them in place, by an optimiser of createOptimizer or polyakTree',
      });
    }
    this.#program = program;
    this.#backend = getBackend();
  }

  /** Puts the inputs where the step reads them. */
  #write(inputs: { [name: string]: StepInput }): void {
    const names = Object.keys(inputs);
    if (names.length !== this.#inputs.size) {
      throw new ConfigError({
        where: 'captureStep',
        what: 'other inputs than at the first run',
        got: names,
        wanted: [...this.#inputs.keys()],
      });
    }
    for (const name of names) this.#writeOne(name, inputs[name] as StepInput);
  }

  #writeOne(name: string, value: StepInput): void {
    const fixed = this.#inputs.get(name);
    if (fixed === undefined)
      throw new ConfigError({ where: 'captureStep', what: 'a new input after the first run', got: name });
    if (!fits(value, fixed)) {
      throw new ShapeError({
        where: `captureStep input ${name}`,
        what: 'another shape or dtype than at the first run',
        got: described(value),
        wanted: `${fixed.dtype} [${fixed.shape}]`,
      });
    }
    const backend = backendExtensions();
    if (backend === undefined) {
      fixed.dispose();
      const copy = isTensor(value)
        ? clone(value)
        : tensor(typeof value === 'number' ? [value] : value, fixed.shape, fixed.dtype as 'float32');
      this.#inputs.set(name, keep(copy));
    } else {
      backend.overwrite(fixed, typeof value === 'number' ? [value] : isTensor(value) ? backend.view(value) : value);
    }
  }

  #freeInputs(): void {
    for (const t of this.#inputs.values()) t.dispose();
    this.#inputs.clear();
  }

  #freeOutputs(): void {
    for (const t of Object.values(this.#outputs)) t.dispose();
    this.#outputs = {};
  }
}

function fits(value: StepInput, fixed: Tensor): boolean {
  if (typeof value === 'number') return fixed.size === 1 && (fixed.dtype !== 'int32' || Number.isInteger(value));
  if (isTensor(value)) return value.dtype === fixed.dtype && sameShape(value.shape, fixed.shape);
  return value.length === fixed.size && value[Symbol.toStringTag] === arrayOf[fixed.dtype];
}

// by name, not by constructor: an array may come from another realm, as in a test runner's context
const arrayOf: { readonly [dtype: string]: string } = { float32: 'Float32Array', int32: 'Int32Array' };

function described(value: StepInput): string {
  if (typeof value === 'number') return `the number ${value}`;
  if (isTensor(value)) return `${value.dtype} [${value.shape}]`;
  return `${value[Symbol.toStringTag] ?? typeof value} of ${value.length} elements`;
}

/** A tensor with values of its own, whatever else happens to `value`. */
function ownCopy(name: string, value: StepInput): Tensor {
  if (typeof value === 'number') return scalar(value);
  if (!isTensor(value)) {
    throw new ConfigError({
      where: `captureStep input ${name}`,
      what: 'the first run needs a tensor or a number, for its shape',
    });
  }
  return tensor(value.dataSync<'float32'>(), value.shape, value.dtype as 'float32');
}

/** Which storage each variable has. */
const variableIds = (): Map<string, object> =>
  new Map(Object.entries(engine().state.registeredVariables).map(([name, v]) => [name, v.dataId]));
