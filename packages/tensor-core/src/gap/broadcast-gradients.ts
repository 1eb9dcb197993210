// Gradients of kernels whose inputs broadcast, where tfjs forgets to sum over what was repeated: its backward pass then
// ends with a shape error (`maximum([2,3], [3])`, `matMul([3,2,3], [3,4])`).
import { getGradient, registerGradient, reshape, sum, type Tensor } from '@tensorflow/tfjs-core';

export function registerBroadcastGradients(): void {
  for (const kernelName of ['Maximum', 'Minimum', 'SquaredDifference', 'BatchMatMul']) {
    const stock = getGradient(kernelName);
    registerGradient({
      ...stock,
      gradFunc: (dy, saved, attrs) => {
        const [a, b] = saved as [Tensor, Tensor];
        const { a: da, b: db } = stock.gradFunc(dy, saved, attrs);
        return { a: () => sumTo(da?.() as Tensor, a.shape), b: () => sumTo(db?.() as Tensor, b.shape) };
      },
    });
  }
}

/** Sums a gradient over the axes along which its input was repeated. */
function sumTo(gradient: Tensor, shape: number[]): Tensor {
  const extra = gradient.rank - shape.length;
  const axes = gradient.shape.flatMap((d, i) => (i < extra || (shape[i - extra] === 1 && d !== 1) ? [i] : []));
  return axes.length === 0 ? gradient : reshape(sum(gradient, axes), shape);
}
