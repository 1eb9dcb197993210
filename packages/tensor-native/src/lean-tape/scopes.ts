// Scopes, counts, and what the engine knows of each data id.
import { type KernelBackend, type Tensor, tensor_util } from '@tensorflow/tfjs-core';
import { type Info, type InfoTable, type Scope, tf } from './engine.ts';

export function tidy<T>(nameOrFn: string | (() => T), fn?: () => T): T {
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

/** Scopes that have ended, by depth: every op has one, so they are used again. */
const ended: (Scope | undefined)[] = [];

export function startScope(name = 'unnamed scope'): void {
  const { state } = tf;
  const depth = state.scopeStack.length;
  let scope = ended[depth];
  if (scope === undefined) scope = { track: [], name, id: state.nextScopeId++ };
  else {
    ended[depth] = undefined;
    scope.name = name;
    scope.id = state.nextScopeId++;
  }
  state.scopeStack.push(scope);
  state.activeScope = scope;
}

const none: Tensor[] = [];

export function endScope(result?: unknown): void {
  const { state } = tf;
  const { scopeStack } = state;
  const scope = state.activeScope as Scope;
  const only = result !== null && typeof result === 'object' && (result as Tensor).dataId !== undefined;
  const results = only ? none : resultsOf(result);
  const { track } = scope;
  for (let i = 0; i < track.length; i++) {
    const t = track[i] as Tensor;
    if (t.kept || (only ? t.id === (result as Tensor).id : results.length > 0 && isAmong(t, results))) continue;
    t.dispose();
  }
  scopeStack.pop();
  const parent = scopeStack.length === 0 ? null : (scopeStack[scopeStack.length - 1] as Scope);
  state.activeScope = parent;
  if (parent !== null) {
    if (only) moveTo(parent, scope, result as Tensor);
    else for (let i = 0; i < results.length; i++) moveTo(parent, scope, results[i] as Tensor);
  }
  // a long list would keep its room for ever
  if (track.length <= 256) {
    track.length = 0;
    ended[scopeStack.length] = scope;
  }
}

/** What a scope returns belongs to the one around it. */
function moveTo(parent: Scope, scope: Scope, t: Tensor): void {
  if (t.kept || t.scopeId !== scope.id) return;
  t.scopeId = parent.id;
  parent.track.push(t);
}

/** The tensors in a scope's result. */
function resultsOf(result: unknown): Tensor[] {
  if (result === undefined || result === null || typeof result !== 'object') return none;
  // what `gradients` and the kernels give, without a walk that looks for cycles
  if (Array.isArray(result) && result.every((t) => t?.dataId !== undefined)) return result;
  return tensor_util.getTensorsInContainer(result as never);
}

function isAmong({ id }: Tensor, results: readonly Tensor[]): boolean {
  for (let i = 0; i < results.length; i++) if ((results[i] as Tensor).id === id) return true;
  return false;
}

export const bytesOf = (dtype: string): number => (dtype === 'bool' ? 1 : 4);

export function trackTensor(t: Tensor, backend?: KernelBackend): void {
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

export function disposeTensor(t: Tensor): void {
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

export function installTable(): void {
  const { state } = tf;
  if (!(state.tensorInfo instanceof PropertyTable)) state.tensorInfo = new PropertyTable(state.tensorInfo);
}
