// A lean gradient tape and kernel call for TensorFlow.js. The stock engine costs about 1 µs a kernel and 10 µs a kernel
// with gradient: it looks kernels up by concatenated strings, runs an `Identity` kernel for every tensor it saves, records
// everything whether or not a gradient needs it, filters the record, and keeps every intermediate gradient to the end.
// Here: look-ups are cached; a kernel is recorded only where an input depends on what is differentiated; saving a tensor
// is a reference count; the backward pass walks the record once and frees each gradient and saved tensor behind it.
//
// What holds as before: tf.grad and its relatives, customGrad, gradients of gradients, kernels with several outputs,
// user-registered kernels and gradients, tidy, keep, memory(), profile() and debug mode, tensors that move between
// backends. What differs: a comparison ends a gradient (its output is bool; what only it depends on gets zeros) instead
// of needing a gradient of its own.
//
// It replaces methods of tfjs's engine, so it is this one module with a switch, and refuses another tfjs-core than the
// one it was written for. tfjs-core's own suite passes with the switch on and off.
import {
  engine,
  type GradConfig,
  type KernelBackend,
  type KernelConfig,
  type NamedAttrMap,
  Tensor,
  type TensorInfo,
  tensor_util,
  util,
  version_core,
} from '@tensorflow/tfjs-core';

/** The tfjs-core whose engine this replaces. */
const written = '4.22.0';

// ---- the parts of tfjs that are touched -------------------------------------------------------------------------------

type Inputs = { [name: string]: Tensor | null | undefined };
type GradientMap = { [name: string]: (() => Tensor) | undefined };
type GradientFunction = (
  dy: Tensor | Tensor[],
  saved: Tensor[],
  attrs: NamedAttrMap,
  /** The inputs whose gradients will be asked for, each once: a hint that tfjs's own gradients do not take. */
  wanted: readonly string[],
) => GradientMap;

/** One recorded call. */
interface Node {
  kernelName: string;
  inputs: Inputs;
  outputs: Tensor[];
  saved: Tensor[];
  attrs: NamedAttrMap;
  gradient: GradientFunction | undefined;
  /** The inputs that depend on what is differentiated. */
  needed: string[];
}

interface CustomCall {
  kernelName?: string;
  forwardFunc?: (backend: KernelBackend, save: (tensors: Tensor[]) => void) => Tensor | Tensor[];
  backwardsFunc?: GradientFunction;
  inputs: Inputs;
  attrs?: NamedAttrMap;
}

interface Scope {
  track: Tensor[];
  name: string;
  id: number;
}

interface State {
  numBytes: number;
  numTensors: number;
  numStringTensors: number;
  numDataBuffers: number;
  activeTape: Node[] | null;
  gradientDepth: number;
  kernelDepth: number;
  activeScope: Scope | null;
  scopeStack: Scope[];
  nextScopeId: number;
  tensorInfo: InfoTable;
  profiling: boolean;
  numDataMovesStack: number[];
}

interface Info {
  backend: KernelBackend;
  dtype: string;
  shape: number[];
  bytes: number;
}

/** What the engine knows of a data id. */
interface InfoTable {
  get(id: object): Info | undefined;
  set(id: object, info: Info): void;
  has(id: object): boolean;
  delete(id: object): boolean;
}

interface TfEngine {
  state: State;
  ENV: { flags: { [name: string]: unknown } };
  backend: KernelBackend;
  backendName: string | null;
  backendInstance: KernelBackend | null;
  nextTensorId(): number;
  runKernel(name: string, inputs: Inputs, attrs?: NamedAttrMap): Tensor | Tensor[];
  runKernelFunc(call: CustomCall): Tensor | Tensor[];
  gradients(f: () => Tensor, xs: Tensor[], dy?: Tensor | null, allowNoGradients?: boolean): unknown;
  addTapeNode(
    kernelName: string,
    inputs: Inputs,
    outputs: Tensor[],
    gradient: GradientFunction,
    saved: Tensor[],
    attrs: NamedAttrMap,
  ): void;
  tidy<T>(nameOrFn: string | (() => T), fn?: () => T): T;
  startScope(name?: string): void;
  endScope(result?: unknown): void;
  trackTensor(tensor: Tensor, backend?: KernelBackend): void;
  disposeTensor(tensor: Tensor): void;
  checkKernelForMemLeak(name: string, before: number, out: TensorInfo[]): void;
  makeTensor(values: unknown, shape: number[], dtype: string): Tensor;
  reset(): void;
}

