/** One rollout as the update sees it: rows that count, with what the acting policy thought of them. */
import type { Params } from '@gimbal/tensor-core';
import { type Tensor, type Tensor2D, tensor2d } from '@tensorflow/tfjs-core';
import { type HostInput, tensorsOf } from '../internal/replayed-step.ts';
import type { Rollout } from '../rollout/rollout.ts';
import { gatherRows } from '../rollout/rollout.ts';
import type { TrajectoryBatch } from '../values/gae.ts';
import type { ActorCritic, ActorCriticParams, NetInput } from './actor-critic.ts';
import { type Memories, type SequenceBatch, sequenceInputs, unrolled } from './sequences.ts';

/** A rollout that is to be learnt from. */
export interface Acted {
  rollout: Rollout;
  /** of the policy, `[N·S]`, before its first step */
  remembered: Float32Array | undefined;
  /** metrics of further losses */
  ofAux?: Record<string, number>;
}

/** Arrays of all T·N entries. */
export interface ActedBatch {
  rollout: Rollout;
  /** numbers of the entries that count */
  entries: Int32Array;
  /** log p_t(a|s) `[T·N]` */
  logProbs: Float32Array;
  /** the network's outputs `[T·N·K]`: what closed-form KL needs */
  outputs: Float32Array;
  /** V `[T·N]` */
  values: Float32Array;
  /** host values of the policy's parameters beside its network */
  head: { [name: string]: Float32Array };
  /** V of final observations where episodes were truncated `[T·N]`, and after the last step `[N]` */
  finalValues: Float32Array;
  lastValues: Float32Array;
  advantages: Float32Array;
  returns: Float32Array;
  /** of a policy with a memory; `entries` are then those of all sequences, step by step */
  sequence?: SequenceBatch;
}

/** Tensors of one minibatch; those of a mask are there where the environment gives masks. */
export interface MinibatchTensors extends NetInput {
  actions: Tensor;
  oldLogProbs: Tensor;
  oldOutputs: Tensor2D;
  advantages: Tensor;
  returns: Tensor;
  values: Tensor;
  mask?: Tensor2D;
}

/** What the policy that acted thinks of its rollout, in one pass: log-probabilities, outputs, values. */
export function assess(
  net: ActorCritic,
  params: ActorCriticParams,
  rollout: Rollout,
  memory?: { before: Memories; length: number },
): Pick<ActedBatch, 'logProbs' | 'outputs' | 'values' | 'head' | 'sequence'> {
  const { rows } = rollout;
  const { outputs: K } = net.head;
  const out = { logProbs: new Float32Array(rows), outputs: new Float32Array(rows * K), values: new Float32Array(rows) };
  const read = (outputs: Tensor, values: Tensor, from: number, to: number): void => {
    const d = net.distribution(params.policy, outputs as Tensor2D, maskTensor(rollout, rowsFrom(from, to)));
    out.outputs.set(outputs.dataSync<'float32'>(), from * K);
    out.logProbs.set(d.logProb(actionTensor(net, rollout, rowsFrom(from, to))).dataSync<'float32'>(), from);
    out.values.set(values.dataSync<'float32'>(), from);
  };
  const head: { [name: string]: Float32Array } = {};
  for (const [name, t] of Object.entries(params.policy.head)) head[name] = (t as Tensor).dataSync<'float32'>().slice();
  if (memory !== undefined) {
    const sequence = unrolled(net, params, rollout, memory.before, memory.length, ({ outputs, values }) =>
      read(outputs, values, 0, rows),
    );
    return { ...out, head, sequence };
  }
  net.inChunks(rollout.obs, rows, (obs, from, to) =>
    read(net.outputs(params.policy, { obs }), net.values(params.value, { obs }), from, to),
  );
  return { ...out, head };
}

/** log p_θ(a|s) of a rollout under other parameters, `[T·N]`. */
export function logProbsOf(net: ActorCritic, policy: Params, rollout: Rollout): Float32Array {
  const out = new Float32Array(rollout.rows);
  net.inChunks(rollout.obs, rollout.rows, (x, from, to) => {
    const rows = rowsFrom(from, to);
    const d = net.distribution(policy, net.outputs(policy, { obs: x }), maskTensor(rollout, rows));
    out.set(d.logProb(actionTensor(net, rollout, rows)).dataSync<'float32'>(), from);
  });
  return out;
}

const rowsFrom = (from: number, to: number): Int32Array => Int32Array.from({ length: to - from }, (_, i) => from + i);

/** Arrays that are written over from minibatch to minibatch, by name and length. */
export class Scratch {
  readonly #floats = new Map<string, Float32Array>();
  readonly #rows = new Map<string, Int32Array>();

