// Types of the public surface: checked by `tsc`, never run. A line under @ts-expect-error must not compile.
import type { Tensor2D } from '@tensorflow/tfjs-core';
import {
  capture,
  type hostKernelCounts,
  isLeanTape,
  type isNativeAvailable,
  type kernelTimes,
  loadAddon,
  type measurePeak,
  type memoryInfo,
  NativeError,
  nativeInfo,
  type nativeUnavailableReason,
  type PackOptions,
  type Program,
  packWeight,
  type releaseFreeMemory,
  resetHostKernelCounts,
  setLeanTape,
  setProfiling,
  setThreads,
  synchronize,
  unpackWeight,
} from '../src/index.ts';

/** Fails to compile unless both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const check = <T extends true>(): T | undefined => undefined;

declare const weight: Tensor2D;

// without a binary there is a reason in place of information, and no call throws
check<Same<ReturnType<typeof isNativeAvailable>, boolean>>();
check<Same<ReturnType<typeof nativeUnavailableReason>, string | undefined>>();
check<Same<ReturnType<typeof measurePeak>, number | undefined>>();
const info = nativeInfo();
check<Same<typeof info, NonNullable<typeof info> | undefined>>();
check<Same<NonNullable<typeof info>['isa'], 'base' | 'avx2' | 'avx512'>>();
check<Same<NonNullable<typeof info>['bf16'], boolean>>();
// @ts-expect-error there may be no binary
void nativeInfo().threads;
// @ts-expect-error nor an addon
void loadAddon().run(0);

// threads are a number, of which one is in force
check<Same<ReturnType<typeof setThreads>, number>>();
// @ts-expect-error as text it is an option of a command line
setThreads('2');
// @ts-expect-error how many is not left out
setThreads();

// a step is captured without arguments and results, and replayed as often as wanted
const program: Program = capture(() => {});
program.replay();
program.dispose();
// @ts-expect-error a step is replayed without arguments: its inputs are tensors that are written anew
capture((_input: number) => {});

// packed copies of weights
packWeight(weight);
const options: PackOptions = { transposed: true, precision: 'bf16' };
packWeight(weight, options);
unpackWeight(weight);
// @ts-expect-error no such precision
packWeight(weight, { precision: 'fp16' });
// @ts-expect-error no such option
packWeight(weight, { transpose: true });

// what was measured
setProfiling(true);
check<Same<ReturnType<typeof kernelTimes>, { operation: string; calls: number; milliseconds: number }[]>>();
check<Same<ReturnType<typeof hostKernelCounts>, Record<string, number>>>();
check<Same<ReturnType<typeof memoryInfo>['liveBytes'], number>>();
check<Same<ReturnType<typeof releaseFreeMemory>, number>>();
resetHostKernelCounts();
synchronize();
// @ts-expect-error on or off
setProfiling('on');

setLeanTape(!isLeanTape());

// errors are told apart by code
declare const error: NativeError;
check<Same<typeof error.code, 'ERR_SHAPE' | 'ERR_CONFIG' | 'ERR_BACKEND'>>();
const asError: Error = error;
// @ts-expect-error no such code
new NativeError('ERR_DATA', { where: 'here', what: 'nothing' });
// @ts-expect-error an error says where it was noticed
new NativeError('ERR_SHAPE', { what: 'nothing' });

void [asError];
