/**
 * Where did a NaN come from? Used after a loss or gradient turned out not to be finite: the step is run again and every
 * kernel's result looked at. Slow, and only then.
 */
import { engine, type Tensor, type TensorInfo, tidy } from '@tensorflow/tfjs-core';
import { NumericalError } from '../errors.ts';
import { treeNorm } from '../optim/clip.ts';
import { flatten, type Params } from '../tree/params.ts';

/** The first leaf of a tree with a NaN or an infinity. */
export async function nonFiniteLeaf(tree: Params): Promise<{ path: string; index: number; value: number } | undefined> {
  for (const [path, t] of flatten(tree)) {
    if (t.dtype !== 'float32') continue;
    const values = await t.data();
    const index = values.findIndex((x) => !Number.isFinite(x));
    if (index >= 0) return { path, index, value: values[index] as number };
  }
  return undefined;
}

const lastGood = (path: string | undefined): string =>
  path === undefined ? 'Nothing was saved' : `The last good checkpoint is ${path}`;

/**
 * Refuses parameters that are not finite, so that no checkpoint of them takes a good one's place. One number is read
 * where all is well.
 * @param step steps done
 * @param more a last sentence of the message
 */
export async function checkFinite(
  params: Params,
  step: number,
  lastSaved: string | undefined,
  more = '',
): Promise<void> {
  const norm = treeNorm(params);
  const sum = (await norm.data())[0] as number;
  norm.dispose();
  if (Number.isFinite(sum)) return;
  const bad = await nonFiniteLeaf(params);
  if (bad === undefined) return; // large numbers whose squares overflow
  throw new NumericalError({
    where: `training, after step ${step}`,
    what: `parameter ${bad.path} holds ${bad.value} at element ${bad.index}`,
    fix: `${lastGood(lastSaved)}; lower the learning rate or set maxGradNorm${more === '' ? '' : `. ${more}`}`,
  });
}

/** The error of a step whose loss or gradient is not finite. */
export function nonFiniteStep(o: {
  loss: number;
  norm: number;
  step: number;
  cause: string;
  lastSaved: string | undefined;
}): NumericalError {
  return new NumericalError({
    where: `training, step ${o.step}`,
    what: `${Number.isFinite(o.loss) ? `the gradient’s norm is ${o.norm}` : `the loss is ${o.loss}`}: ${o.cause}`,
    fix: `${lastGood(o.lastSaved)}; lower the learning rate, set maxGradNorm, or look at what is named`,
  });
}

/**
 * A sentence on where a step's NaN or infinity came from: the parameter that had it before, or the gradient that has it
 * now, and the op that made it first.
 * @param again runs the step's forward and backward pass once more
 */
export async function explainNonFinite(params: Params, grads: Params, again: () => void): Promise<string> {
  const parameter = await nonFiniteLeaf(params);
  if (parameter !== undefined)
    return `parameter ${parameter.path} holds ${parameter.value} at element ${parameter.index}`;
  const gradient = await nonFiniteLeaf(grads);
  const { nan, infinity } = originOfNonFinite(again);
  const parts = [
    nan && `the first op with a NaN is ${nan.op}${nan.inputHadNan ? ' (its input had one: look at the batch)' : ''}`,
    infinity && `the first op with an infinity is ${infinity.op}`,
    gradient && `the first gradient that is not finite is that of ${gradient.path} (${gradient.value})`,
  ].filter((part) => part !== undefined);
  return parts.length > 0 ? parts.join(', ') : 'its values overflow when they are summed';
}

/** Where a NaN or an infinity first appeared. */
export interface NonFiniteOrigin {
  /** the first kernel whose result has a NaN, and whether an input had one already */
  readonly nan?: { readonly op: string; readonly inputHadNan: boolean };
  /** the first kernel that made +infinity from finite inputs (−infinity is what masks are made of) */
  readonly infinity?: { readonly op: string };
}

/** The part of the engine that all ops go through. */
interface KernelRunner {
  runKernel(name: string, inputs: Record<string, Tensor>, attributes?: object): Tensor | Tensor[];
}

/**
 * Runs f, its backward pass included, and names the first kernels whose results are not finite.
 * @param f its results are freed
 * @returns nothing where the backend cannot be read at once (webgpu)
 */
export function originOfNonFinite(f: () => unknown): NonFiniteOrigin {
  const runner = engine() as unknown as KernelRunner;
  const original = runner.runKernel;
  let nan: NonFiniteOrigin['nan'];
  let infinity: NonFiniteOrigin['infinity'];
  runner.runKernel = function (this: KernelRunner, name, inputs, attributes) {
    const result = original.call(this, name, inputs, attributes);
    if (nan !== undefined) return result;
    const outputs = Array.isArray(result) ? result : [result];
    const given = Object.values(inputs ?? {});
    if (outputs.some((t) => has(t, Number.isNaN)))
      nan = { op: name, inputHadNan: given.some((t) => has(t, Number.isNaN)) };
    else if (
      infinity === undefined &&
      outputs.some((t) => has(t, isInfinite)) &&
      !given.some((t) => has(t, isInfinite))
    ) {
      infinity = { op: name };
    }
    return result;
  };
  try {
    tidy(() => void f());
  } finally {
    runner.runKernel = original;
  }
  return { ...(nan && { nan }), ...(infinity && { infinity }) };
}

const isInfinite = (x: number): boolean => x === Number.POSITIVE_INFINITY;

function has(t: TensorInfo | undefined, test: (x: number) => boolean): boolean {
  if (t?.dtype !== 'float32') return false;
  try {
    return (engine().backend.readSync(t.dataId) as Float32Array).some(test);
  } catch {
    return false; // a backend that reads asynchronously only
  }
}
