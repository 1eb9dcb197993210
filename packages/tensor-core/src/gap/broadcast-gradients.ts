// Gradients of kernels whose inputs broadcast, where tfjs forgets to sum over what was repeated: its backward pass then
// ends with a shape error (`maximum([2,3], [3])`, `matMul([3,2,3], [3,4])`).
import { getGradient, registerGradient, type Tensor } from '@tensorflow/tfjs-core';
import { sumTo } from './arithmetic-gradients.ts';

export function registerBroadcastGradients(): void {
  for (const kernelName of ['Maximum', 'Minimum', 'BatchMatMul']) {
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
