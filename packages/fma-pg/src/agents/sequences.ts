/** Rollouts of policies with a memory: what was remembered at each entry, and how a rollout is cut into sequences. */
import { type Tensor, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';
import type { HostInput } from '../internal/replayed-step.ts';
import type { Rollout, RolloutSize } from '../rollout/rollout.ts';
import type { ActorCritic, ActorCriticParams, NetInput } from './actor-critic.ts';

/** Memories of a rollout: block t of N·S numbers is what stood before step t; the last one is after the end. */
export interface SequenceBatch {
  /** L, steps of a sequence; it divides the rollout */
  length: number;
  /** `[(T + 1)·N·S]` */
  policy: Float32Array;
  /** `[(T + 1)·N·S]` */
  value: Float32Array;
}

/** Both memories before a rollout, `[N·S]` each. */
export interface Memories {
  policy: Float32Array;
  value: Float32Array;
}

/** Runs both networks over a rollout in order; f reads what they gave, inside of the scope. */
export function unrolled(
  net: ActorCritic,
  params: ActorCriticParams,
  rollout: Rollout,
  before: Memories,
  length: number,
  f: (x: { outputs: Tensor; values: Tensor }) => void,
): SequenceBatch {
  const { rows, size } = rollout;
  const { numEnvs: N, observation: O } = size;
  const S = net.stateSize;
  const states = (): Float32Array => new Float32Array((rows + N) * S);
  const sequence: SequenceBatch = { length, policy: states(), value: states() };
  sequence.policy.set(before.policy);
  sequence.value.set(before.value);
  tidy(() => {
    const input: NetInput = {
      obs: tensor2d(rollout.obs, [rows, O]),
      starts: tensor1d(Float32Array.from(rollout.starts)),
      policyState: tensor2d(before.policy, [N, S]),
      valueState: tensor2d(before.value, [N, S]),
    };
    const acted = net.policySteps(params.policy, input);
    const judged = net.valueSteps(params.value, input);
    sequence.policy.set((acted.states as Tensor).dataSync<'float32'>(), N * S);
    sequence.value.set((judged.states as Tensor).dataSync<'float32'>(), N * S);
    f({ outputs: acted.outputs, values: judged.values });
  });
  return sequence;
}

/** Sequences of a rollout: sequence s is part s mod (T/L) of copy ⌊s/(T/L)⌋. */
export const sequenceCount = ({ steps, numEnvs }: RolloutSize, length: number): number => (steps / length) * numEnvs;

/** Entries of some sequences, step by step: row l·B + b is step l of the b-th. */
export function sequenceRows({ steps, numEnvs }: RolloutSize, length: number, chosen: ArrayLike<number>): Int32Array {
  const B = chosen.length;
  const parts = steps / length;
  const rows = new Int32Array(length * B);
  for (let b = 0; b < B; b++) {
    const s = chosen[b] as number;
    const first = (s % parts) * length;
    for (let l = 0; l < length; l++) rows[l * B + b] = (first + l) * numEnvs + Math.floor(s / parts);
  }
  return rows;
}

/** The entries of every sequence. */
export const allSequences = (size: RolloutSize, length: number): Int32Array =>
  sequenceRows(size, length, [...Array(sequenceCount(size, length)).keys()]);

/** What a step on sequences is called with beside its rows. */
export function sequenceInputs(
  rollout: Rollout,
  { length, policy, value }: SequenceBatch,
  rows: Int32Array,
  stateSize: number,
): { [name: string]: HostInput } {
  const B = rows.length / length;
  const before = (states: Float32Array): HostInput => {
    const values = new Float32Array(B * stateSize);
    for (let b = 0; b < B; b++) {
      const at = (rows[b] as number) * stateSize;
      values.set(states.subarray(at, at + stateSize), b * stateSize);
    }
    return { values, shape: [B, stateSize] };
  };
  return {
    starts: { values: Float32Array.from(rows, (row) => rollout.starts[row] as number), shape: [rows.length] },
    policyState: before(policy),
    valueState: before(value),
  };
}

/** The value function's memory after some entries. */
export function memoryAfter(
  { value }: SequenceBatch,
  { numEnvs }: RolloutSize,
  entries: readonly number[],
  stateSize: number,
): Float32Array {
  const states = new Float32Array(entries.length * stateSize);
  for (const [i, entry] of entries.entries()) {
    const at = (entry + numEnvs) * stateSize;
    states.set(value.subarray(at, at + stateSize), i * stateSize);
  }
  return states;
}
