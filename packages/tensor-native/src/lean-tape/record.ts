// What goes on the tape: calls whose inputs depend on what is differentiated, with the tensors their gradients want again.
import { type GradConfig, type NamedAttrMap, Tensor, util } from '@tensorflow/tfjs-core';
import { type GradientFunction, type Inputs, type Node, type State, tf } from './engine.ts';
import { bytesOf } from './scopes.ts';

/** A tensor is marked by the number of the outermost gradient call it belongs to: old marks need no removal. */
type Marked = Tensor & { gradientOf?: number };
let generation = 0;

/** A new outermost gradient call begins: nothing is marked. */
export function beginGeneration(): void {
  generation++;
  compared = new Set();
}

/** Marks what is differentiated. */
export function mark(x: Tensor): void {
  (x as Marked).gradientOf = generation;
}

const isNeeded = (t: Tensor | null | undefined): boolean => t != null && (t as Marked).gradientOf === generation;

export const isRecording = ({ gradientDepth, kernelDepth }: State): boolean => gradientDepth > 0 && kernelDepth === 0;

export function neededInputs(inputs: Inputs): string[] | undefined {
  let needed: string[] | undefined;
  for (const name in inputs) {
    if (!isNeeded(inputs[name])) continue;
    if (needed === undefined) needed = [name];
    else needed.push(name);
  }
  return needed;
}

/** Keeps a tensor's value for the backward pass: the same id, so that gradients of gradients reach the original. */
export function save(t: Tensor): Tensor {
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
export let compared = new Set<number>();

export function record(
  kernelName: string,
  inputs: Inputs,
  outputs: Tensor[],
  gradient: GradientFunction | undefined,
  saved: Tensor[],
  attrs: NamedAttrMap,
  needed: string[],
): void {
  for (const out of outputs) mark(out);
  (tf.state.activeTape as Node[]).push({ kernelName, inputs, outputs, saved, attrs, gradient, needed });
}

/** A call that answers yes or no about numbers ends the gradient. */
export function endsGradient(outputs: Tensor[], inputs: Inputs, needed: string[]): boolean {
  for (const out of outputs) if (out.dtype !== 'bool') return false;
  for (const name of needed) if (inputs[name]?.dtype === 'bool') return false;
  for (const name of needed) compared.add((inputs[name] as Tensor).id);
  return true;
}

/** What a registered gradient wants to see again. */
export function saveFor(
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
