// Small tensors that programs make again at every call: shapes, axes, factors. Handing one to TensorFlow takes as long as a
// small operation, on a GPU longer, so that those which come again are handed over once and kept.
import type { Binding, TensorFlowBackend } from './tensorflow-backend.ts';

/** Elements of a tensor that may be kept. */
const largest = 8;
/** Kept at most, and remembered at most as seen once. */
const most = 4096;

interface Kept {
  key: string;
  id: number;
  uses: number;
}

/** Keeps small tensors of a backend whose second like it meets; their handles are shared and outlive the tensors. */
export function keepConstants(backend: TensorFlowBackend): void {
  const { binding } = backend;
  const seen = new Set<string>();
  const byKey = new Map<string, Kept>();
  const byId = new Map<number, Kept>();

  const share = (shape: readonly number[], dtype: number, values: unknown): number | undefined => {
    const key = keyOf(binding, shape, dtype, values);
    if (key === undefined) return undefined;
    let kept = byKey.get(key);
    if (kept === undefined) {
      // numbers that never come again, such as a learning rate, are not worth a place
      if (!seen.has(key)) {
        if (seen.size >= most) seen.clear();
        seen.add(key);
        return undefined;
      }
      makeRoom();
      // a copy: the caller may write into the array, on whose memory the library computes
      const copy = (values as Float32Array | Int32Array).slice();
      kept = { key, id: binding.createTensor([...shape], dtype, copy), uses: 0 };
      byKey.set(key, kept);
      byId.set(kept.id, kept);
    }
    kept.uses++;
    return kept.id;
  };
  const makeRoom = (): void => {
    if (byKey.size < most) return;
    for (const kept of byKey.values()) {
      if (kept.uses > 0) continue;
      byKey.delete(kept.key);
      byId.delete(kept.id);
      binding.deleteTensor(kept.id);
    }
  };

  const deleteTensor = (id: number): void => {
    const kept = byId.get(id);
    if (kept === undefined) binding.deleteTensor(id);
    else kept.uses--;
  };
  // the binding's own properties are read-only
  backend.binding = Object.create(binding, { deleteTensor: { value: deleteTensor } }) as Binding;

  const stock = backend.getInputTensorIds;
  backend.getInputTensorIds = (tensors) =>
    tensors.map((tensor) => {
      // the kernels' 64-bit numbers are no tensors
      const data = tensor.dataId === undefined ? undefined : backend.tensorMap.get(tensor.dataId);
      if (data === undefined) return stock.call(backend, [tensor])[0] as number;
      if (data.values == null) return data.id;
      data.id =
        share(data.shape, data.dtype, data.values) ?? backend.binding.createTensor(data.shape, data.dtype, data.values);
      data.values = null;
      return data.id;
    });
}

/** The values by their bits, since −0 is no 0; undefined for what is not kept. */
function keyOf(binding: Binding, shape: readonly number[], dtype: number, values: unknown): string | undefined {
  const fits =
    (dtype === binding.TF_FLOAT && values instanceof Float32Array) ||
    (dtype === binding.TF_INT32 && values instanceof Int32Array);
  if (!fits || values.length > largest) return undefined;
  return `${dtype} ${shape}:${new Int32Array(values.buffer, values.byteOffset, values.length)}`;
}
