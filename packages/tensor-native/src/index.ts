/** @module @gimbal/tensor-native */
import './register.ts';

export { isNativeAvailable, loadAddon, nativeUnavailableReason } from './addon.ts';
export { capture, type Program } from './capture.ts';
export { NativeError } from './errors.ts';
export {
  kernelTimes,
  memoryInfo,
  nativeInfo,
  releaseFreeMemory,
  resetPeakMemory,
  setProfiling,
  synchronize,
} from './info.ts';
export { hostKernelCounts, resetHostKernelCounts } from './kernels/host.ts';
export { type PackOptions, packWeight, unpackWeight } from './kernels/packed.ts';
export { isLeanTape, setLeanTape } from './lean-tape/switch.ts';
export { measurePeak } from './peak.ts';
export { setThreads } from './threads.ts';
