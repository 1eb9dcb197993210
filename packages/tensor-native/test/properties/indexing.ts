// Cases of kernels that read and write by index.
import * as tf from '@tensorflow/tfjs-core';
import type { Case } from './compare.ts';
import type { Draw, Spec } from './draw.ts';

const ids = (draw: Draw, shape: number[], limit: number): Spec =>
  draw.values(shape, { dtype: 'int32', low: 0, high: limit - 1 });

/** Index vectors `[...lead, depth]` into the leading dimensions of `shape`. */
function vectors(draw: Draw, lead: number[], shape: number[], depth: number): Spec {
  const columns = shape.slice(0, depth).map((dim) => ids(draw, lead, dim).values);
  const count = lead.reduce((product, dim) => product * dim, 1);
  const values = Array.from({ length: count }, (_, i) => columns.map((column) => column[i] as number)).flat();
  return { shape: [...lead, depth], dtype: 'int32', values };
}

export const indexing: Record<string, (draw: Draw) => Case> = {
  gather: (draw) => {
    const shape = draw.shape([1, 5], { min: 1 });
    const axis = draw.int(0, shape.length - 1);
    const batchDims = draw.int(0, axis);
    const dtype = draw.pick(['float32', 'int32', 'bool'] as const);
    const own = [...shape.slice(0, batchDims), ...draw.shape([batchDims > 0 ? 1 : 0, 2], { min: 1, max: 6 })];
    const inputs = [draw.values(shape, { dtype }), ids(draw, own, shape[axis] as number)];
    return { inputs, run: (x, indices) => tf.gather(x, indices as tf.Tensor1D, axis, batchDims) };
  },
  'gradient of gather': (draw) => {
    const shape = draw.shape([1, 4], { min: 1 });
    const axis = draw.int(0, shape.length - 1);
    const inputs = [draw.values(shape), ids(draw, [draw.int(1, 20)], shape[axis] as number)];
    return { inputs, run: (x, indices) => tf.grad((v) => tf.square(tf.gather(v, indices as tf.Tensor1D, axis)))(x) };
  },
  gatherND: (draw) => {
    const shape = draw.shape([1, 5], { min: 1 });
    const depth = draw.int(1, shape.length);
    const lead = draw.shape([1, 3], { min: 1, max: 5 });
    const dtype = draw.pick(['float32', 'int32', 'bool'] as const);
    return {
      inputs: [draw.values(shape, { dtype }), vectors(draw, lead, shape, depth)],
      run: (x, indices) => tf.gatherND(x, indices),
    };
  },
  scatterND: (draw) => {
    const shape = draw.shape([1, 4], { min: 1 });
    const depth = draw.int(1, shape.length);
    const lead = [draw.int(1, 12)];
    const dtype = draw.pick(['float32', 'int32'] as const);
    const updates = draw.values([...lead, ...shape.slice(depth)], { dtype, low: -9, high: 9 });
    return {
      inputs: [vectors(draw, lead, shape, depth), updates],
      run: (indices, values) => tf.scatterND(indices, values, shape),
      tolerance: 1e-5,
    };
  },
  tensorScatterUpdate: (draw) => {
    const shape = draw.shape([1, 4], { min: 1 });
    const depth = draw.int(1, shape.length);
    const lead = [draw.int(1, 12)];
    const dtype = draw.pick(['float32', 'int32'] as const);
    const inputs = [
      draw.values(shape, { dtype }),
      vectors(draw, lead, shape, depth),
      draw.values([...lead, ...shape.slice(depth)], { dtype }),
    ];
    return { inputs, run: (x, indices, updates) => tf.tensorScatterUpdate(x, indices, updates) };
  },
  unsortedSegmentSum: (draw) => {
    const shape = draw.shape([1, 4], { min: 1 });
    const segments = draw.int(1, 20);
    // some ids lie outside and are passed over
    const own = draw.values([shape[0] as number], { dtype: 'int32', low: -1, high: segments });
    return {
      inputs: [draw.values(shape), own], // float32: of int32 the cpu kernel makes float32
      run: (x, segmentIds) => tf.unsortedSegmentSum(x, segmentIds as tf.Tensor1D, segments),
      tolerance: 1e-5,
    };
  },
  oneHot: (draw) => {
    const depth = draw.int(1, 20);
    const own = draw.values(draw.shape([0, 3], { min: 0 }), { dtype: 'int32', low: -2, high: depth + 1 });
    const [on, off] = [draw.int(-3, 3), draw.int(-3, 3)];
    const dtype = draw.pick(['float32', 'int32'] as const);
    return { inputs: [own], run: (indices) => tf.oneHot(indices, depth, on, off, dtype) };
  },
};
