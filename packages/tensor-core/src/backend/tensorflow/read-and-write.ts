// Moving values between JavaScript and TensorFlow, with the functions that an install of ours has beside tfjs-node's.
import type { Binding, TensorFlowBackend } from './tensorflow-backend.ts';

/** Reads without blocking, and hands values to a GPU as copies; a binding without these functions stays as it is. */
export function improveBackend(backend: TensorFlowBackend): void {
  const { binding } = backend;
  if (binding.readAsync !== undefined) {
    backend.read = async (dataId) => {
      const { values, dtype, id } = backend.tensorMap.get(dataId);
      const plain = dtype === binding.TF_FLOAT || dtype === binding.TF_INT32 || dtype === binding.TF_BOOL;
      if (values != null || !plain) return backend.readSync(dataId);
      return binding.readAsync?.(id) as Promise<Float32Array>;
    };
  }
  if (binding.upload !== undefined && (backend.isUsingGpuDevice || process.env.GIMBAL_TENSORFLOW_COPY === '1')) {
    // strings and the binding's 64-bit numbers stay on the host
    const createTensor: Binding['createTensor'] = (shape, dtype, values) =>
      (dtype === binding.TF_FLOAT || dtype === binding.TF_BOOL) && ArrayBuffer.isView(values)
        ? (binding.upload?.(shape, dtype, values) as number)
        : binding.createTensor(shape, dtype, values);
    // the binding's own properties are read-only
    backend.binding = Object.create(binding, { createTensor: { value: createTensor } }) as Binding;
  }
}
