// Gradients of the commonest kernels, as few kernel calls as they take. tfjs's own are made of its public ops, each of
// which checks and converts its arguments, makes constants on the host (`ones` of the input's shape, `scalar(2)`), casts
// what is float32 already, and computes what was not asked for (all parts of a split). In small networks that is a
// large part of a training step.
import {
  cast,
  engine,
  type NamedAttrMap,
  registerGradient,
  reshape,
  sum,
  type Tensor,
  util,
} from '@tensorflow/tfjs-core';
import { sameShape } from '../ops/internal/check.ts';

/** A kernel of the active backend, without the checks of the op around it: for arguments that are known to fit. */
const kernel = (name: string, inputs: { [name: string]: Tensor }, attrs?: NamedAttrMap): Tensor =>
  engine().runKernel(name, inputs, attrs) as Tensor;

const float = (x: Tensor): Tensor => (x.dtype === 'float32' ? x : cast(x, 'float32'));
const times = (dy: Tensor, x: Tensor): Tensor => kernel('Multiply', { a: dy, b: float(x) });

/** Another handle of the same values: the gradients of two inputs must not be one tensor. */
const same = (x: Tensor): Tensor => kernel('Identity', { x });

/** Sums a gradient over the axes along which its input was repeated. */
export function sumTo(gradient: Tensor, shape: number[]): Tensor {
  if (sameShape(gradient.shape, shape)) return gradient;
  const extra = gradient.rank - shape.length;
  const axes = gradient.shape.flatMap((d, i) => (i < extra || (shape[i - extra] === 1 && d !== 1) ? [i] : []));
  return reshape(axes.length === 0 ? gradient : sum(gradient, axes), shape);
}

const sumOrSame = (dy: Tensor, shape: number[]): Tensor => (sameShape(dy.shape, shape) ? same(dy) : sumTo(dy, shape));

/** 2 x dy, without a constant. */
function twice(x: Tensor, dy: Tensor): Tensor {
  const product = times(dy, x);
  return kernel('Add', { a: product, b: product });
}

type Pair = [Tensor, Tensor];

export function registerArithmeticGradients(): void {
  registerGradient({
    kernelName: 'Add',
    inputsToSave: ['a', 'b'],
    gradFunc: (dy, saved) => {
      const [a, b] = saved as Pair;
      return { a: () => sumOrSame(dy as Tensor, a.shape), b: () => sumOrSame(dy as Tensor, b.shape) };
    },
  });
  registerGradient({
    kernelName: 'Sub',
    inputsToSave: ['a', 'b'],
    gradFunc: (dy, saved) => {
      const [a, b] = saved as Pair;
      return {
        a: () => sumOrSame(dy as Tensor, a.shape),
        b: () => kernel('Neg', { x: sumTo(dy as Tensor, b.shape) }),
      };
    },
  });
  registerGradient({
    kernelName: 'Multiply',
    inputsToSave: ['a', 'b'],
    gradFunc: (dy, saved) => {
      const [a, b] = saved as Pair;
      return { a: () => sumTo(times(dy as Tensor, b), a.shape), b: () => sumTo(times(dy as Tensor, a), b.shape) };
    },
  });
  registerGradient({
    kernelName: 'SquaredDifference',
    inputsToSave: ['a', 'b'],
    gradFunc: (dy, saved) => {
      const [a, b] = saved as Pair;
      const from = (x: Tensor, y: Tensor): Tensor =>
        sumTo(twice(kernel('Sub', { a: float(x), b: float(y) }), dy as Tensor), x.shape);
      return { a: () => from(a, b), b: () => from(b, a) };
    },
  });
  registerGradient({
    kernelName: 'Square',
    inputsToSave: ['x'],
    gradFunc: (dy, [x]) => ({ x: () => twice(x as Tensor, dy as Tensor) }),
  });
  registerGradient({
    kernelName: 'Reshape',
    inputsToSave: ['x'],
    gradFunc: (dy, [x]) => ({ x: () => kernel('Reshape', { x: dy as Tensor }, { shape: (x as Tensor).shape }) }),
  });
  registerGradient({ kernelName: 'Concat', saveAllInputs: true, gradFunc: concatGradient });
}

/** Each input's own part of dy, cut out when it is asked for. */
function concatGradient(dy: Tensor | Tensor[], saved: Tensor[], attrs: NamedAttrMap): { [name: string]: () => Tensor } {
  const axis = util.parseAxisParam(attrs.axis as number, (saved[0] as Tensor).shape)[0] as number;
  const gradients: { [name: string]: () => Tensor } = {};
  let from = 0;
  for (let i = 0; i < saved.length; i++) {
    const { shape } = saved[i] as Tensor;
    const begin = new Array<number>(shape.length).fill(0);
    begin[axis] = from;
    from += shape[axis] as number;
    gradients[i] = () => kernel('Slice', { x: dy as Tensor }, { begin, size: shape });
  }
  return gradients;
}