const tf = engine() as unknown as TfEngine;
type Method =
  | 'runKernel'
  | 'runKernelFunc'
  | 'gradients'
  | 'addTapeNode'
  | 'tidy'
  | 'startScope'
  | 'endScope'
  | 'trackTensor'
  | 'disposeTensor'
  | 'reset';

// ---- which tensors depend on what is differentiated --------------------------------------------------------------------

/** A tensor is marked by the number of the outermost gradient call it belongs to: old marks need no removal. */
type Marked = Tensor & { gradientOf?: number };
let generation = 0;

const isNeeded = (t: Tensor | null | undefined): boolean => t != null && (t as Marked).gradientOf === generation;

const isRecording = ({ gradientDepth, kernelDepth }: State): boolean => gradientDepth > 0 && kernelDepth === 0;

function neededInputs(inputs: Inputs): string[] | undefined {
  let needed: string[] | undefined;
  for (const name in inputs) {
    if (!isNeeded(inputs[name])) continue;
    if (needed === undefined) needed = [name];
    else needed.push(name);
  }
  return needed;
}

/** Keeps a tensor's value for the backward pass: the same id, so that gradients of gradients reach the original. */
function save(t: Tensor): Tensor {
  const { dataId, shape, dtype, id } = t;
  const saved = new Tensor(shape, dtype, dataId, id);
  saved.kept = true;
  (saved as Marked).gradientOf = (t as Marked).gradientOf as number;
  const { state } = tf;
  state.numTensors++;
  if (dtype === 'string') state.numStringTensors++;
  else if (dtype !== 'complex64') state.numBytes += t.size * bytesOf(dtype);
  state.tensorInfo.get(dataId)?.backend.incRef(dataId);
  return saved;
}

/** Ids of tensors that only a comparison's answer depends on. */
let compared = new Set<number>();

function record(
  kernelName: string,
  inputs: Inputs,
  outputs: Tensor[],
  gradient: GradientFunction | undefined,
  saved: Tensor[],
  attrs: NamedAttrMap,
  needed: string[],
): void {
  for (const out of outputs) (out as Marked).gradientOf = generation;
  (tf.state.activeTape as Node[]).push({ kernelName, inputs, outputs, saved, attrs, gradient, needed });
}

/** A call that answers yes or no about numbers ends the gradient. */
function endsGradient(outputs: Tensor[], inputs: Inputs, needed: string[]): boolean {
  for (const out of outputs) if (out.dtype !== 'bool') return false;
  for (const name of needed) if (inputs[name]?.dtype === 'bool') return false;
  for (const name of needed) compared.add((inputs[name] as Tensor).id);
  return true;
}

/** What a registered gradient wants to see again. */
function saveFor(
  { saveAllInputs, inputsToSave, outputsToSave }: GradConfig,
  inputs: Inputs,
  outputs: Tensor[],
): Tensor[] {
  const saved: Tensor[] = [];
  if (saveAllInputs) {
    util.assert(Array.isArray(inputs), () => 'saveAllInputs is true, expected inputs to be an array.');
    for (const x of inputs as unknown as Tensor[]) saved.push(save(x));
  } else if (inputsToSave) for (const name of inputsToSave) saved.push(save(inputs[name] as Tensor));
  if (outputsToSave) for (const [i, t] of outputs.entries()) if (outputsToSave[i]) saved.push(save(t));
  return saved;
}

