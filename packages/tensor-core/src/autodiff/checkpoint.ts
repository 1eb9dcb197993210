// Gradient checkpointing: a part of a model keeps nothing for its backward pass but its inputs, and computes itself again
// there. Memory for one more forward pass in time. Chen, Xu, Zhang, Guestrin (2016), arXiv:1604.06174.
import { clone, customGrad, engine, type Tensor, zerosLike } from '@tensorflow/tfjs-core';
import { isTensor, type Params } from '../tree/params.ts';
import { withOwnTape } from './tape.ts';

/**
 * Makes f save only its inputs for the gradient.
 * @param f a pure function of a parameter tree and tensors, with one tensor as its result. It runs twice and must do the
 * same both times: draw its noise from `rng.split(…)` inside f, or pass it in. Gradients reach the parameters and the
 * float32 inputs that are its arguments, not tensors it finds elsewhere.
 * @returns a function with the same values and gradients
 * @example const block = checkpoint((p: Params, x: Tensor) => transformerBlock(p, x));
 */
export function checkpoint<P extends Params, I extends Tensor[], O extends Tensor>(
  f: (params: P, ...inputs: I) => O,
): (params: P, ...inputs: I) => O {
  return (params, ...inputs) => {
    const leaves: Tensor[] = [];
    const rebuild = takeApart(params, leaves);
    const run = (all: readonly Tensor[]): O => f(rebuild(all) as P, ...(all.slice(leaves.length) as I));
    const op = customGrad<O>((...args) => {
      const save = args.pop() as (tensors: Tensor[]) => void;
      const all = args as Tensor[];
      save(all);
      const result = run(all);
      const value = all.includes(result) ? (clone(result) as O) : result; // f may hand an input through
      return { value, gradFunc: (dy, saved) => backward(run, saved, dy) };
    });
    return op(...leaves, ...inputs);
  };
}

function backward<O extends Tensor>(run: (all: readonly Tensor[]) => O, saved: Tensor[], dy: O): Tensor[] {
  // gradients go to fresh tensors on the saved values: one tensor may be an argument twice
  const inputs = saved.map((t) => (t.dtype === 'float32' ? clone(t) : t));
  const float = inputs.filter((t) => t.dtype === 'float32');
  const { value, grads } = withOwnTape(() => engine().gradients(() => run(inputs), float, dy, true));
  value.dispose();
  let next = 0;
  return inputs.map((t) => {
    if (t.dtype !== 'float32') return zerosLike(t); // nobody differentiates through whole numbers; tfjs wants a tensor
    const gradient = grads[next++] ?? zerosLike(t);
    t.dispose();
    return gradient;
  });
}

/** Collects the leaves of a tree; the result puts others in their place. */
function takeApart(tree: Params, leaves: Tensor[]): (all: readonly Tensor[]) => Params {
  const branches: [string, number | ((all: readonly Tensor[]) => Params)][] = [];
  for (const [key, child] of Object.entries(tree)) {
    if (isTensor(child)) branches.push([key, leaves.push(child) - 1]);
    else branches.push([key, takeApart(child, leaves)]);
  }
  return (all) =>
    Object.fromEntries(branches.map(([key, at]) => [key, typeof at === 'number' ? (all[at] as Tensor) : at(all)]));
}
