// What this backend offers beyond tfjs's interface, on the backend object itself: whoever has made it current finds it
// there, by whatever way (`@gimbal/tensor-core` looks for `extensions`).
import { engine, type Tensor } from '@tensorflow/tfjs-core';
import { backend, type MatMulPrecision } from './backend.ts';
import { capture } from './capture.ts';
import { nativeInfo } from './info.ts';
import { type BlockCodes, blockBytes, blockWeight } from './kernels/blocks.ts';
import { packWeight, unpackWeight } from './kernels/packed.ts';

export const extensions = {
  get bf16(): boolean {
    const info = nativeInfo();
    return info !== undefined && (info.bf16 || info.amx);
  },
  get precision(): MatMulPrecision {
    return backend.matMulPrecision;
  },
  set precision(precision) {
    backend.matMulPrecision = precision;
  },
  packWeight,
  unpackWeight,
  packedCopies(weight: Tensor): object | undefined {
    const { packed, blocks } = backend.buffer(weight.dataId);
    return packed ?? blocks;
  },
  blockWeight: (w: BlockCodes): Tensor => engine().makeTensorFromTensorInfo(blockWeight(w), backend),
  blockBytes,
  capture,
  overwrite: (target: Tensor, values: ArrayLike<number>): void => backend.overwrite(target, values),
  view: (source: Tensor): ArrayLike<number> => backend.buffer(source.dataId).view(),
};
