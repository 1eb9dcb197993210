/**
 * The leaves that an optimiser updates, with the rules that hold for each. Paths and rules are worked out once per tree;
 * a step then only walks a flat list.
 */
import { fill, type Scalar, type Tensor, type Variable, variable, zeros } from '@tensorflow/tfjs-core';
import { ConfigError, ShapeError } from '../errors.ts';
import { checkTensor, sameShape } from '../ops/internal/check.ts';
import { flatten, isTensor, type Params, unflatten } from '../tree/params.ts';
import { matchPaths } from '../tree/select.ts';
import type { OptimizerState } from './optimizer.ts';
import type { ParamGroup } from './options.ts';

export interface Leaf {
  readonly path: string;
  readonly keys: readonly string[];
  readonly parameter: Variable;
  readonly weightDecay: number;
  /** multiplies the learning rate; leaves with 0 are left out */
  readonly learningRateScale: number;
}

export interface GroupRules {
  readonly groups: readonly ParamGroup[];
  readonly weightDecay: number;
}

/**
 * The float leaves of a tree with the rules of their groups; frozen ones (scale 0) are left out.
 * Weight decay is 0 for tensors of rank < 2 unless a group says otherwise.
 * @throws ConfigError for a group that matches nothing (most likely a misspelt path) or numbers out of range
 */
export function trainedLeaves(params: Params, rules: GroupRules): Leaf[] {
  const groups = rules.groups.map((group) => ({
    ...group,
    test: typeof group.match === 'string' ? matchPaths(group.match) : (group.match as (path: string) => boolean),
    used: false,
  }));
  const leaves = flatten(params)
    .filter(([, t]) => t.dtype === 'float32')
    .map(([path, parameter]): Leaf => {
      let weightDecay = parameter.rank >= 2 ? rules.weightDecay : 0;
      let learningRateScale = 1;
      for (const group of groups) {
        if (!group.test(path, parameter)) continue;
        group.used = true;
        weightDecay = group.weightDecay ?? weightDecay;
        learningRateScale = group.learningRateScale ?? learningRateScale;
      }
      return { path, keys: path.split('.'), parameter: parameter as Variable, weightDecay, learningRateScale };
    });
  for (const group of groups) {
    if (group.used) continue;
    throw new ConfigError({
      where: 'optimizer.groups',
      what: 'a group matches no parameter',
      got: typeof group.match === 'string' ? group.match : 'a predicate',
      wanted: `a pattern for paths such as ${leaves[0]?.path ?? '(the tree is empty)'}`,
    });
  }
  return leaves.filter((leaf) => leaf.learningRateScale !== 0);
}

/**
 * `trainedLeaves`, remembered per tree of variables for as long as the tree holds the same ones.
 * @param select which of them, or what is made of them
 */
export function leafCache(
  rules: GroupRules,
  select: (leaves: Leaf[]) => readonly Leaf[] = (leaves) => leaves,
): (params: Params) => readonly Leaf[] {
  const known = new WeakMap<Params, { readonly tensors: readonly Tensor[]; readonly leaves: readonly Leaf[] }>();
  return (params) => {
    const before = known.get(params);
    if (before !== undefined && countSame(params, before.tensors, 0) === before.tensors.length) return before.leaves;
    const leaves = select(trainedLeaves(params, rules));
    for (const { path, parameter } of leaves) {
      if ('assign' in parameter) continue;
      throw new ConfigError({
        where: `optimizer at ${path}`,
        what: 'a parameter is no variable',
        fix: 'Pass variables(params): updates happen in place',
      });
    }
    known.set(params, { tensors: flatten(params).map(([, t]) => t), leaves });
    return leaves;
  };
}

/** How many leaves there are up to the end of `node`, `from` before it; −1 where one is not that of the list. No path is made. */
function countSame(node: Params, tensors: readonly Tensor[], from: number): number {
  let count = from;
  for (const key in node) {
    const child = node[key] as Tensor | Params;
    if (child === tensors[count]) count++;
    else if (isTensor(child) || typeof child !== 'object') return -1;
    else {
      count = countSame(child, tensors, count);
      if (count < 0) return -1;
    }
  }
  return count;
}

/**
 * The gradient of a leaf.
 * @throws ShapeError where it is missing or has another shape, or it or the parameter was disposed
 */
export function gradientOf(grads: Params, { path, keys, parameter }: Leaf): Tensor {
  const node = leafAt(grads, keys);
  if (node === undefined) throw new ShapeError({ where: `optimizer at ${path}`, what: 'there is no gradient for it' });
  if (node.isDisposed) throw disposed(path, 'its gradient was disposed before the update');
  if (parameter.isDisposed) throw disposed(path, 'the parameter was disposed before the update');
  if (!sameShape(node.shape, parameter.shape)) {
    throw new ShapeError({
      where: `optimizer at ${path}`,
      what: 'the gradient’s shape',
      got: node.shape,
      wanted: `[${parameter.shape}]`,
    });
  }
  return node;
}

const disposed = (path: string, what: string): ShapeError =>
  new ShapeError({ where: `optimizer at ${path}`, what, fix: 'Dispose trees after their last update' });

/**
 * Checks what an update is given beside its trees; a learning rate that is a tensor is not read.
 * @throws ConfigError for a learning rate that is negative or no finite number, ShapeError for a disposed one or counter
 */
export function checkUpdate(state: OptimizerState, learningRate: number | Scalar): void {
  if (typeof learningRate === 'number') checkRate(learningRate);
  else checkTensor('optimizer.update', 'learningRate', learningRate);
  checkTensor('optimizer.update', 'state.step', state.step);
}

function checkRate(got: number): void {
  if (got >= 0 && Number.isFinite(got)) return;
  const wanted = 'a finite number ≥ 0';
  throw new ConfigError({ where: 'optimizer.update', what: 'the learning rate is out of range', got, wanted });
}

/** A branch of the state: one variable of zeros for each leaf, of its shape or of `shape(leaf)`. */
export const zerosLike = (leaves: readonly Leaf[], shape?: (leaf: Leaf) => number[]): Params =>
  filledLike(leaves, 0, shape);

/** A branch whose entries are all `value`. */
export function filledLike(
  leaves: readonly Leaf[],
  value: number,
  shape: (leaf: Leaf) => number[] = (l) => l.parameter.shape,
): Params {
  return unflatten(
    leaves.map((leaf) => {
      const start = fill(shape(leaf), value);
      const v: Tensor = variable(start, false);
      start.dispose();
      return [leaf.path, v] as const;
    }),
  );
}

/** The step counter before the first update. */
export function zeroStep(): Variable {
  const zero = zeros([]);
  const step = variable(zero, false);
  zero.dispose();
  return step;
}

/** The variable that the state keeps for a leaf in one of its branches. */
export function slot(state: OptimizerState, branch: string, { path, keys }: Leaf): Variable {
  const found = leafAt(state[branch], keys);
  if (found?.isDisposed) throw disposed(path, `the state’s ${branch} was disposed before the update`);
  if (found !== undefined) return found as Variable;
  throw new ConfigError({
    where: `optimizer at ${path}`,
    what: `the state has no ${branch} for this parameter`,
    fix: 'Use the state that init() made for the same tree and options',
  });
}

function leafAt(tree: Tensor | Params | undefined, keys: readonly string[]): Tensor | undefined {
  let node = tree;
  // no tensor has a tensor among its properties: one look at the end is enough
  for (const key of keys) node = (node as Params | undefined)?.[key];
  return isTensor(node) ? node : undefined;
}
