import { findBackend, type Tensor } from '@tensorflow/tfjs-core';
import type { Candidate } from './backend-info.ts';
import { extendBackend, type Precision } from './extensions.ts';

type NativePackage = typeof import('@gimbal/tensor-native');

/** The methods of tensor-native's backend that tfjs does not know. */
interface NativeBackend {
  matMulPrecision: Precision;
  overwrite(target: Tensor, values: ArrayLike<number>): void;
  buffer(id: object): { view(): ArrayLike<number>; readonly packed: object | undefined };
}

/** Our C++ kernels. The package is optional, and has a binary for the common platforms only. */
export const native: Candidate = {
  name: 'native',
  automatic: true,
  async load({ threads }) {
    const package_ = await loadPackage();
    if (package_ === undefined) {
      return { reason: '@gimbal/tensor-native is not installed', fix: 'npm install @gimbal/tensor-native' };
    }
    // the package itself starts with the cores that this process may use
    if (threads !== undefined) package_.setThreads(threads);
    const info = package_.nativeInfo();
    if (info === undefined) return { reason: package_.nativeUnavailableReason() ?? 'its binary does not load' };
    extend(package_, info.bf16 || info.amx);
    return {
      threads: info.threads,
      isa: info.isa,
      bf16: info.bf16 || info.amx,
      // small networks are bound by tfjs's bookkeeping
      started: () => void package_.setLeanTape(process.env.GIMBAL_TAPE !== 'stock'),
    };
  },
};

function extend({ capture, packWeight, unpackWeight }: NativePackage, bf16: boolean): void {
  const backend = findBackend('native') as unknown as NativeBackend;
  extendBackend('native', {
    bf16,
    get precision() {
      return backend.matMulPrecision;
    },
    set precision(precision) {
      backend.matMulPrecision = precision;
    },
    packWeight,
    unpackWeight,
    packedCopies: (weight) => backend.buffer(weight.dataId).packed,
    capture,
    overwrite: (target, values) => backend.overwrite(target, values),
    view: (source) => backend.buffer(source.dataId).view(),
  });
}

async function loadPackage(): Promise<NativePackage | undefined> {
  try {
    return await import('@gimbal/tensor-native');
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string };
    // a package of its own that is missing is a fault to show, not an absent option
    if (code === 'ERR_MODULE_NOT_FOUND' && message?.includes('@gimbal/tensor-native')) return undefined;
    throw error;
  }
}
