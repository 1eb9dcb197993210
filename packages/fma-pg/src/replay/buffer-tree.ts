// A replay buffer as tensors of a checkpoint.
import type { Params } from '@gimbal/tensor-core';
import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import type { ReplayBuffer } from './replay-buffer.ts';

const arraysOf = (buffer: ReplayBuffer): Record<string, Float32Array | Int32Array | Uint8Array> => {
  const { obs, actions, rewards, nextObs, discounts, ends, episodes, nextMasks } = buffer;
  const priorities = buffer.priorities();
  return {
    obs,
    actions,
    rewards,
    nextObs,
    discounts,
    ends,
    episodes,
    ...(priorities && { priorities }),
    ...(nextMasks && { nextMasks }),
  };
};

/** The rows that are filled, as copies; the caller disposes them. */
export function bufferTree(buffer: ReplayBuffer): Params {
  const { perEnv, numEnvs, written, capacity } = buffer;
  const full = numEnvs > 1 || (written[0] as number) >= perEnv;
  const rows = full ? capacity : Math.max(1, written[0] as number);
  const tree: Record<string, Tensor> = {};
  for (const [name, array] of Object.entries(arraysOf(buffer))) {
    const part = array.subarray(0, (array.length / capacity) * rows);
    const isCount = name === 'ends' || name === 'episodes';
    tree[name] = isCount
      ? tensor(Int32Array.from(part), [part.length], 'int32')
      : tensor(part as Float32Array, [part.length], 'float32');
  }
  return tree;
}

/** Takes back what `bufferTree` made; the tree stays the caller's. */
export function restoreBuffer(buffer: ReplayBuffer, tree: Params, mostPriority: number): void {
  const arrays = arraysOf(buffer);
  const rows = tree.discounts?.size as number;
  buffer.restorePriorities(new Float32Array(0), mostPriority);
  for (const [name, t] of Object.entries(tree)) {
    const values = (t as Tensor).dataSync<'float32'>();
    if (name === 'priorities') buffer.restorePriorities(values, mostPriority);
    else if (name === 'nextMasks') buffer.restoreMasks(values, rows);
    else arrays[name]?.set(values);
  }
  if (tree.ends !== undefined) return;
  // older checkpoints do not say what was truncated; at γ = 0 every discount is 0, and tells nothing
  for (let i = 0; i < rows; i++) buffer.ends[i] = buffer.gamma > 0 && buffer.discounts[i] === 0 ? 1 : 0;
}
