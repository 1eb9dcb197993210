/**
 * From a network's output to a distribution over actions: logits of one or several choices, or the means of a Gaussian
 * whose deviations are parameters of their own. Two faces: tensors for training, and arrays on the host for acting, so
 * that no tensor is made for a step of an environment.
 */
import { distributions, type Params } from '@gimbal/tensor-core';
import { add, fill, gather, mul, slice, sub, type Tensor, type Tensor1D, type Tensor2D } from '@tensorflow/tfjs-core';
import type { ActionSpec, ContinuousActions, DiscreteActions } from '../spaces/action-spec.ts';
import type { Draws } from './draws.ts';

/** A batch of action distributions; results are `[B]` and the caller's. */
export interface ActionDistribution {
  logProb(actions: Tensor): Tensor;
  entropy(): Tensor;
  /** KL(this ‖ other) */
  kl(other: ActionDistribution): Tensor;
}

export interface PolicyHead {
  readonly kind: ActionSpec['kind'];
  /** width of the network's output */
  readonly outputs: number;
  /** numbers of one stored action */
  readonly actionSize: number;
  /** parameters beside the network */
  init(): Params;
  /**
   * @param outputs `[B, outputs]`
   * @param extra what `init` made, or the like
   * @param mask `[B, outputs]`, 1 = allowed; discrete actions only
   */
  distribution(outputs: Tensor2D, extra: Params, mask?: Tensor): ActionDistribution;
  /** numbers that `sample` draws for one copy, and of which kind */
  readonly draws: { count: number; kind: 'uniform' | 'normal' };
  /**
   * Draws on the host.
   * @param outputs of all copies, `[N·outputs]`
   * @param n which copy
   * @param std host values of the deviations; empty for discrete actions
   * @param actions of all copies `[N·actionSize]`: those of copy n are written; not clipped
   * @param masks of all copies, `[N·outputs]`
   */
  sample(
    outputs: Float32Array,
    n: number,
    std: Float64Array,
    draws: Draws,
    actions: Float32Array,
    masks?: Uint8Array,
  ): void;
  /** The most probable action of copy n. */
  mode(outputs: Float32Array, n: number, actions: Float32Array, masks?: Uint8Array): void;
}

/** What a masked logit is lowered by: not −∞, which gives 0·∞ in a KL. */
const maskedLogit = -1e9;

export const policyHead = (spec: ActionSpec, o: { initialLogStd?: number } = {}): PolicyHead =>
  spec.kind === 'discrete' ? discreteHead(spec) : gaussianHead(spec, o.initialLogStd ?? 0);

function discreteHead({ nvec }: DiscreteActions): PolicyHead {
  const outputs = nvec.reduce((n, k) => n + k, 0);
  const starts = nvec.map((_, i) => nvec.slice(0, i).reduce((n, k) => n + k, 0));
  const held = nvec.map((k) => new Float32Array(k));
  /** The logits of one choice, written over by the next call; what is masked is −∞. */
  const logitsOf = (row: Float32Array, n: number, i: number, masks: Uint8Array | undefined): Float32Array => {
    const logits = held[i] as Float32Array;
    const at = n * outputs + (starts[i] as number);
    for (let j = 0; j < logits.length; j++)
      logits[j] = masks !== undefined && masks[at + j] === 0 ? Number.NEGATIVE_INFINITY : (row[at + j] as number);
    return logits;
  };
  return {
    kind: 'discrete',
    outputs,
    actionSize: nvec.length,
    init: () => ({}),
    distribution(logits, _, mask) {
      const allowed = mask === undefined ? logits : (add(logits, mul(sub(1, mask), maskedLogit)) as Tensor2D);
      const parts = nvec.map((k, i) =>
        distributions.categorical(nvec.length === 1 ? allowed : slice(allowed, [0, starts[i] as number], [-1, k])),
      );
      const total = (f: (part: distributions.Categorical, i: number) => Tensor): Tensor =>
        parts.map(f).reduce((a, b) => add(a, b));
      return {
        logProb: (actions) =>
          total((part, i) => part.logProb(nvec.length === 1 && actions.rank === 1 ? actions : gather(actions, i, 1))),
        entropy: () => total((part) => part.entropy()),
        kl: (other) =>
          total((part, i) => part.kl((other as unknown as { parts: distributions.Categorical[] }).parts[i] as never)),
        parts,
      } as ActionDistribution;
    },
    draws: { count: nvec.length, kind: 'uniform' },
    sample(row, n, _, draws, actions, masks) {
      for (let i = 0; i < nvec.length; i++)
        actions[n * nvec.length + i] = drawLogits(logitsOf(row, n, i, masks), draws.uniform());
    },
    mode(row, n, actions, masks) {
      for (let i = 0; i < nvec.length; i++) actions[n * nvec.length + i] = argMax(logitsOf(row, n, i, masks));
    },
  };
}

function gaussianHead({ size }: ContinuousActions, initialLogStd: number): PolicyHead {
  return {
    kind: 'continuous',
    outputs: size,
    actionSize: size,
    init: () => ({ logStd: fill([size], initialLogStd, 'float32') as Tensor1D }),
    distribution(mean, extra) {
      const d = distributions.diagonalGaussian({ mean, logStd: extra.logStd as Tensor });
      return {
        logProb: (actions) => d.logProb(actions),
        entropy: () => d.entropy(),
        kl: (other) => d.kl((other as unknown as { d: distributions.DiagonalGaussian }).d),
        d,
      } as ActionDistribution;
    },
    draws: { count: size, kind: 'normal' },
    sample(mean, n, std, draws, actions) {
      for (let i = 0, at = n * size; i < size; i++, at++)
        actions[at] = (mean[at] as number) + (std[i] as number) * draws.normal();
    },
    mode(mean, n, actions) {
      for (let at = n * size; at < (n + 1) * size; at++) actions[at] = mean[at] as number;
    },
  };
}

/** The inverse of the cumulative distribution at u. */
function drawLogits(logits: Float32Array, u: number): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let a = 0; a < logits.length; a++) most = Math.max(most, logits[a] as number);
  let total = 0;
  for (let a = 0; a < logits.length; a++) total += Math.exp((logits[a] as number) - most);
  let left = u * total;
  let last = 0;
  for (let a = 0; a < logits.length; a++) {
    const p = Math.exp((logits[a] as number) - most);
    if (p === 0) continue;
    last = a;
    left -= p;
    if (left < 0) return a;
  }
  return last; // rounding
}

export function argMax(x: Float32Array): number {
  let best = 0;
  for (let i = 1; i < x.length; i++) if ((x[i] as number) > (x[best] as number)) best = i;
  return best;
}
