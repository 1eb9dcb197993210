// Putting a kernel in the place of one that a backend lacks or gets wrong.
import { getKernel, type KernelFunc, registerKernel, type TensorInfo, unregisterKernel } from '@tensorflow/tfjs-core';

/** Replaces a backend's kernel by one that may call it; does nothing where the backend lacks it. */
export function overrideKernel(backendName: string, kernelName: string, wrap: (stock: KernelFunc) => KernelFunc): void {
  const stock = getKernel(kernelName, backendName);
  if (stock == null) return;
  unregisterKernel(kernelName, backendName);
  registerKernel({ ...stock, kernelFunc: wrap(stock.kernelFunc) });
}

/** Gives a backend a kernel that it lacks; does nothing where it has one. */
export function addKernel(backendName: string, kernelName: string, kernelFunc: KernelFunc): void {
  if (getKernel(kernelName, backendName) == null) registerKernel({ kernelName, backendName, kernelFunc });
}

/** Elements of a tensor. */
export const sizeOf = (x: TensorInfo): number => x.shape.reduce((n, d) => n * d, 1);
