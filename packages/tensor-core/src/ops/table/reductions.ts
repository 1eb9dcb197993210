import type { Tensor } from '@tensorflow/tfjs-core';
import { logSumExp } from '../../gap/log-sum-exp.ts';
import { at, logSumExp as logSumExpOf } from './reference.ts';
import { floats, numbers } from './samples.ts';
import type { Nd, OpCase, OpRow } from './types.ts';

/** The reference over some axes of x, which stay with size 1. */
function reduced({ shape, data }: Nd, axes: readonly number[]): Nd {
  const kept = shape.map((n, i) => (axes.includes(i) ? 1 : n));
  const groups: number[][] = Array.from({ length: kept.reduce((a, b) => a * b, 1) }, () => []);
  for (const [i, value] of data.entries()) {
    // the element's index, last axis first, folded into that of its group
    let [rest, group, stride] = [i, 0, 1];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const n = at(shape, axis);
      if (!axes.includes(axis)) {
        group += (rest % n) * stride;
        stride *= n;
      }
      rest = Math.floor(rest / n);
    }
    groups[group]?.push(value);
  }
  return { shape: kept, data: Float64Array.from(groups, logSumExpOf) };
}

/** @param axes those that `axis` means, none negative */
const logSumExpCase = (shape: number[], axis: number | number[] | undefined, axes: number[], keep = false): OpCase => ({
  title: `[${shape}] over ${axis === undefined ? 'all' : `axis ${axis}`}${keep ? ', kept' : ''}`,
  inputs: { x: floats(shape, 1, 3) },
  run: ({ x }) => logSumExp(x as Tensor, axis, keep),
  differentiable: ['x'],
  reference: ({ x }) => {
    const all = reduced(x as Nd, axes);
    return [keep ? all : { ...all, shape: all.shape.filter((_, i) => !axes.includes(i)) }];
  },
});

export const reductionRows: OpRow[] = [
  {
    name: 'logSumExp',
    cases: [
      logSumExpCase([7], undefined, [0]),
      logSumExpCase([3, 5], undefined, [0, 1]),
      logSumExpCase([4, 33], -1, [1]),
      logSumExpCase([4, 33], 0, [0]),
      logSumExpCase([2, 3, 5], 1, [1], true),
      logSumExpCase([2, 3, 5], [0, 2], [0, 2]),
      logSumExpCase([0, 5], 1, [1]),
      {
        // log(e^1000 + e^1000) = 1000 + log 2; log(0 + e^2) = 2; log 0 = −∞; log(∞ + e^0) = ∞
        ...logSumExpCase([4, 2], 1, [1]),
        title: 'large and infinite elements, by hand',
        inputs: { x: numbers([4, 2], [1000, 1000, -Infinity, 2, -Infinity, -Infinity, Infinity, 0]) },
        reference: () => [{ shape: [4], data: Float64Array.of(1000 + Math.LN2, 2, -Infinity, Infinity) }],
        tolerance: 1e-7,
        differentiable: [],
      },
    ],
    errors: [],
  },
];
