/** One rollout as the update sees it: rows that count, with what the acting policy thought of them. */
import type { Params } from '@gimbal/tensor-core';
import { type Tensor, type Tensor2D, tensor, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';
import type { Rollout } from '../rollout/rollout.ts';
import { gatherRows } from '../rollout/rollout.ts';
import type { ActorCritic, ActorCriticParams } from './actor-critic.ts';

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
}

/** Tensors of one minibatch; those of a mask are there where the environment gives masks. */
export interface MinibatchTensors {
  obs: Tensor2D;
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
): Pick<ActedBatch, 'logProbs' | 'outputs' | 'values' | 'head'> {
  const { rows } = rollout;
  const { outputs: K } = net.head;
  const out = { logProbs: new Float32Array(rows), outputs: new Float32Array(rows * K), values: new Float32Array(rows) };
  net.inChunks(rollout.obs, rows, (x, from, to) => {
    const outputs = net.outputs(params.policy, x);
    const d = net.distribution(params.policy, outputs, maskTensor(rollout, rowsFrom(from, to)));
    out.outputs.set(outputs.dataSync<'float32'>(), from * K);
    out.logProbs.set(d.logProb(actionTensor(net, rollout, rowsFrom(from, to))).dataSync<'float32'>(), from);
    out.values.set(net.values(params.value, x).dataSync<'float32'>(), from);
  });
  const head: { [name: string]: Float32Array } = {};
  for (const [name, t] of Object.entries(params.policy.head)) head[name] = (t as Tensor).dataSync<'float32'>().slice();
  return { ...out, head };
}

/** log p_θ(a|s) of a rollout under other parameters, `[T·N]`. */
export function logProbsOf(net: ActorCritic, policy: Params, rollout: Rollout): Float32Array {
  const out = new Float32Array(rollout.rows);
  net.inChunks(rollout.obs, rollout.rows, (x, from, to) => {
    const rows = rowsFrom(from, to);
    const d = net.distribution(policy, net.outputs(policy, x), maskTensor(rollout, rows));
    out.set(d.logProb(actionTensor(net, rollout, rows)).dataSync<'float32'>(), from);
  });
  return out;
}

const rowsFrom = (from: number, to: number): Int32Array => Int32Array.from({ length: to - from }, (_, i) => from + i);

/** The tensors of some entries; the caller's scope owns them. */
export function minibatch(
  net: ActorCritic,
  b: ActedBatch,
  rows: Int32Array,
  advantages: Float32Array,
): MinibatchTensors {
  const { rollout } = b;
  const [n, O, K] = [rows.length, rollout.size.observation, net.head.outputs];
  const column = (x: Float32Array): Tensor => tensor1d(gatherRows(x, 1, rows));
  const mask = maskTensor(rollout, rows);
  return {
    obs: tensor2d(gatherRows(rollout.obs, O, rows), [n, O]),
    actions: actionTensor(net, rollout, rows),
    oldLogProbs: column(b.logProbs),
    oldOutputs: tensor2d(gatherRows(b.outputs, K, rows), [n, K]),
    advantages: tensor1d(advantages),
    returns: column(b.returns),
    values: column(b.values),
    ...(mask !== undefined && { mask }),
  };
}

/** The head's parameters as they were, as a tree of tensors; the caller's scope owns them. */
export const oldHead = (b: ActedBatch): Params =>
  Object.fromEntries(Object.entries(b.head).map(([name, x]) => [name, tensor1d(x)]));

function actionTensor(net: ActorCritic, rollout: Rollout, rows: Int32Array): Tensor {
  const width = net.head.actionSize;
  const values = gatherRows(rollout.actions, width, rows);
  if (net.head.kind === 'continuous') return tensor2d(values, [rows.length, width]);
  const whole = Int32Array.from(values);
  return width === 1 ? tensor1d(whole, 'int32') : tensor(whole, [rows.length, width], 'int32');
}

function maskTensor({ size, masks }: Rollout, rows: Int32Array): Tensor2D | undefined {
  if (size.mask === 0) return undefined;
  return tidy(() => tensor2d(gatherRows(masks, size.mask, rows), [rows.length, size.mask]));
}
