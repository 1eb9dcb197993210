// The value of a loss and its gradient with respect to a whole parameter tree.
import { clone, engine, type Scalar, type Tensor, zeros } from '@tensorflow/tfjs-core';
import { ShapeError } from '../errors.ts';
import { isTensor, type Params } from '../tree/params.ts';
import { freeAbandonedTape } from './tape.ts';

/**
 * Turns a loss into a function that also gives its gradient.
 * @param f a scalar float32 loss of a parameter tree; further arguments pass through and get no gradient
 * @returns a function of the same arguments. Its `grads` has the structure of the parameters; a leaf the loss does not
 * use, or that is no float32, gets zeros. The caller disposes value and grads; what f made in between is gone.
 * @throws ShapeError if f returns something else than a float32 scalar
 * @example
 * const step = valueAndGrad((p: { w: Tensor }, x: Tensor) => losses(p.w, x));
 * const { value, grads } = step({ w }, x);
 */
export function valueAndGrad<P extends Params, A extends unknown[]>(
  f: (params: P, ...args: A) => Scalar,
): (params: P, ...args: A) => { value: Scalar; grads: P } {
  return (params, ...args) => differentiate(params, () => f(params, ...args));
}

/**
 * `valueAndGrad` for a loss that also returns what it computed on the way: log-probabilities, metrics, new statistics.
 * @param f returns the loss and `aux`: tensors in any nesting of arrays and plain objects, other values as they are
 * @returns value, grads and aux; the caller disposes the tensors of all three. No gradient flows through aux.
 */
export function valueAndGradWithAux<P extends Params, A extends unknown[], X>(
  f: (params: P, ...args: A) => { value: Scalar; aux: X },
): (params: P, ...args: A) => { value: Scalar; grads: P; aux: X } {
  return (params, ...args) => {
    let aux: X | undefined;
    const kept: Tensor[] = [];
    const result = differentiate(params, () => {
      const out = f(params, ...args);
      aux = out.aux;
      // those made here would be disposed with the forward scope
      const scope = engine().state.activeScope.id;
      for (const t of tensorsIn(aux)) {
        if (t.kept || t.scopeId !== scope || t === out.value) continue;
        t.kept = true;
        kept.push(t);
      }
      return out.value;
    });
    const moved = new Map<Tensor, Tensor>();
    for (const t of kept) {
      // a kept tensor belongs to no scope; its clone belongs to the caller's
      moved.set(t, clone(t));
      t.dispose();
    }
    return { ...result, aux: replaceTensors(aux, moved) as X };
  };
}

function differentiate<P extends Params>(params: P, loss: () => Scalar): { value: Scalar; grads: P } {
  const leaves: Tensor[] = [];
  collectLeaves(params, leaves);
  const float = leaves.every((t) => t.dtype === 'float32') ? leaves : leaves.filter((t) => t.dtype === 'float32');
  const checked = (): Scalar => {
    const value = loss();
    if (!isTensor(value) || value.rank !== 0 || value.dtype !== 'float32') {
      throw new ShapeError({
        where: 'valueAndGrad',
        what: 'the loss is no scalar',
        got: isTensor(value) ? `${(value as Tensor).dtype} [${(value as Tensor).shape}]` : typeof value,
        wanted: 'a float32 tensor of shape []',
        fix: 'reduce it with mean() or sum()',
      });
    }
    return value;
  };
  if (float.length === 0) return { value: engine().tidy(checked), grads: withLeaves(params, zerosFor(leaves)) as P };
  let done = false;
  try {
    const { value, grads } = engine().gradients(checked, float, undefined, true);
    done = true;
    let next = 0;
    const all = leaves.map((t) => (t.dtype === 'float32' ? grads[next++] : undefined) ?? zeros(t.shape));
    return { value, grads: withLeaves(params, all) as P };
  } finally {
    if (!done) freeAbandonedTape();
  }
}

const zerosFor = (leaves: readonly Tensor[]): Tensor[] => leaves.map((t) => zeros(t.shape));

/** Leaves in the order of the keys; `flatten` without the cost of paths. */
function collectLeaves(node: Params, leaves: Tensor[]): void {
  for (const key in node) {
    const child = node[key] as Tensor | Params;
    if (isTensor(child)) leaves.push(child);
    else collectLeaves(child, leaves);
  }
}

/** The tree of the same structure with these leaves, in the order of `collectLeaves`. */
function withLeaves(tree: Params, leaves: readonly Tensor[]): Params {
  let next = 0;
  const rebuild = (node: Params): Params => {
    const out: Params = {};
    for (const key in node) {
      const child = node[key] as Tensor | Params;
      out[key] = isTensor(child) ? (leaves[next++] as Tensor) : rebuild(child);
    }
    return out;
  };
  return rebuild(tree);
}

function tensorsIn(node: unknown): Tensor[] {
  if (isTensor(node)) return [node];
  return isContainer(node) ? Object.values(node).flatMap(tensorsIn) : [];
}

function replaceTensors(node: unknown, by: ReadonlyMap<Tensor, Tensor>): unknown {
  if (isTensor(node)) return by.get(node) ?? node;
  if (Array.isArray(node)) return node.map((child) => replaceTensors(child, by));
  if (!isContainer(node)) return node;
  return Object.fromEntries(Object.entries(node).map(([key, child]) => [key, replaceTensors(child, by)]));
}

/** An array or a plain object: what tensors are looked for in. */
function isContainer(node: unknown): node is Record<string, unknown> | unknown[] {
  if (Array.isArray(node)) return true;
  if (typeof node !== 'object' || node === null) return false;
  const prototype: unknown = Object.getPrototypeOf(node);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
