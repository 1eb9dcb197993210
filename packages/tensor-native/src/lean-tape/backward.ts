// The backward pass: the record once in reverse, each gradient and saved tensor freed behind it.
import { Tensor, util } from '@tensorflow/tfjs-core';
import { type GradientMap, type Node, tf } from './engine.ts';
import { beginGeneration, compared, mark } from './record.ts';
import { endScope, startScope, tidy } from './scopes.ts';

export function gradients(
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
    beginGeneration();
  }
  for (const x of xs) mark(x);
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
