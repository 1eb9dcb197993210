/**
 * Deep Q-learning (Mnih et al. 2015) with the double estimator (arXiv 1509.06461) and Huber's loss:
 *
 *   y = r + γ(1 − term) Q̄(s', argmax_a Q(s', a));   L = mean w·huber(Q(s, a) − y)      (a that s' allows)
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
  cast,
  concat,
  max,
  mean,
  minimum,
  mul,
  oneHot,
  onesLike,
  reshape,
  type Scalar,
  square,
  stack,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
} from '@tensorflow/tfjs-core';
import { ReplayedStep } from '../internal/replayed-step.ts';
import { argMax as hostArgMax } from '../policies/head.ts';
import { type ActingNetwork, actingNetwork } from '../policies/host-network.ts';
import { network } from '../policies/network.ts';
import type { ReplayBatch } from '../replay/replay-buffer.ts';
import type { ObservationSpec } from '../spaces/observation-spec.ts';
import { leavesOf } from './critics.ts';
import { type BatchTensors, batchInputs, type OffPolicyLearner } from './learner.ts';

export interface DqnOptions {
  observation: ObservationSpec;
  choices: number;
  hidden: readonly number[];
  double: boolean;
  /** share of the way that the target goes each time */
  tau: number;
  maxGradNorm: number;
}

type Inputs = BatchTensors & { learningRate: Tensor; nextMasks?: Tensor };

export class Dqn implements OffPolicyLearner {
  readonly trees: Readonly<Record<string, Params>>;
  readonly actionSize = 1;
  readonly #params: Params;
  readonly #target: Params;
  readonly #net: Module<Tensor, Tensor>;
  readonly #optimizer = createOptimizer({ name: 'adam' });
  readonly #state: OptimizerState;
  readonly #acting: ActingNetwork;
  readonly #step: ReplayedStep;

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
    this.#acting = actingNetwork(this.#net, observation.size, hasImages ? undefined : { activation: 'relu' });
    this.#step = new ReplayedStep([this.#params, this.#target, this.#state], true);
    this.refresh();
  }

  update(batch: ReplayBatch, learningRate: number): ReturnType<OffPolicyLearner['update']> {
    const { nextMasks, rows } = batch;
    const inputs = {
      ...batchInputs(batch, this.o.observation.size, 'choice'),
      learningRate,
      ...(nextMasks && { nextMasks: { values: nextMasks, shape: [rows, this.o.choices] } }),
    };
    const out = this.#step.run(inputs, (x) => this.#update(x as Inputs));
    return {
      metrics: () => ({ criticLoss: out[0] as number, q: out[1] as number }),
      errors: () => out.slice(2),
    };
  }

  copyTarget(): void {
    polyakTree(leavesOf(this.#target), leavesOf(this.#params), this.o.tau);
  }

  refresh(): void {
    this.#step.begin('');
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

  #update(x: Inputs): { out: Tensor } {
    const { choices, double, maxGradNorm } = this.o;
    // what is not allowed there is no value of that state
    const allowed = (q: Tensor): Tensor => (x.nextMasks === undefined ? q : add(q, mul(sub(x.nextMasks, 1), 1e9)));
    const values = this.#net.apply(this.#target, x.nextObs);
    const later = double ? values : allowed(values);
    const picked = double ? argMax(allowed(this.#net.apply(this.#params, x.nextObs)), 1) : undefined;
    const best = picked === undefined ? max(later, 1) : sum(mul(later, chosen(picked as Tensor1D, choices)), 1);
    const y = add(x.rewards, mul(x.discounts, best));
    const taken = chosen(x.actions as Tensor1D, choices);
    const { value, grads, aux } = valueAndGradWithAux((p: Params) => {
      const q = sum(mul(this.#net.apply(p, x.obs), taken), 1);
      return { value: mean<Scalar>(mul(x.weights, huber(sub(q, y)))), aux: { q } };
    })(this.#params);
    this.#optimizer.update(this.#params, grads, this.#state, x.learningRate as Scalar, {
      gradientScale: clipScale(treeNorm(grads), maxGradNorm),
    });
    return { out: concat([stack([value, mean(aux.q)]), abs(sub(aux.q, y))] as Tensor1D[]) };
  }

  dispose(): void {
    this.#step.dispose();
    this.#acting.dispose();
    for (const tree of [this.#params, this.#target, this.#state]) disposeTree(tree);
  }
}

/** `[B, choices]`, 1 at each row's choice; of one choice there is no one-hot vector in tfjs. */
const chosen = (rows: Tensor1D, choices: number): Tensor =>
  choices === 1 ? onesLike(reshape(cast(rows, 'float32'), [-1, 1])) : oneHot(rows, choices);

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
