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
  mean,
  mul,
  neg,
  type Scalar,
  sub,
  type Tensor,
  tensor1d,
  tensor2d,
} from '@tensorflow/tfjs-core';
import { scoped } from '../internal/scoped.ts';
import { HostNetwork } from '../policies/host-network.ts';
import type { ReplayBatch } from '../replay/replay-buffer.ts';
import { leavesOf, TwinCritics, twinError } from './critics.ts';
import type { OffPolicyLearner } from './learner.ts';

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
  readonly #host = new HostNetwork('relu', 'tanh');
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
    this.refresh();
  }

  update(batch: ReplayBatch, learningRate: number, draws: Rng, update: number): ReturnType<OffPolicyLearner['update']> {
    const { rows } = batch;
    const { observation: O, action: A, tau, policyDelay, targetNoise, targetNoiseClip } = this.o;
    const { loss, errors } = scoped(() => {
      const [obs, nextObs] = [tensor2d(batch.obs, [rows, O]), tensor2d(batch.nextObs, [rows, O])];
      const noise = draws.normalTensor([rows, A]);
      const smoothed = smoothedAction(this.#net.apply(this.#target, nextObs), noise, targetNoise, targetNoiseClip);
      const y = add(tensor1d(batch.rewards), mul(tensor1d(batch.discounts), this.#critics.target(nextObs, smoothed)));
      const critic = valueAndGradWithAux((p: Params) => {
        const q = this.#critics.both(p, obs, tensor2d(batch.actions, [rows, A]));
        return { value: twinError(q, y, tensor1d(batch.weights)), aux: { q1: q[0] } };
      })(this.#critics.params);
      this.#optimizer.update(this.#critics.params, critic.grads, this.#criticState, learningRate);
      if (update % policyDelay === 0) {
        const { value, grads } = valueAndGrad((p: Params) => {
          const [q] = this.#critics.both(this.#critics.params, obs, this.#net.apply(p, obs));
          return neg(mean(q)) as Scalar;
        })(this.#actor);
        this.#optimizer.update(this.#actor, grads, this.#actorState, learningRate);
        this.#actorLoss = value.dataSync<'float32'>()[0] as number;
        polyakTree(leavesOf(this.#critics.targets), leavesOf(this.#critics.params), tau);
        polyakTree(leavesOf(this.#target), leavesOf(this.#actor), tau);
      }
      return {
        loss: critic.value.dataSync<'float32'>()[0] as number,
        errors: abs(sub(critic.aux.q1, y)).dataSync<'float32'>().slice(),
      };
    });
    return { metrics: () => ({ criticLoss: loss, actorLoss: this.#actorLoss }), errors: () => errors };
  }

  refresh(): void {
    this.#host.refresh(this.#actor);
  }

  act(obs: Float32Array, rows: number, out: Float32Array, draws: Rng | undefined): void {
    const y = this.#host.forward(obs, rows);
    for (let i = 0; i < rows * this.actionSize; i++) {
      const noise = draws === undefined ? 0 : this.o.explorationNoise * draws.normal();
      out[i] = Math.min(Math.max((y[i] as number) + noise, -1), 1);
    }
  }

  dispose(): void {
    this.#critics.dispose();
    for (const tree of [this.#actor, this.#target, this.#actorState, this.#criticState]) disposeTree(tree);
  }
}

/** clip(a + clip(std·noise, ±limit), ±1) */
export const smoothedAction = (action: Tensor, noise: Tensor, std: number, limit: number): Tensor =>
  clipByValue(add(action, clipByValue(mul(noise, std), -limit, limit)), -1, 1);
