import { engine, type Tensor } from '@tensorflow/tfjs-core';

/**
 * The same values, constant for every gradient: nothing before it is differentiated through it. Costs no kernel and no
 * memory, as nothing of it goes on the tape. (tfjs's own `grad` throws where nothing else connects x and y;
 * `valueAndGrad` gives zeros.)
 * @param x any tensor
 * @returns a tensor on the same memory; the caller disposes it
 */
export function stopGradient<T extends Tensor>(x: T): T {
  x.throwIfDisposed();
  const { shape, dtype, dataId } = x;
  const owner = engine().state.tensorInfo.get(dataId)?.backend ?? engine().backend;
  const constant = engine().makeTensorFromTensorInfo({ shape, dtype, dataId }, owner) as T;
  owner.incRef(dataId);
  return constant;
}