// ---- running a kernel -------------------------------------------------------------------------------------------------

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
function registries(): Registries {
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

function runKernel(name: string, inputs: Inputs, attrs: NamedAttrMap): Tensor | Tensor[] {
  const { kernel, gradient } = entryOf(name);
  if (isWatched()) return runWatched({ kernelName: name, inputs, attrs });
  const { state } = tf;
  const backend = tf.backendInstance ?? tf.backend;
  const needed = isRecording(state) ? neededInputs(inputs) : undefined;
  let out: TensorInfo | TensorInfo[];
  state.kernelDepth++;
  try {
    out = checked(name, backend, () => kernel.kernelFunc({ inputs: inputs as never, attrs, backend }));
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
function runKernelFunc(call: CustomCall): Tensor | Tensor[] {
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
    out = (stock.runKernelFunc as TfEngine['runKernelFunc']).call(tf, watched);
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

function addTapeNode(
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

// ---- the backward pass ------------------------------------------------------------------------------------------------

function gradients(
  f: () => Tensor,
  xs: Tensor[],
  dy?: Tensor | null,
  allowNoGradients = false,
): { value: Tensor; grads: (Tensor | undefined)[] } {
  util.assert(xs.length > 0, () => 'gradients() received an empty list of xs.');
  if (dy != null && dy.dtype !== 'float32') throw new Error(`dy must have 'float32' dtype, but has '${dy.dtype}'`);
  const { state } = tf;
  const outermost = state.gradientDepth === 0;
  if (outermost) {
    state.activeTape = [];
    generation++;
    compared = new Set();
  }
  for (const x of xs) (x as Marked).gradientOf = generation;
  const tape = state.activeTape as Node[];
  let done = false;
  try {
    state.gradientDepth++;
    let y: Tensor;
    try {
      y = tidy(f);
    } finally {
      state.gradientDepth--;
    }
    util.assert(y instanceof Tensor, () => 'The result y returned by f() must be a tensor.');
    const path = outermost ? tape : pathFrom(xs, tape);
    const isReached = path.some((node) => node.outputs.some((out) => out.id === y.id));
    if (!allowNoGradients && !isReached && !xs.some((x) => isCompared(x, tape))) {
      throw new Error(
        'Cannot compute gradient of y=f(x) with respect to x. Make sure that the f you passed encloses all operations that lead from x to y.',
      );
    }
    const grads = tidy(() => {
      const start = dy ?? float32(y.shape, 1);
      const found = new Map<number, Tensor>([[y.id, start]]);
      for (let i = path.length - 1; i >= 0; i--) backward(path[i] as Node, found, outermost, dy ?? undefined);
      return xs.map(
        (x) => found.get(x.id) ?? (!allowNoGradients && isCompared(x, tape) ? float32(x.shape, 0) : undefined),
      );
    });
    done = true;
    return { value: y, grads };
  } finally {
    if (outermost) {
      // after a whole backward pass every node has freed its own
      if (!done) for (const node of tape) free(node.saved);
      state.activeTape = null;
    }
  }
}

function free(saved: Tensor[]): void {
  for (const t of saved) t.dispose();
  saved.length = 0;
}

/**
 * Passes the gradients of a node's outputs on to its inputs.
 * @param found the gradients so far, by tensor id
 * @param last nothing will ask for this node again: what it holds is freed
 * @param given the caller's own dy, which is not ours to free
 */
function backward(node: Node, found: Map<number, Tensor>, last: boolean, given: Tensor | undefined): void {
  const { outputs, inputs, saved } = node;
  let any = false;
  const dys: (Tensor | undefined)[] = outputs.map((out) => {
    const d = found.get(out.id);
    if (d !== undefined) any = true;
    return d;
  });
  if (any) {
    if (node.gradient === undefined) {
      throw new Error(`Cannot compute gradient: gradient function not found for ${node.kernelName}.`);
    }
    startScope();
    const made: Tensor[] = [];
    try {
      const full = dys.map((d, i) => d ?? zerosOf(outputs[i] as Tensor));
      const functions = node.gradient(full.length > 1 ? full : (full[0] as Tensor), saved, node.attrs, node.needed);
      for (const name of node.needed) {
        const dx = gradientOf(node, name, functions);
        made.push(made.includes(dx) ? dx.clone() : dx); // one tensor for two inputs
      }
    } catch (error) {
      endScope();
      throw error;
    }
    endScope(made);
    if (last) {
      for (const [i, d] of dys.entries()) {
        if (d === undefined) continue;
        found.delete((outputs[i] as Tensor).id);
        if (d !== given) d.dispose();
      }
    }
    for (const [i, name] of node.needed.entries())
      accumulate(found, (inputs[name] as Tensor).id, made[i] as Tensor, last);
  }
  if (last) free(saved);
}

/** One input's gradient, checked; a tensor of the node's own scope, so that it may be freed. */
function gradientOf(node: Node, name: string, functions: GradientMap): Tensor {
  const compute = functions[name];
  if (compute === undefined) {
    throw new Error(`Cannot backprop through input ${name}. Available gradients found: ${Object.keys(functions)}.`);
  }
  const dx = compute();
  const x = node.inputs[name] as Tensor;
  if (dx.dtype !== 'float32') {
    throw new Error(
      `Error in gradient for op ${node.kernelName}. The gradient of input ${name} must have 'float32' dtype, but has '${dx.dtype}'`,
    );
  }
  if (!util.arraysEqual(dx.shape, x.shape)) {
    throw new Error(
      `Error in gradient for op ${node.kernelName}. The gradient of input '${name}' has shape '${dx.shape}', which does not match the shape of the input '${x.shape}'`,
    );
  }
  // dy, a saved tensor or one from outside, handed through: it has other owners
  return dx.kept || dx.scopeId !== tf.state.activeScope?.id ? dx.clone() : dx;
}

function accumulate(found: Map<number, Tensor>, id: number, dx: Tensor, last: boolean): void {
  const before = found.get(id);
  if (before === undefined) {
    found.set(id, dx);
    return;
  }
  found.set(id, tf.runKernel('Add', { a: before, b: dx }) as Tensor);
  if (last) {
    before.dispose();
    dx.dispose();
  }
}

const zerosOf = (t: Tensor): Tensor => tf.makeTensor(util.makeZerosTypedArray(t.size, t.dtype), t.shape, t.dtype);

const float32 = (shape: number[], value: number): Tensor =>
  tf.makeTensor(new Float32Array(util.sizeFromShape(shape)).fill(value), shape, 'float32');

/** Whether a comparison depends on x. */
function isCompared(x: Tensor, tape: Node[]): boolean {
  if (compared.size === 0) return false;
  const dependent = [x.id, ...pathFrom([x], tape).flatMap((node) => node.outputs.map((out) => out.id))];
  return dependent.some((id) => compared.has(id));
}

/** The recorded calls that depend on xs: inside another gradient the record holds more. */
function pathFrom(xs: Tensor[], tape: Node[]): Node[] {
  const dependent = new Set(xs.map((x) => x.id));
  const path: Node[] = [];
  for (const node of tape) {
    const needed = node.needed.filter((name) => dependent.has((node.inputs[name] as Tensor).id));
    if (needed.length === 0) continue;
    path.push({ ...node, needed });
    for (const out of node.outputs) dependent.add(out.id);
  }
  return path;
}

// ---- scopes and bookkeeping -------------------------------------------------------------------------------------------

function tidy<T>(nameOrFn: string | (() => T), fn?: () => T): T {
  let name: string | undefined;
  let f = fn;
  if (f === undefined || f === null) {
    if (typeof nameOrFn !== 'function') throw new Error('Please provide a function to tidy()');
    f = nameOrFn;
  } else {
    if (typeof nameOrFn !== 'string' && !((nameOrFn as unknown) instanceof String)) {
      throw new Error('When calling with two arguments, the first argument to tidy() must be a string');
    }
    if (typeof f !== 'function') {
      throw new Error('When calling with two arguments, the 2nd argument to tidy() must be a function');
    }
    name = nameOrFn as string;
  }
  startScope(name);
  let result: T | undefined;
  try {
    result = f();
    if (result instanceof Promise) console.error('Cannot return a Promise inside of tidy.');
    return result;
  } finally {
    endScope(result);
  }
}

function startScope(name = 'unnamed scope'): void {
  const { state } = tf;
  const scope: Scope = { track: [], name, id: state.nextScopeId++ };
  state.scopeStack.push(scope);
  state.activeScope = scope;
}

const none: Tensor[] = [];

function endScope(result?: unknown): void {
  const { state } = tf;
  const scope = state.activeScope as Scope;
  const results = resultsOf(result);
  const { track } = scope;
  for (let i = 0; i < track.length; i++) {
    const t = track[i] as Tensor;
    if (!t.kept && !(results.length > 0 && isAmong(t, results))) t.dispose();
  }
  state.scopeStack.pop();
  const parent = state.scopeStack.length === 0 ? null : (state.scopeStack[state.scopeStack.length - 1] as Scope);
  state.activeScope = parent;
  if (parent === null) return;
  for (let i = 0; i < results.length; i++) {
    const t = results[i] as Tensor;
    if (t.kept || t.scopeId !== scope.id) continue;
    t.scopeId = parent.id;
    parent.track.push(t);
  }
}

/** The tensors in a scope's result. */
function resultsOf(result: unknown): Tensor[] {
  if (result === undefined || result === null || typeof result !== 'object') return none;
  if ((result as Tensor).dataId !== undefined) return [result as Tensor];
  return tensor_util.getTensorsInContainer(result as never);
}

function isAmong({ id }: Tensor, results: readonly Tensor[]): boolean {
  for (let i = 0; i < results.length; i++) if ((results[i] as Tensor).id === id) return true;
  return false;
}

const bytesOf = (dtype: string): number => (dtype === 'bool' ? 1 : 4);

function trackTensor(t: Tensor, backend?: KernelBackend): void {
  const { state } = tf;
  const { dtype, dataId } = t;
  state.numTensors++;
  let bytes = 0;
  // strings are counted when they are written, complex numbers by their parts
  if (dtype === 'string') state.numStringTensors++;
  else if (dtype !== 'complex64') bytes = t.size * bytesOf(dtype);
  state.numBytes += bytes;
  if (!state.tensorInfo.has(dataId)) {
    state.numDataBuffers++;
    state.tensorInfo.set(dataId, { backend: backend ?? tf.backend, dtype, shape: t.shape, bytes });
  }
  const scope = state.activeScope;
  // a variable belongs to no scope
  if (scope !== null && scope !== undefined && (t as { assign?: unknown }).assign === undefined) {
    t.scopeId = scope.id;
    scope.track.push(t);
  }
}

function disposeTensor(t: Tensor): void {
  const { state } = tf;
  const { dtype, dataId } = t;
  const info = state.tensorInfo.get(dataId);
  if (info === undefined) return;
  state.numTensors--;
  if (dtype === 'string') {
    state.numStringTensors--;
    state.numBytes -= info.bytes;
  } else if (dtype !== 'complex64') state.numBytes -= t.size * bytesOf(dtype);
  if (info.backend.disposeData(dataId)) {
    state.tensorInfo.delete(dataId);
    state.numDataBuffers--;
  }
}

/** The engine's table of data ids as a property of each: a weak map costs a quarter of a microsecond per tensor. */
class PropertyTable implements InfoTable {
  // tensors from before
  readonly #older: InfoTable;

  constructor(older: InfoTable) {
    this.#older = older;
  }
  get(id: Known): Info | undefined {
    return id.engineInfo ?? this.#older.get(id);
  }
  set(id: Known, info: Info): void {
    id.engineInfo = info;
  }
  has(id: Known): boolean {
    return this.get(id) !== undefined;
  }
  delete(id: Known): boolean {
    const had = this.has(id);
    id.engineInfo = undefined;
    this.#older.delete(id);
    return had;
  }
}

interface Known {
  engineInfo?: Info | undefined;
}

function installTable(): void {
  const { state } = tf;
  if (!(state.tensorInfo instanceof PropertyTable)) state.tensorInfo = new PropertyTable(state.tensorInfo);
}

// ---- the switch -------------------------------------------------------------------------------------------------------

const replacements: { [K in Method]: TfEngine[K] } = {
  runKernel: runKernel as TfEngine['runKernel'],
  runKernelFunc,
  gradients,
  addTapeNode,
  tidy,
  startScope,
  endScope,
  trackTensor,
  disposeTensor,
  reset() {
    (stock.reset as TfEngine['reset']).call(tf);
    installTable();
  },
};
const stock: { [name: string]: unknown } = {};
for (const name of Object.keys(replacements) as Method[]) stock[name] = tf[name];

let isOn = false;

/** Empties our cache at each change of a registry, which is a Map that tfjs keeps in a global. */
function watchRegistries(on: boolean): void {
  for (const registry of Object.values(registries()) as Map<string, unknown>[]) {
    for (const change of ['set', 'delete'] as const) {
      if (!on) delete (registry as unknown as { [change]?: unknown })[change];
      else {
        Object.defineProperty(registry, change, {
          configurable: true,
          value(...args: [string, unknown]) {
            entries.clear();
            return (Map.prototype[change] as (...a: unknown[]) => unknown).apply(this, args);
          },
        });
      }
    }
  }
}

/**
 * Switches the lean tape on or off, for the whole process, between computations: not inside a gradient.
 * @param on what is wanted
 * @returns whether it is on now: never with another tfjs-core than the one it replaces parts of
 */
export function setLeanTape(on: boolean): boolean {
  if (on === isOn || version_core !== written) return isOn;
  const { state } = tf;
  if (state.gradientDepth > 0 || state.kernelDepth > 0)
    throw new Error('setLeanTape: not inside a gradient or a kernel');
  for (const name of Object.keys(replacements) as Method[]) {
    if (on) (tf as unknown as { [name: string]: unknown })[name] = replacements[name];
    else delete (tf as unknown as { [name: string]: unknown })[name];
  }
  isOn = on;
  if (on) installTable();
  entries.clear();
  watchRegistries(on);
  return isOn;
}

/** Whether the lean tape is on. */
export function isLeanTape(): boolean {
  return isOn;
}
