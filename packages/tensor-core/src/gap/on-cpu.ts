// A kernel of tfjs's cpu backend on copies of another backend's values: for what that backend lacks and no program does
// often.
import {
  findBackend,
  getKernel,
  type KernelBackend,
  type KernelFunc,
  type NamedTensorInfoMap,
  type TensorInfo,
} from '@tensorflow/tfjs-core';

/** The cpu backend's kernel of a name, on values read from the calling backend; its results are written back there. */
export function onCpu(kernelName: string): KernelFunc {
  return (params) => {
    const backend = params.backend as KernelBackend;
    const { kernelFunc } = getKernel(kernelName, 'cpu');
    const cpu = findBackend('cpu');
    const copies: TensorInfo[] = [];
    const copy = (x: TensorInfo): TensorInfo => {
      const there = { ...x, dataId: cpu.write(backend.readSync(x.dataId), x.shape, x.dtype) };
      copies.push(there);
      return there;
    };
    // some inputs are lists, those of AddN altogether
    const given = Object.entries(params.inputs as { [name: string]: TensorInfo | TensorInfo[] | undefined }).map(
      ([name, x]) => [name, Array.isArray(x) ? x.map(copy) : x && copy(x)] as const,
    );
    const inputs = (
      Array.isArray(params.inputs) ? given.map(([, x]) => x) : Object.fromEntries(given)
    ) as NamedTensorInfoMap;
    const out = kernelFunc({ ...params, inputs, backend: cpu });
    const results = Array.isArray(out) ? out : [out];
    const back = results.map((x) => {
      const values = cpu.readSync(x.dataId);
      return { ...x, dataId: backend.write(values, x.shape, x.dtype) };
    });
    for (const x of [...copies, ...results]) cpu.disposeData(x.dataId);
    return Array.isArray(out) ? back : (back[0] as TensorInfo);
  };
}
