/** Policy and value function of on-policy agents: what they compute, as tensors for training and on the host for acting. */
import { ConfigError, disposeTree, type Module, nearest, type Params, type Rng, variables } from '@gimbal/tensor-core';
import {
  concat,
  reshape,
  slice,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor1d,
  tensor2d,
  tidy,
} from '@tensorflow/tfjs-core';
import type { Draws } from '../policies/draws.ts';
import { type ActionDistribution, type PolicyHead, policyHead } from '../policies/head.ts';
import { type ActingNetwork, actingNetwork } from '../policies/host-network.ts';
import { network } from '../policies/network.ts';
import {
  type PolicyMemory,
  RecurrentActing,
  type RecurrentNetwork,
  type RecurrentOptions,
  recurrentNetwork,
} from '../policies/recurrent.ts';
import type { ActionSpec } from '../spaces/action-spec.ts';
import type { ObservationPart, ObservationSpec } from '../spaces/observation-spec.ts';

export interface ActorCriticOptions {
  hidden: readonly number[];
  activation: 'tanh' | 'relu';
  initialLogStd: number;
  /** keys that only the value function sees */
  criticObs?: readonly string[];
  /** a memory in both */
  recurrent?: RecurrentOptions;
}

/** What the networks are called with; with a memory, L steps of B copies, row l·B + b. */
export interface NetInput {
  /** `[rows, O]` */
  obs: Tensor2D;
  /** `[rows]`, 1 where an episode begins */
  starts?: Tensor;
  /** the policy's memory before the first step `[B, S]` */
  policyState?: Tensor2D;
  /** the value function's `[B, S]` */
  valueState?: Tensor2D;
}

/** `{ policy: { network, head }, value }` */
export type ActorCriticParams = Params & { policy: { network: Params; head: Params }; value: Params };

/** Whether a part of an observation is under a key. */
const isPartOf = ({ path }: ObservationPart, key: string): boolean => path === key || path.startsWith(`${key}.`);

function checkCriticObs(keys: readonly string[], { parts }: ObservationSpec): void {
  const where = 'criticObs';
  const names = parts.map(({ path }) => path);
  for (const key of keys) {
    if (parts.some((part) => isPartOf(part, key))) continue;
    const near = nearest(key, names);
    const wanted = names.includes('') ? 'a dictionary observation' : `some of ${names.join(', ')}`;
    const fix = near !== undefined && near !== '' && { fix: `Did you mean ${near}?` };
    throw new ConfigError({ where, what: 'the observation has no such key', got: key, wanted, ...fix });
  }
  if (keys.length > 0 && parts.every((part) => keys.some((key) => isPartOf(part, key))))
    throw new ConfigError({ where, what: 'nothing is left for the policy to see', got: keys.join(', ') });
}

export class ActorCritic {
  readonly head: PolicyHead;
  /** numbers of a copy's memory, in the policy as in the value function; 0 without one */
  readonly stateSize: number;
  readonly #policy: Module<Tensor, Tensor> | RecurrentNetwork;
  readonly #value: Module<Tensor, Tensor> | RecurrentNetwork;
  readonly #acting: ActingNetwork | RecurrentActing;
  /** parts of the observation that the policy sees, where not all */
  readonly #columns: readonly { from: number; size: number }[] | undefined;
  readonly #policySize: number;
  #std = new Float64Array(0);
  #input = new Float32Array(0);

