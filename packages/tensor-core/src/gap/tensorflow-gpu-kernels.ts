// Calls that TensorFlow has for the CPU and refuses on a GPU (TF_Status 12, UNIMPLEMENTED): they run on the cpu backend.
import type { KernelFunc, NamedAttrMap, Tensor } from '@tensorflow/tfjs-core';
import { overrideKernel } from './kernel-override.ts';
import { onCpu } from './on-cpu.ts';

type Call = Parameters<KernelFunc>[0];

/** [vertical, horizontal], of one number or two. */
const pair = (given: unknown): [number, number] =>
  Array.isArray(given) ? (given as [number, number]) : [Number(given ?? 1), Number(given ?? 1)];

/** "does not support dilations", "only supports equal length strides in the row and column dimensions" */
function isOddConvolution({ attrs }: Call): boolean {
  const { strides, dilations } = attrs as NamedAttrMap;
  const [down, across] = pair(strides);
  return down !== across || pair(dilations).some((d) => d !== 1);
}

const refused: { readonly [kernel: string]: (call: Call) => boolean } = {
  // "Weights are not yet supported by the GPU implementation of Bincount"
  Bincount: ({ inputs }) => ((inputs.weights as Tensor | undefined)?.size ?? 0) > 0,
  DepthwiseConv2dNative: isOddConvolution,
  FusedDepthwiseConv2D: isOddConvolution,
  DepthwiseConv2dNativeBackpropInput: isOddConvolution,
  DepthwiseConv2dNativeBackpropFilter: isOddConvolution,
};

/** Hands such calls to the cpu backend, where the calling backend computes on a GPU. */
export function fallBackOnGpu(backendName: string): void {
  for (const [name, isRefused] of Object.entries(refused)) {
    overrideKernel(backendName, name, (stock) => {
      const instead = onCpu(name);
      return (params) => {
        const { isUsingGpuDevice } = params.backend as { isUsingGpuDevice?: boolean };
        return isUsingGpuDevice && isRefused(params) ? instead(params) : stock(params);
      };
    });
  }
}
