/**
 * Twin delayed deterministic policy gradient (arXiv 1802.09477): a deterministic actor, smoothed targets, the actor and
 * all targets updated every other time.
 *
 *   a' = clip(π̄(s') + clip(ε, ±.5), ±1), ε ~ N(0, .2) in units of the action range's half-width
 *   y = r + γ(1 − term) min Q̄(s', a');   L_Q = Σᵢ mean w(Qᵢ − y)²;   L_π = −mean Q₁(s, π(s))
 */
import {
  createOptimizer,
  disposeTree,
  type Module,
  mlpModule,
  type OptimizerState,
  type Params,
  polyakTree,
  type Rng,
  valueAndGrad,
  valueAndGradWithAux,
  variables,
} from '@gimbal/tensor-core';
import {
  abs,
  add,
  clipByValue,
  concat,
  mean,
  mul,
  neg,
  type Scalar,
  stack,
  sub,
  type Tensor,
  type Tensor1D,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { ReplayedStep } from '../internal/replayed-step.ts';
import { type ActingNetwork, actingNetwork } from '../policies/host-network.ts';
import type { ReplayBatch } from '../replay/replay-buffer.ts';
import { leavesOf, TwinCritics, twinError } from './critics.ts';
import { type BatchTensors, batchInputs, type OffPolicyLearner } from './learner.ts';

export interface Td3Options {
  observation: number;
  action: number;
  hidden: readonly number[];
  tau: number;
  /** deviation of the noise that is added when acting */
  explorationNoise: number;
  targetNoise: number;
  targetNoiseClip: number;
  policyDelay: number;
}

type Inputs = BatchTensors & { noise: Tensor; learningRate: Tensor };

export class Td3 implements OffPolicyLearner {
  readonly trees: Readonly<Record<string, Params>>;
  readonly actionSize: number;
  readonly #actor: Params;
  readonly #target: Params;
  readonly #net: Module<Tensor, Tensor>;
  readonly #critics: TwinCritics;
  readonly #optimizer = createOptimizer({ name: 'adam' });
  readonly #actorState: OptimizerState;
  readonly #criticState: OptimizerState;
  readonly #acting: ActingNetwork;
  // every other update is of the critics alone
  readonly #bothStep: ReplayedStep;
  readonly #criticStep: ReplayedStep;
  #actorLoss = 0;

  constructor(
    private readonly o: Td3Options,
    r: Rng,
  ) {
    const { observation, action, hidden } = o;
    this.actionSize = action;
    this.#net = mlpModule({ sizes: [observation, ...hidden, action], outputActivation: 'tanh' });
    const fresh = this.#net.init(r.split('actor'));
    this.#actor = variables(fresh);
    this.#target = variables(fresh);
    disposeTree(fresh);
    this.#critics = new TwinCritics(observation + action, hidden, r);
    this.#actorState = this.#optimizer.init(this.#actor);
    this.#criticState = this.#optimizer.init(this.#critics.params);
    this.trees = {
      actor: this.#actor,
      'actor-target': this.#target,
      critics: this.#critics.params,
      targets: this.#critics.targets,
      'actor-optimizer': this.#actorState,
      'critics-optimizer': this.#criticState,
    };
    const trees = Object.values(this.trees);
    this.#bothStep = new ReplayedStep(trees, true);
    this.#criticStep = new ReplayedStep(trees, true);
    this.#acting = actingNetwork(this.#net, observation, { activation: 'relu', output: 'tanh' });
    this.refresh();
  }

  update(batch: ReplayBatch, learningRate: number, draws: Rng, update: number): ReturnType<OffPolicyLearner['update']> {
    const { observation: O, action: A, policyDelay } = this.o;
    const values = new Float32Array(batch.rows * A);
    for (let i = 0; i < values.length; i++) values[i] = draws.normal();
    const inputs = { ...batchInputs(batch, O, A), noise: { values, shape: [batch.rows, A] }, learningRate };
    const withActor = update % policyDelay === 0;
    const out = (withActor ? this.#bothStep : this.#criticStep).run(inputs, (x) =>
      this.#update(x as Inputs, withActor),
    );
    if (withActor) this.#actorLoss = out[1] as number;
    return {
      metrics: () => ({ criticLoss: out[0] as number, actorLoss: this.#actorLoss }),
      errors: () => out.slice(2),
    };
  }

  refresh(): void {
    this.#bothStep.begin('');
    this.#criticStep.begin('');
    this.#acting.refresh(this.#actor);
  }

  act(obs: Float32Array, rows: number, out: Float32Array, draws: Rng | undefined): void {
    const y = this.#acting.forward(obs, rows);
    for (let i = 0; i < rows * this.actionSize; i++) {
      const noise = draws === undefined ? 0 : this.o.explorationNoise * draws.normal();
      out[i] = Math.min(Math.max((y[i] as number) + noise, -1), 1);
    }
  }

  #update(x: Inputs, withActor: boolean): { out: Tensor } {
    const { tau, targetNoise, targetNoiseClip } = this.o;
    const rate = x.learningRate as Scalar;
    const smoothed = smoothedAction(this.#net.apply(this.#target, x.nextObs), x.noise, targetNoise, targetNoiseClip);
    const y = add(x.rewards, mul(x.discounts, this.#critics.target(x.nextObs, smoothed)));
    const critic = valueAndGradWithAux((p: Params) => {
      const q = this.#critics.both(p, x.obs, x.actions);
      return { value: twinError(q, y, x.weights), aux: { q1: q[0] } };
    })(this.#critics.params);
    this.#optimizer.update(this.#critics.params, critic.grads, this.#criticState, rate);
    let actorLoss: Scalar = zerosLike(critic.value);
    if (withActor) {
      const { value, grads } = valueAndGrad((p: Params) => {
        const [q] = this.#critics.both(this.#critics.params, x.obs, this.#net.apply(p, x.obs));
        return neg(mean(q)) as Scalar;
      })(this.#actor);
      this.#optimizer.update(this.#actor, grads, this.#actorState, rate);
      actorLoss = value;
      polyakTree(leavesOf(this.#critics.targets), leavesOf(this.#critics.params), tau);
      polyakTree(leavesOf(this.#target), leavesOf(this.#actor), tau);
    }
    return { out: concat([stack([critic.value, actorLoss]), abs(sub(critic.aux.q1, y))] as Tensor1D[]) };
  }

  dispose(): void {
    this.#bothStep.dispose();
    this.#criticStep.dispose();
    this.#acting.dispose();
    this.#critics.dispose();
    for (const tree of [this.#actor, this.#target, this.#actorState, this.#criticState]) disposeTree(tree);
  }
}

/** clip(a + clip(std·noise, ±limit), ±1) */
export const smoothedAction = (action: Tensor, noise: Tensor, std: number, limit: number): Tensor =>
  clipByValue(add(action, clipByValue(mul(noise, std), -limit, limit)), -1, 1);
