// Parts of a tree: what is trained and what is frozen, adapters apart from their base, one block of many.
import type { Tensor } from '@tensorflow/tfjs-core';
import { ConfigError } from '../errors.ts';
import { flatten, isTensor, type Params, unflatten } from './params.ts';

/** Chooses leaves by path and tensor. */
export type LeafPredicate = (path: string, tensor: Tensor) => boolean;

/** The tree of the leaves that `predicate` accepts; the tensors are the same, branches left empty are dropped. */
export function filterTree(params: Params, predicate: LeafPredicate): Params {
  return unflatten(flatten(params).filter(([path, tensor]) => predicate(path, tensor)));
}

/** The two halves of a tree: leaves that `predicate` accepts, and the rest. `mergeTrees` puts them together again. */
export function partitionTree(params: Params, predicate: LeafPredicate): { selected: Params; rest: Params } {
  const selected: [string, Tensor][] = [];
  const rest: [string, Tensor][] = [];
  for (const leaf of flatten(params)) (predicate(...leaf) ? selected : rest).push(leaf);
  return { selected: unflatten(selected), rest: unflatten(rest) };
}

/**
 * One tree with the leaves of all; the tensors are the same. Train a part of a model by it:
 * `valueAndGrad((trained) => loss(mergeTrees(trained, frozen)))(trained)`.
 * @throws ConfigError when two trees have the same leaf
 */
export function mergeTrees(...trees: readonly Params[]): Params {
  const out: Params = {};
  for (const tree of trees) mergeInto(out, tree, '');
  return out;
}

function mergeInto(out: Params, tree: Params, prefix: string): void {
  for (const [key, child] of Object.entries(tree)) {
    const there = Object.hasOwn(out, key) ? out[key] : undefined;
    const path = prefix === '' ? key : `${prefix}.${key}`;
    if (isTensor(child)) {
      if (there !== undefined) throw twice(path);
      out[key] = child;
    } else {
      if (isTensor(there)) throw twice(path);
      const branch: Params = there ?? {};
      mergeInto(branch, child, path);
      out[key] = branch;
    }
  }
}

const twice = (path: string): ConfigError =>
  new ConfigError({ where: `mergeTrees at ${path}`, what: 'two of the trees have this leaf' });

/**
 * A predicate from patterns over paths: `*` stands for one key or a part of it, `**` for any number of keys.
 * A leaf is chosen if any pattern matches its whole path.
 * @example filterTree(params, matchPaths('layers.*.attention.**', 'head.weight'))
 */
export function matchPaths(...patterns: readonly string[]): LeafPredicate {
  const rules = patterns.map((pattern) => {
    const keys = pattern
      .split('.')
      .map((key) => (key === '**' ? '**' : key.replace(/[\\^$+?()[\]{}|]/g, '\\$&').replaceAll('*', '[^.]*')));
    // `**` takes its neighbouring dot along, so that it may stand for no key at all
    const source = keys.reduce((text, key, i) => {
      if (key === '**') return i === 0 ? '(?:[^.]+(?:\\.|$))*' : `${text}(?:\\.[^.]+)*`;
      return i === 0 || (keys[i - 1] === '**' && i === 1) ? text + key : `${text}\\.${key}`;
    }, '');
    return new RegExp(`^${source}$`);
  });
  return (path) => rules.some((rule) => rule.test(path));
}

/** The tree of booleans that is true where the leaf is trained: everything that `frozen` does not accept. */
export function trainableMask(params: Params, frozen: LeafPredicate): ReturnType<typeof unflatten<boolean>> {
  return unflatten(flatten(params).map(([path, t]) => [path, !frozen(path, t)] as const));
}
