// Calls of more axes than TensorFlow's kernels take: they run on the cpu backend.
import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { overrideKernel } from './kernel-override.ts';
import { onCpu } from './on-cpu.ts';

type Call = Parameters<KernelFunc>[0];

const rankOf = ({ inputs }: Call, name: string): number => (inputs[name] as TensorInfo).shape.length;
/** Axes that an index of `gatherND` and its like names. */
const depthOf = ({ inputs }: Call): number => (inputs.indices as TensorInfo).shape.at(-1) ?? 0;

const tooLarge: { readonly [kernel: string]: (call: Call) => boolean } = {
  PadV2: (call) => rankOf(call, 'x') > 6,
  MirrorPad: (call) => rankOf(call, 'x') > 5,
  ArgMax: (call) => rankOf(call, 'x') > 7,
  ArgMin: (call) => rankOf(call, 'x') > 7,
  GatherNd: (call) => depthOf(call) > 7,
  ScatterNd: (call) => depthOf(call) > 7,
  TensorScatterUpdate: (call) => depthOf(call) > 7,
};

const broadcasting = [
  ...[
    'Add',
    'Sub',
    'Multiply',
    'RealDiv',
    'FloorDiv',
    'Mod',
    'Pow',
    'Maximum',
    'Minimum',
    'SquaredDifference',
    'Atan2',
  ],
  ...['Equal', 'NotEqual', 'Greater', 'GreaterEqual', 'Less', 'LessEqual', 'LogicalAnd', 'LogicalOr'],
];

/** Runs of axes along which the same operand is repeated: TensorFlow takes as many. */
const mostRuns = 5;

export function repairLargeRanks(backendName: string): void {
  const hand = (name: string, when: (call: Call) => boolean): void =>
    overrideKernel(backendName, name, (stock) => {
      const instead = onCpu(name);
      return (params) => (when(params) ? instead(params) : stock(params));
    });
  for (const [name, when] of Object.entries(tooLarge)) hand(name, when);
  for (const name of broadcasting) {
    hand(name, ({ inputs }) => {
      const [a, b] = [(inputs.a as TensorInfo).shape, (inputs.b as TensorInfo).shape];
      return Math.max(a.length, b.length) > mostRuns && runs(a, b) > mostRuns;
    });
  }
}

/** Of neighbouring axes that broadcast alike, those of one element in both left out. */
function runs(a: readonly number[], b: readonly number[]): number {
  let [count, before] = [0, ''];
  for (let axis = -Math.max(a.length, b.length); axis < 0; axis++) {
    const [m, n] = [a.at(axis) ?? 1, b.at(axis) ?? 1];
    if (m === 1 && n === 1) continue;
    const now = m === n ? 'both' : m === 1 ? 'b' : 'a';
    if (now !== before) count++;
    before = now;
  }
  return count;
}
