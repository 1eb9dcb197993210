/**
 * Deep Q-learning (Mnih et al. 2015) with the double estimator (arXiv 1509.06461) and Huber's loss:
 *
 *   y = r + γ(1 − term) Q̄(s', argmax_a Q(s', a));   L = mean w·huber(Q(s, a) − y)
 *
 * The target is copied every so many environment steps; actions are random with a probability that falls.
 */
import {
  clipScale,
  createOptimizer,
  disposeTree,
  type Module,
  type OptimizerState,
  type Params,
  polyakTree,
  type Rng,
  treeNorm,
  valueAndGradWithAux,
  variables,
} from '@gimbal/tensor-core';
import {
  abs,
  add,
  argMax,
  max,
  mean,
  minimum,
  mul,
  oneHot,
  type Scalar,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  tensor1d,
  tensor2d,
} from '@tensorflow/tfjs-core';
import { scoped } from '../internal/scoped.ts';
import { argMax as hostArgMax } from '../policies/head.ts';
import { type ActingNetwork, HostNetwork, TensorNetwork } from '../policies/host-network.ts';
import { network } from '../policies/network.ts';
import type { ReplayBatch } from '../replay/replay-buffer.ts';
import type { ObservationSpec } from '../spaces/observation-spec.ts';
import { leavesOf } from './critics.ts';
import type { OffPolicyLearner } from './learner.ts';

export interface DqnOptions {
  observation: ObservationSpec;
  choices: number;
  hidden: readonly number[];
  double: boolean;
  maxGradNorm: number;
}

export class Dqn implements OffPolicyLearner {
  readonly trees: Readonly<Record<string, Params>>;
  readonly actionSize = 1;
  readonly #params: Params;
  readonly #target: Params;
  readonly #net: Module<Tensor, Tensor>;
  readonly #optimizer = createOptimizer({ name: 'adam' });
  readonly #state: OptimizerState;
  readonly #acting: ActingNetwork;

  constructor(
    private readonly o: DqnOptions,
    r: Rng,
  ) {
    const { observation, choices, hidden } = o;
    this.#net = network(observation, choices, { hidden, activation: 'relu' });
    const fresh = this.#net.init(r.split('q'));
    this.#params = variables(fresh);
    this.#target = variables(fresh);
    disposeTree(fresh);
    this.#state = this.#optimizer.init(this.#params);
    this.trees = { q: this.#params, target: this.#target, optimizer: this.#state };
    const hasImages = observation.parts.some((part) => part.image !== undefined);
    this.#acting = hasImages ? new TensorNetwork(this.#net, observation.size) : new HostNetwork('relu');
    this.refresh();
  }

  update(
    batch: ReplayBatch,
    learningRate: number,
    _draws: Rng,
    _update: number,
  ): ReturnType<OffPolicyLearner['update']> {
    const { choices, double, maxGradNorm, observation } = this.o;
    const { rows } = batch;
    const result = scoped(() => {
      const [obs, nextObs] = [
        tensor2d(batch.obs, [rows, observation.size]),
        tensor2d(batch.nextObs, [rows, observation.size]),
      ];
      const later = this.#net.apply(this.#target, nextObs);
      const picked = double ? argMax(this.#net.apply(this.#params, nextObs), 1) : undefined;
      const best = picked === undefined ? max(later, 1) : sum(mul(later, oneHot(picked as Tensor1D, choices)), 1);
      const y = add(tensor1d(batch.rewards), mul(tensor1d(batch.discounts), best));
      const taken = oneHot(tensor1d(Int32Array.from(batch.actions), 'int32'), choices);
      const { value, grads, aux } = valueAndGradWithAux((p: Params) => {
        const q = sum(mul(this.#net.apply(p, obs), taken), 1);
        return { value: mean<Scalar>(mul(tensor1d(batch.weights), huber(sub(q, y)))), aux: { q } };
      })(this.#params);
      this.#optimizer.update(this.#params, grads, this.#state, learningRate, {
        gradientScale: clipScale(treeNorm(grads), maxGradNorm),
      });
      return {
        loss: value.dataSync<'float32'>()[0] as number,
        errors: abs(sub(aux.q, y)).dataSync<'float32'>().slice(),
        q: mean(aux.q).dataSync<'float32'>()[0] as number,
      };
    });
    return { metrics: () => ({ criticLoss: result.loss, q: result.q }), errors: () => result.errors };
  }

  copyTarget(): void {
    polyakTree(leavesOf(this.#target), leavesOf(this.#params), 1);
  }

  refresh(): void {
    this.#acting.refresh(this.#params);
  }

  act(
    obs: Float32Array,
    rows: number,
    out: Float32Array,
    draws: Rng | undefined,
    explore: number,
    masks?: Uint8Array,
  ): void {
    const { choices } = this.o;
    const q = this.#acting.forward(obs, rows);
    for (let n = 0; n < rows; n++) {
      const row = q.slice(n * choices, (n + 1) * choices);
      const legal = masks?.subarray(n * choices, (n + 1) * choices);
      if (draws !== undefined && draws.uniform() < explore) {
        out[n] = randomChoice(choices, draws, legal);
        continue;
      }
      if (legal !== undefined) for (let a = 0; a < choices; a++) if (legal[a] === 0) row[a] = Number.NEGATIVE_INFINITY;
      out[n] = hostArgMax(row);
    }
  }

  dispose(): void {
    for (const tree of [this.#params, this.#target, this.#state]) disposeTree(tree);
  }
}

/** One of the choices that a mask allows, each equally likely. */
export function randomChoice(choices: number, draws: Rng, legal?: Uint8Array): number {
  if (legal === undefined) return draws.int(choices);
  let left = draws.int(legal.reduce((n, x) => n + (x === 0 ? 0 : 1), 0));
  for (let a = 0; a < choices; a++) if (legal[a] !== 0 && left-- === 0) return a;
  return 0;
}

/** ½e² within 1, |e| − ½ beyond: m(|e| − ½m) with m = min(|e|, 1). */
function huber(error: Tensor): Tensor {
  const size = abs(error);
  const m = minimum(size, 1);
  return sub(mul(m, size), mul(square(m), 0.5));
}
