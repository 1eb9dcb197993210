/**
 * The memory that copies of an environment step in: one array for each thing, one row for each copy. Over shared
 * buffers, every thread writes its own rows in place and nothing is sent.
 */
import type { Env, Obs, Space } from '@gimbal/tensor-core';
import type { SceneEnv } from '../composer/scene-env.ts';
import { childrenOf, elementsOf } from '../spaces/spaces.ts';
import { allocate } from '../spaces/value.ts';
import { unwrapped } from '../wrappers/wrapper.ts';
import { type MaskArrays, maskArrays } from './masks.ts';

/** bytes of a row's text: why its episode was truncated */
const reasonBytes = 96;

export interface VectorArrays {
  /** `[numEnvs * size]` for each leaf */
  readonly obs: Obs;
  /** rows that ended: the observation before the reset */
  readonly finalObs: Obs;
  /** `[numEnvs * size]`; Int32Array for Discrete */
  readonly actions: Float32Array | Int32Array;
  readonly reward: Float32Array;
  readonly terminated: Uint8Array;
  readonly truncated: Uint8Array;
  /** sum of rewards and number of steps of the episode that ended in this step, or goes on */
  readonly episodeReturn: Float64Array;
  readonly episodeLength: Int32Array;
  /** of scenes with several agents, `[numEnvs * agents]`: rewards of the step, and their sums over the episode */
  readonly agentReward: Float32Array;
  readonly agentReturn: Float64Array;
  /** episodes of this copy that diverged */
  readonly divergences: Int32Array;
  readonly reason: Uint8Array;
  /** which actions each copy allows */
  readonly masks: MaskArrays;
}

/** Arrays for `numEnvs` copies; `shared` puts them where other threads can see them. */
export function vectorArrays(template: Env, numEnvs: number, shared: boolean): VectorArrays {
  const { observationSpace, actionSpace } = template;
  const agents = agentsOf(template)?.agents.length ?? 0;
  const buffer = (bytes: number): ArrayBufferLike => (shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes));
  const actions =
    actionSpace.kind === 'discrete'
      ? new Int32Array(buffer(4 * numEnvs))
      : new Float32Array(buffer(4 * numEnvs * actionSize(actionSpace)));
  return {
    obs: allocate(observationSpace, numEnvs, buffer),
    finalObs: allocate(observationSpace, numEnvs, buffer),
    actions,
    reward: new Float32Array(buffer(4 * numEnvs)),
    terminated: new Uint8Array(buffer(numEnvs)),
    truncated: new Uint8Array(buffer(numEnvs)),
    episodeReturn: new Float64Array(buffer(8 * numEnvs)),
    episodeLength: new Int32Array(buffer(4 * numEnvs)),
    agentReward: new Float32Array(buffer(4 * agents * numEnvs)),
    agentReturn: new Float64Array(buffer(8 * agents * numEnvs)),
    divergences: new Int32Array(buffer(4 * numEnvs)),
    reason: new Uint8Array(buffer(reasonBytes * numEnvs)),
    masks: maskArrays(template, numEnvs, buffer),
  };
}

/** The scene of several agents inside, if there is one and its actions are these. */
export function agentsOf(env: Env): SceneEnv | undefined {
  const inner = unwrapped(env) as SceneEnv;
  return inner.agents?.length > 1 && env.actionSpace === inner.actionSpace ? inner : undefined;
}

/** Numbers of one action: 1 for Discrete. */
export function actionSize(space: Space): number {
  return space.kind === 'dict' || space.kind === 'tuple' ? 0 : elementsOf(space);
}

/** Row `index` of stacked arrays, as views of the same memory. */
export function rowOf(stacked: Obs, space: Space, index: number): Obs {
  if (space.kind === 'dict' || space.kind === 'tuple') {
    const parts = stacked as { [key: string]: Obs };
    return Object.fromEntries(childrenOf(space).map(([key, child]) => [key, rowOf(parts[key] as Obs, child, index)]));
  }
  const size = elementsOf(space);
  return (stacked as Float32Array).subarray(index * size, (index + 1) * size);
}

export function writeReason(reason: Uint8Array, row: number, text: string): void {
  const at = reason.subarray(row * reasonBytes, (row + 1) * reasonBytes).fill(0);
  for (let i = 0; i < Math.min(text.length, reasonBytes); i++) at[i] = text.charCodeAt(i) & 0x7f;
}

export function readReason(reason: Uint8Array, row: number): string {
  const from = row * reasonBytes;
  let text = '';
  for (let i = from; i < from + reasonBytes && reason[i] !== 0; i++) text += String.fromCharCode(reason[i] as number);
  return text;
}