  constructor(
    readonly observation: ObservationSpec,
    action: ActionSpec,
    o: ActorCriticOptions,
  ) {
    this.head = policyHead(action, o);
    const { hidden, activation, criticObs } = o;
    checkCriticObs(criticObs ?? [], observation);
    const seen = observation.parts.filter((part) => !criticObs?.some((key) => isPartOf(part, key)));
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
    const { recurrent } = o;
    const trunk = { hidden, activation };
    if (recurrent !== undefined) {
      const policy = recurrentNetwork(ofPolicy, this.head.outputs, { ...trunk, outputGain: 0.01 }, recurrent);
      this.#policy = policy;
      this.#value = recurrentNetwork(observation, 1, { ...trunk, outputGain: 1 }, recurrent);
      this.#acting = new RecurrentActing(policy, this.#policySize, this.head.outputs);
      this.stateSize = policy.stateSize;
      return;
    }
    const policy = network(ofPolicy, this.head.outputs, { ...trunk, outputGain: 0.01 });
    this.#policy = policy;
    this.#value = network(observation, 1, { ...trunk, outputGain: 1 });
    const hasImages = seen.some((part) => part.image !== undefined);
    this.#acting = actingNetwork(policy, this.#policySize, hasImages ? undefined : { activation });
    this.stateSize = 0;
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

  /** `[rows, outputs]`. */
  outputs(policy: Params, b: NetInput): Tensor2D {
    return this.policySteps(policy, b).outputs;
  }

  /** `outputs`, and the memory after each row `[rows, S]` where there is one. */
  policySteps(policy: Params, b: NetInput): { outputs: Tensor2D; states?: Tensor2D } {
    return applied(this.#policy, policy.network as Params, this.#seen(b.obs), b.starts, b.policyState);
  }

  distribution(policy: Params, outputs: Tensor2D, mask?: Tensor): ActionDistribution {
    return this.head.distribution(outputs, policy.head as Params, mask);
  }

  /** V, `[rows]`. */
  values(value: Params, b: NetInput): Tensor1D {
    return this.valueSteps(value, b).values;
  }

  /** `values`, and the memory after each row where there is one. */
  valueSteps(value: Params, b: NetInput): { values: Tensor1D; states?: Tensor2D } {
    const { outputs, states } = applied(this.#value, value, b.obs, b.starts, b.valueState);
    return { values: reshape(outputs, [-1]) as Tensor1D, ...(states && { states }) };
  }

  /**
   * V of rows on the host, `[rows·O]` → `[rows]`.
   * @param memory the value function's, of each row
   */
  valuesOf(value: Params, obs: Float32Array, rows: number, memory?: PolicyMemory): Float32Array {
    const out = new Float32Array(rows);
    const S = this.stateSize;
    this.inChunks(obs, rows, (x, from, to) => {
      const more = memory && {
        starts: tensor1d(Float32Array.from(memory.starts.subarray(from, to))),
        valueState: tensor2d(memory.state.subarray(from * S, to * S), [to - from, S]),
      };
      out.set(this.values(value, { obs: x, ...more }).dataSync<'float32'>(), from);
    });
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
    this.#std = Float64Array.from(logStd?.dataSync<'float32'>() ?? [], Math.exp);
  }

  /**
   * Actions of rows on the host.
   * @param draws where to draw from; undefined = the most probable action
   * @param out `[rows·action]`
   * @param memory of the rows, where the policy has one: it moves on
   */
  act(
    obs: Float32Array,
    rows: number,
    out: Float32Array,
    draws?: Draws,
    masks?: Uint8Array,
    memory?: PolicyMemory,
  ): void {
    const seen = this.#seenHost(obs, rows);
    const acting = this.#acting;
    const y =
      acting instanceof RecurrentActing
        ? acting.forward(seen, rows, memory ?? this.freshMemory(rows))
        : acting.forward(seen, rows);
    for (let n = 0; n < rows; n++) {
      if (draws === undefined) this.head.mode(y, n, out, masks);
      else this.head.sample(y, n, this.#std, draws, out, masks);
    }
  }

  /** The memory of copies that begin. */
  freshMemory(rows: number): PolicyMemory {
    return { state: new Float32Array(rows * this.stateSize), starts: new Uint8Array(rows).fill(1) };
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

/** A network over rows, or over steps of copies. */
function applied(
  net: Module<Tensor, Tensor> | RecurrentNetwork,
  params: Params,
  x: Tensor2D,
  starts: Tensor | undefined,
  state: Tensor2D | undefined,
): { outputs: Tensor2D; states?: Tensor2D } {
  if (!('unroll' in net)) return { outputs: net.apply(params, x) as Tensor2D };
  return net.unroll(params, x, starts as Tensor, state as Tensor2D);
}
