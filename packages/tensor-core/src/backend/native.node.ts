import type { Candidate } from './backend-info.ts';
import { nativeFix } from './native-fix.ts';

type NativePackage = typeof import('@gimbal/tensor-native');

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
    if (info === undefined) {
      const reason = package_.nativeUnavailableReason() ?? 'its binary does not load';
      return { reason, fix: nativeFix(process.platform, process.env.GIMBAL_NATIVE === 'off') };
    }
    return {
      threads: info.threads,
      isa: info.isa,
      bf16: info.bf16 || info.amx,
      // small networks are bound by tfjs's bookkeeping
      started: () => void package_.setLeanTape(process.env.GIMBAL_TAPE !== 'stock'),
    };
  },
};

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
