// A process of its own that loads an install and computes a little with it: node smoke.js (the folder in
// GIMBAL_TENSORFLOW). Its last line of output is JSON.
import { useBackend } from '@gimbal/tensor-core';
import { findBackend, grad, matMul, round, square, sum, type Tensor, tensor1d, tensor2d } from '@tensorflow/tfjs-core';

const { name, isa } = await useBackend('node').catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});
const { isUsingGpuDevice } = findBackend('tensorflow') as unknown as { isUsingGpuDevice: boolean };

const a = tensor2d([1, 2, 3, 4], [2, 2]);
const product = await matMul(a, a).data();
const slope = await (grad((x: Tensor) => sum(square(x)))(a) as Tensor).data();
const rounded = await round(tensor1d([1, -2, 3], 'int32')).data();
const is = (got: ArrayLike<number>, wanted: readonly number[]): boolean => wanted.every((v, i) => got[i] === v);

const wrong = [
  ...(is(product, [7, 10, 15, 22]) ? [] : [`a 2×2 product is ${product}`]),
  ...(is(slope, [2, 4, 6, 8]) ? [] : [`a gradient is ${slope}`]),
  ...(is(rounded, [1, -2, 3]) ? [] : [`whole numbers are rounded to ${rounded}`]),
];
console.log(JSON.stringify({ name, isa, gpu: isUsingGpuDevice, wrong }));
