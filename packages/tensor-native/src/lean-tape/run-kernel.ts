// Running a kernel: look-ups are cached, and what a gradient will need is recorded.
import {
  type GradConfig,
  type KernelBackend,
  type KernelConfig,
  type NamedAttrMap,
  Tensor,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { type CustomCall, type GradientFunction, type Inputs, stock, tf } from './engine.ts';
import { endsGradient, isRecording, neededInputs, record, save, saveFor } from './record.ts';
import { tidy } from './scopes.ts';

interface Entry {
  kernel: KernelConfig;
  gradient: GradConfig | undefined;
}

/** Kernels of the current backend by name. */
const entries = new Map<string, Entry>();
let entriesOf: string | null = null;

interface Registries {
  kernels: Map<string, KernelConfig>;
  gradients: Map<string, GradConfig>;
}
/** tfjs's registries; each change of theirs empties our cache. */
export function registries(): Registries {
  const globals = (globalThis as unknown as { _tfGlobals: Map<string, Map<string, never>> })._tfGlobals;
  return { kernels: globals.get('kernelRegistry'), gradients: globals.get('gradRegistry') } as unknown as Registries;
}

function entryOf(name: string): Entry {
  if (tf.backendName === null || tf.backendName === undefined) void tf.backend; // chooses one
  if (entriesOf !== tf.backendName) {
    entries.clear();
    entriesOf = tf.backendName;
  }
  let entry = entries.get(name);
  if (entry === undefined) {
    const { kernels, gradients } = registries();
    const kernel = kernels.get(`${tf.backendName}_${name}`);
    if (kernel === undefined) throw new Error(`Kernel '${name}' not registered for backend '${tf.backendName}'`);
    entry = { kernel, gradient: gradients.get(name) };
    entries.set(name, entry);
  }
  return entry;
}

/** Forgets the kernels looked up so far: a registry or the backend has changed. */
export function forgetKernels(): void {
  entries.clear();
}

/** Whether the stock engine has to run the kernel: `profile()` or debug mode wants to watch. */
const isWatched = (): boolean => tf.ENV.flags.DEBUG === true || tf.state.profiling;

/** In tfjs's own tests a kernel that leaves data behind is an error. */
function checked<R extends TensorInfo | TensorInfo[]>(name: string, backend: KernelBackend, run: () => R): R {
  if (tf.ENV.flags.IS_TEST !== true) return run();
  tf.state.numDataMovesStack.push(0);
  const before = backend.numDataIds();
  const out = run();
  tf.checkKernelForMemLeak(name, before, Array.isArray(out) ? out : [out]);
  return out;
}

function asTensor(info: TensorInfo | Tensor, backend: KernelBackend): Tensor {
  if ((info as Tensor).rank != null) return info as Tensor;
  const t = new Tensor(info.shape, info.dtype, info.dataId, tf.nextTensorId());
  tf.trackTensor(t, backend);
  return t;
}

export function runKernel(name: string, inputs: Inputs, attrs: NamedAttrMap): Tensor | Tensor[] {
  const { kernel, gradient } = entryOf(name);
  if (isWatched()) return runWatched({ kernelName: name, inputs, attrs });
  const { state } = tf;
  const backend = tf.backendInstance ?? tf.backend;
  const needed = isRecording(state) ? neededInputs(inputs) : undefined;
  let out: TensorInfo | TensorInfo[];
  state.kernelDepth++;
  try {
    const call = { inputs: inputs as never, attrs, backend };
    out =
      tf.ENV.flags.IS_TEST === true ? checked(name, backend, () => kernel.kernelFunc(call)) : kernel.kernelFunc(call);
  } finally {
    state.kernelDepth--;
  }
  if (!Array.isArray(out)) {
    const t = asTensor(out, backend);
    if (needed !== undefined && !endsGradient([t], inputs, needed)) {
      const saved = gradient === undefined ? [] : saveFor(gradient, inputs, [t]);
      record(name, inputs, [t], gradient?.gradFunc as GradientFunction | undefined, saved, attrs, needed);
    }
    return t;
  }
  const outputs = out.map((info) => asTensor(info, backend));
  if (needed !== undefined && !endsGradient(outputs, inputs, needed)) {
    const saved = gradient === undefined ? [] : saveFor(gradient, inputs, outputs);
    record(name, inputs, outputs, gradient?.gradFunc as GradientFunction | undefined, saved, attrs, needed);
  }
  return outputs;
}

/** `customGrad`, and the kernel call of the stock engine's other users. */
export function runKernelFunc(call: CustomCall): Tensor | Tensor[] {
  const { kernelName, forwardFunc, backwardsFunc, inputs, attrs } = call;
  if (kernelName !== undefined) return runKernel(kernelName, inputs, attrs as NamedAttrMap);
  if (isWatched()) return runWatched(call);
  const { state } = tf;
  const needed = isRecording(state) ? neededInputs(inputs) : undefined;
  let saved: Tensor[] = [];
  const backend = tf.backend;
  let out: Tensor | Tensor[];
  state.kernelDepth++;
  try {
    out = checked('customGrad', backend, () =>
      tidy(() =>
        (forwardFunc as NonNullable<typeof forwardFunc>)(backend, (tensors) => {
          if (needed !== undefined) saved = tensors.map(save);
        }),
      ),
    );
  } finally {
    state.kernelDepth--;
  }
  if (needed !== undefined) {
    const outputs = Array.isArray(out) ? out : [out];
    record(state.activeScope?.name ?? '', inputs, outputs, backwardsFunc, saved, attrs as NamedAttrMap, needed);
  }
  return out;
}

/** The stock engine runs the kernel, for its profile and checks, with its own tape off; we record. */
function runWatched(call: CustomCall): Tensor | Tensor[] {
  const { state } = tf;
  const needed = isRecording(state) ? neededInputs(call.inputs) : undefined;
  const { forwardFunc } = call;
  let saved: Tensor[] = [];
  const watched: CustomCall =
    forwardFunc === undefined
      ? call
      : {
          ...call,
          forwardFunc: (backend) =>
            forwardFunc(backend, (tensors) => {
              if (needed !== undefined) saved = tensors.map(save);
            }),
        };
  const depth = state.gradientDepth;
  state.gradientDepth = 0;
  let out: Tensor | Tensor[];
  try {
    out = stock.runKernelFunc.call(tf, watched);
  } finally {
    state.gradientDepth = depth;
  }
  if (needed === undefined) return out;
  const outputs = Array.isArray(out) ? out : [out];
  const { kernelName, inputs, attrs, backwardsFunc } = call;
  if (kernelName !== undefined && endsGradient(outputs, inputs, needed)) return out;
  const config = kernelName === undefined ? undefined : entryOf(kernelName).gradient;
  if (config !== undefined) saved = saveFor(config, inputs, outputs);
  const gradient = kernelName === undefined ? backwardsFunc : (config?.gradFunc as GradientFunction | undefined);
  record(kernelName ?? state.activeScope?.name ?? '', inputs, outputs, gradient, saved, attrs as NamedAttrMap, needed);
  return out;
}

export function addTapeNode(
  kernelName: string,
  inputs: Inputs,
  outputs: Tensor[],
  gradient: GradientFunction,
  saved: Tensor[],
  attrs: NamedAttrMap,
): void {
  const needed = tf.state.gradientDepth > 0 ? neededInputs(inputs) : undefined;
  if (needed !== undefined) record(kernelName, inputs, outputs, gradient, saved, attrs, needed);
}
