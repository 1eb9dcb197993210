// The machine's limit, measured: what a benchmark's figures are a share of.
import { isNativeAvailable } from './addon.ts';
import { emit, flush, op } from './commands.ts';
import { NativeBuffer } from './memory/native-buffer.ts';

/**
 * Fused multiply-adds in registers on all threads, the best of several tries.
 * @param seconds about how long to measure
 * @returns GFLOP/s in float32; undefined without a native binary
 */
export function measurePeak(seconds = 0.4): number | undefined {
  if (!isNativeAvailable()) return undefined;
  const peakFma = op('peak_fma');
  const result = new NativeBuffer(2, 'float32');
  const tries = 5;
  let iterations = 200_000;
  let best = 0;
  for (let attempt = 0; attempt < tries; attempt++) {
    flush();
    const began = performance.now();
    emit(peakFma, iterations, result.address);
    flush();
    const took = (performance.now() - began) / 1000;
    const flop = iterations * (result.view()[1] as number);
    best = Math.max(best, flop / took / 1e9);
    iterations = Math.ceil((iterations * seconds) / tries / took);
  }
  result.release();
  return best;
}
