/** Policy and value function of on-policy agents: what they compute, as tensors for training and on the host for acting. */
import { disposeTree, type Module, type Params, type Rng, variables } from '@gimbal/tensor-core';
import {
  concat,
  reshape,
  slice,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor2d,
  tidy,
} from '@tensorflow/tfjs-core';
import { type ActionDistribution, type PolicyHead, policyHead } from '../policies/head.ts';
import { type ActingNetwork, actingNetwork } from '../policies/host-network.ts';
import { network } from '../policies/network.ts';
import type { ActionSpec } from '../spaces/action-spec.ts';
import type { ObservationSpec } from '../spaces/observation-spec.ts';

export interface ActorCriticOptions {
  hidden: readonly number[];
  activation: 'tanh' | 'relu';
  initialLogStd: number;
  /** keys that only the value function sees */
  criticObs?: readonly string[];
}

/** `{ policy: { network, head }, value }` */
export type ActorCriticParams = Params & { policy: { network: Params; head: Params }; value: Params };

export class ActorCritic {
  readonly head: PolicyHead;
  readonly #policy: Module<Tensor, Tensor>;
  readonly #value: Module<Tensor, Tensor>;
  readonly #acting: ActingNetwork;
  /** parts of the observation that the policy sees, where not all */
  readonly #columns: readonly { from: number; size: number }[] | undefined;
  readonly #policySize: number;
  #logStd: Float32Array = new Float32Array(0);
  #input = new Float32Array(0);

  constructor(
    readonly observation: ObservationSpec,
    action: ActionSpec,
    o: ActorCriticOptions,
  ) {
    this.head = policyHead(action, o);
    const { hidden, activation, criticObs } = o;
    const seen = observation.parts.filter(
      (part) => !criticObs?.some((key) => part.path === key || part.path.startsWith(`${key}.`)),
    );
    this.#columns =
      seen.length === observation.parts.length ? undefined : seen.map(({ offset, size }) => ({ from: offset, size }));
    this.#policySize = seen.reduce((n, part) => n + part.size, 0);
    let offset = 0;
    const parts = seen.map((part) => {
      const moved = { ...part, offset };
      offset += part.size;
      return moved;
    });
    const ofPolicy = { size: this.#policySize, parts };
    this.#policy = network(ofPolicy, this.head.outputs, { hidden, activation, outputGain: 0.01 });
    this.#value = network(observation, 1, { hidden, activation, outputGain: 1 });
    const hasImages = seen.some((part) => part.image !== undefined);
    this.#acting = actingNetwork(this.#policy, this.#policySize, hasImages ? undefined : { activation });
  }

  init(r: Rng): ActorCriticParams {
    const fresh = {
      policy: { network: this.#policy.init(r.split('policy')), head: this.head.init() },
      value: this.#value.init(r.split('value')),
    };
    const owned = variables(fresh);
    disposeTree(fresh);
    return owned as ActorCriticParams;
  }

  /** `[B, outputs]` of rows `[B, O]`. */
  outputs(policy: Params, obs: Tensor2D): Tensor2D {
    return this.#policy.apply(policy.network as Params, this.#seen(obs)) as Tensor2D;
  }

  distribution(policy: Params, outputs: Tensor2D, mask?: Tensor): ActionDistribution {
    return this.head.distribution(outputs, policy.head as Params, mask);
  }

  /** V, `[B]`. */
  values(value: Params, obs: Tensor2D): Tensor1D {
    return reshape(this.#value.apply(value, obs), [-1]) as Tensor1D;
  }

  /** V of rows on the host, `[rows·O]` → `[rows]`. */
  valuesOf(value: Params, obs: Float32Array, rows: number): Float32Array {
    const out = new Float32Array(rows);
    this.inChunks(obs, rows, (x, from) => out.set(this.values(value, x).dataSync<'float32'>(), from));
    return out;
  }

  /** Runs f over rows in parts that fit the memory, each in a scope. */
  inChunks(obs: Float32Array, rows: number, f: (x: Tensor2D, from: number, to: number) => void): void {
    const width = this.observation.size;
    const most = Math.max(1, Math.min(4096, Math.floor(2 ** 23 / width)));
    for (let from = 0; from < rows; from += most) {
      const to = Math.min(rows, from + most);
      tidy(() => f(tensor2d(obs.subarray(from * width, to * width), [to - from, width]), from, to));
    }
  }

  /** Takes over the weights that the next actions come from. */
  refresh(policy: Params): void {
    this.#acting.refresh(policy.network as Params);
    const logStd = (policy.head as Params).logStd as Tensor | undefined;
    this.#logStd = logStd === undefined ? new Float32Array(0) : logStd.dataSync<'float32'>().slice();
  }

  /**
   * Actions of rows on the host.
   * @param rng where to draw from; undefined = the most probable action
   * @param out `[rows·action]`
   */
  act(obs: Float32Array, rows: number, out: Float32Array, rng?: Rng, masks?: Uint8Array): void {
    const { outputs, actionSize } = this.head;
    const y = this.#acting.forward(this.#seenHost(obs, rows), rows);
    for (let n = 0; n < rows; n++) {
      const row = y.subarray(n * outputs, (n + 1) * outputs);
      const action = out.subarray(n * actionSize, (n + 1) * actionSize);
      const mask = masks?.subarray(n * outputs, (n + 1) * outputs);
      if (rng === undefined) this.head.mode(row, action, mask);
      else this.head.sample(row, this.#logStd, rng, action, mask);
    }
  }

  /** Frees what acting keeps; parameters are the caller's. */
  dispose(): void {
    this.#acting.dispose();
  }

  #seen(obs: Tensor2D): Tensor2D {
    if (this.#columns === undefined) return obs;
    const parts = this.#columns.map(({ from, size }) => slice(obs, [0, from], [-1, size]));
    return parts.length === 1 ? (parts[0] as Tensor2D) : concatColumns(parts);
  }

  #seenHost(obs: Float32Array, rows: number): Float32Array {
    if (this.#columns === undefined) return obs;
    const [width, size] = [this.observation.size, this.#policySize];
    if (this.#input.length !== rows * size) this.#input = new Float32Array(rows * size);
    for (let n = 0; n < rows; n++) {
      let at = n * size;
      for (const { from, size: k } of this.#columns) {
        this.#input.set(obs.subarray(n * width + from, n * width + from + k), at);
        at += k;
      }
    }
    return this.#input;
  }
}

const concatColumns = (parts: Tensor2D[]): Tensor2D => concat(parts, 1);
