// Parameter trees: a plain nested object of tensors. A leaf's path, its keys joined by dots, is its name in checkpoints;
// so averaging, freezing, saving and gradients are each one function over trees. There is no layer class with hidden
// weights. Functions here neither keep nor dispose their inputs unless their name says so.
import type { Tensor } from '@tensorflow/tfjs-core';
import { ConfigError, ShapeError } from '../errors.ts';

/** A nested plain object whose leaves are tensors. Keys are free of dots: `a.b` is the path of key `b` under key `a`. */
export type Params = { [key: string]: Tensor | Params };

/** The tree of the same structure whose leaves are of type R. */
export type TreeOf<P, R> = P extends Tensor ? R : { [K in keyof P]: TreeOf<P[K], R> };

/** A leaf of a tree, as opposed to a branch. By structure: tensors of two copies of tfjs-core both count. */
export function isTensor(node: unknown): node is Tensor {
  return typeof node === 'object' && node !== null && 'dataId' in node && 'dtype' in node;
}

/**
 * The leaves with their paths, in the order of the keys.
 * @returns pairs such as `['layers.0.weight', tensor]`; the tensors are the tree's own
 * @throws ConfigError where a key is empty or has a dot, or a leaf is no tensor
 */
export function flatten(params: Params): [path: string, tensor: Tensor][] {
  const leaves: [string, Tensor][] = [];
  collect(params, '', leaves);
  return leaves;
}

function collect(node: Params, prefix: string, leaves: [string, Tensor][]): void {
  for (const [key, child] of Object.entries(node)) {
    if (key === '' || key.includes('.')) throw badKey(prefix, key);
    const path = prefix === '' ? key : `${prefix}.${key}`;
    if (isTensor(child)) leaves.push([path, child]);
    else if (isBranch(child)) collect(child, path, leaves);
    else throw badLeaf(path, child);
  }
}

/**
 * The tree with these leaves; the inverse of `flatten`.
 * @param entries paths and leaves of any type
 * @throws ConfigError for an empty path segment, a path given twice, or one that is both a leaf and a branch
 */
export function unflatten<L = Tensor>(entries: Iterable<readonly [path: string, leaf: L]>): LeafTree<L> {
  const root: LeafTree<L> = {};
  const branches = new Set<unknown>([root]);
  for (const [path, leaf] of entries) {
    const keys = path.split('.');
    const last = keys.pop() ?? '';
    let node = root;
    for (const key of [...keys, last]) if (key === '' || key === '__proto__') throw badKey(path, key);
    for (const key of keys) {
      let next = Object.hasOwn(node, key) ? node[key] : undefined;
      if (next === undefined) {
        next = {};
        branches.add(next);
        node[key] = next;
      } else if (!branches.has(next)) throw clash(path);
      node = next as LeafTree<L>;
    }
    if (Object.hasOwn(node, last)) throw clash(path);
    node[last] = leaf;
  }
  return root;
}

/** A tree with leaves of type L; `LeafTree<Tensor>` is `Params`. */
export type LeafTree<L> = { [key: string]: L | LeafTree<L> };

/**
 * The tree of f(leaf, path).
 * @param tree a tree, or a single tensor (then the result is a single R)
 */
export function mapTree<P extends Params | Tensor, R>(tree: P, f: (leaf: Tensor, path: string) => R): TreeOf<P, R> {
  return mapNode(tree, '', f) as TreeOf<P, R>;
}

function mapNode<R>(node: Params | Tensor, path: string, f: (leaf: Tensor, path: string) => R): unknown {
  if (isTensor(node)) return f(node, path);
  if (!isBranch(node)) throw badLeaf(path, node);
  const out: Record<string, unknown> = {};
  for (const [key, child] of Object.entries(node)) {
    if (key === '' || key.includes('.')) throw badKey(path, key);
    out[key] = mapNode(child, path === '' ? key : `${path}.${key}`, f);
  }
  return out;
}

/**
 * The tree of f(leaf of a, leaf of b, path), leaves matched by path: the order of keys does not matter.
 * @throws ShapeError naming the first path that one of the trees lacks
 */
export function zipTree<P extends Params, L, R>(
  a: P,
  b: LeafTree<L> | TreeOf<P, L>,
  f: (a: Tensor, b: L, path: string) => R,
): TreeOf<P, R> {
  return zipNode(a, b as LeafTree<L>, '', f) as TreeOf<P, R>;
}

function zipNode<L, R>(a: Params, b: LeafTree<L>, path: string, f: (a: Tensor, b: L, path: string) => R): unknown {
  const out: Record<string, unknown> = {};
  for (const key of Object.keys(b)) if (!Object.hasOwn(a, key)) throw different(join(path, key), 'first');
  for (const [key, child] of Object.entries(a)) {
    const at = join(path, key);
    if (!Object.hasOwn(b, key)) throw different(at, 'second');
    const other = b[key];
    if (isTensor(child)) {
      if (isTensorBranch(other)) throw different(at, 'second');
      out[key] = f(child, other as L, at);
    } else {
      if (!isBranch(other) || isTensor(other)) throw different(at, 'second');
      out[key] = zipNode(child, other as LeafTree<L>, at, f);
    }
  }
  return out;
}

/** True for a plain object that holds further nodes; false for tensors and for anything that is no object. */
function isBranch(node: unknown): node is Params {
  return typeof node === 'object' && node !== null && !Array.isArray(node) && !ArrayBuffer.isView(node);
}

/** True for a branch with a tensor somewhere below its first keys: a tree where a leaf was expected. */
function isTensorBranch(node: unknown): boolean {
  if (isTensor(node) || !isBranch(node)) return false;
  return Object.values(node).some((child) => isTensor(child) || isTensorBranch(child));
}

const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

const badKey = (path: string, key: string): ConfigError =>
  new ConfigError({
    where: `parameter tree${path === '' ? '' : ` at ${path}`}`,
    what: 'a key cannot be used in a path',
    got: key,
    wanted: 'a non-empty name without dots',
  });

const badLeaf = (path: string, got: unknown): ConfigError =>
  new ConfigError({
    where: `parameter tree at ${path}`,
    what: 'a node is neither a tensor nor an object of nodes',
    got: Array.isArray(got) ? 'an array' : typeof got,
    wanted: 'a tensor, or an object (write lists with the keys 0, 1, …)',
  });

const clash = (path: string): ConfigError =>
  new ConfigError({ where: `unflatten at ${path}`, what: 'the path is given twice, or is both a tensor and a branch' });

const different = (path: string, which: 'first' | 'second'): ShapeError =>
  new ShapeError({ where: `parameter tree at ${path}`, what: `the trees differ: the ${which} one has no such leaf` });