  floats(name: string, length: number): Float32Array {
    const held = this.#floats.get(name);
    if (held?.length === length) return held;
    const fresh = new Float32Array(length);
    this.#floats.set(name, fresh);
    return fresh;
  }

  /** A copy of row numbers. */
  rows(name: string, from: Int32Array): Int32Array {
    let held = this.#rows.get(name);
    if (held?.length !== from.length) {
      held = new Int32Array(from.length);
      this.#rows.set(name, held);
    }
    held.set(from);
    return held;
  }
}

/**
 * Some entries on the host, and the head's parameters as they were: what a step is called with.
 * @param scratch where its arrays are; absent: they are new
 * @param uses what the loss reads of the acting policy's outputs (a KL in closed form) and of old values (a clip)
 */
export function minibatchInputs(
  net: ActorCritic,
  b: ActedBatch,
  rows: Int32Array,
  advantages: Float32Array,
  scratch = new Scratch(),
  uses: { oldHead: boolean; values: boolean } = { oldHead: true, values: true },
): { [name: string]: HostInput } {
  const { rollout } = b;
  const [n, O, K] = [rows.length, rollout.size.observation, net.head.outputs];
  const gather = (name: string, x: Float32Array | Uint8Array, width: number): Float32Array =>
    gatherRows(x, width, rows, scratch.floats(name, n * width));
  const column = (name: string, x: Float32Array): HostInput => ({ values: gather(name, x, 1), shape: [n] });
  const { mask } = rollout.size;
  return {
    obs: { values: gather('obs', rollout.obs, O), shape: [n, O] },
    actions: actionInput(net, rollout, rows, scratch),
    oldLogProbs: column('oldLogProbs', b.logProbs),
    ...(uses.oldHead && { oldOutputs: { values: gather('oldOutputs', b.outputs, K), shape: [n, K] } }),
    advantages: { values: advantages, shape: [n] },
    returns: column('returns', b.returns),
    ...(uses.values && { values: column('values', b.values) }),
    ...(mask > 0 && { mask: { values: gather('mask', rollout.masks, mask), shape: [n, mask] } }),
    ...(b.sequence && sequenceInputs(rollout, b.sequence, rows, net.stateSize)),
    ...(uses.oldHead &&
      Object.fromEntries(
        Object.entries(b.head).map(([name, values]) => [headPrefix + name, { values, shape: [values.length] }]),
      )),
  };
}

const headPrefix = 'head.';

/** The head's parameters among the inputs. */
export const oldHead = (inputs: { [name: string]: Tensor }): Params =>
  Object.fromEntries(
    Object.entries(inputs).flatMap(([name, t]) =>
      name.startsWith(headPrefix) ? [[name.slice(headPrefix.length), t]] : [],
    ),
  );

/** The tensors of some entries; the caller's scope owns them. */
export function minibatch(
  net: ActorCritic,
  b: ActedBatch,
  rows: Int32Array,
  advantages: Float32Array,
): { batch: MinibatchTensors; old: Params } {
  const inputs = tensorsOf(minibatchInputs(net, b, rows, advantages));
  return { batch: inputs as unknown as MinibatchTensors, old: oldHead(inputs) };
}

function actionInput(net: ActorCritic, rollout: Rollout, rows: Int32Array, scratch = new Scratch()): HostInput {
  const width = net.head.actionSize;
  const values = gatherRows(rollout.actions, width, rows, scratch.floats('actions', rows.length * width));
  if (net.head.kind === 'continuous') return { values, shape: [rows.length, width] };
  return { values: Int32Array.from(values), shape: width === 1 ? [rows.length] : [rows.length, width] };
}

const actionTensor = (net: ActorCritic, rollout: Rollout, rows: Int32Array): Tensor =>
  tensorsOf({ x: actionInput(net, rollout, rows) }).x as Tensor;

function maskTensor({ size, masks }: Rollout, rows: Int32Array): Tensor2D | undefined {
  if (size.mask === 0) return undefined;
  return tensor2d(gatherRows(masks, size.mask, rows), [rows.length, size.mask]);
}

/** A batch as the estimators want it. */
export function trajectoryOf({
  rollout,
  values,
  finalValues,
  lastValues,
}: Omit<
  ActedBatch,
  'advantages' | 'returns' | 'entries' | 'logProbs' | 'outputs' | 'head' | 'sequence'
>): TrajectoryBatch {
  const { rewards, terminated, truncated } = rollout;
  return { numEnvs: rollout.size.numEnvs, rewards, values, lastValues, finalValues, terminated, truncated };
}
