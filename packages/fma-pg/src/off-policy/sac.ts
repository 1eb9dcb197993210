/**
 * Soft actor-critic (arXiv 1812.05905): twin critics, a squashed Gaussian actor, a temperature that is learnt.
 *
 *   y  = r + γ(1 − term)[min Q̄(s', a') − α log p(a'|s')],  a' from the current actor;   L_Q = Σᵢ mean w(Qᵢ − y)²
 *   L_π = mean(α log p(a|s) − min Q(s, a));   L_α = −log α · mean(log p + H̄),   H̄ = −dim A
 *
 * MDPO off-policy is the same with another loss of the actor (proximal.ts). Actions are in [−1, 1] here; the environment's box is reached by scaling, which H̄ takes no notice of.
 */
import {
  type CapturedStep,
  captureStep,
  createOptimizer,
  disposeTree,
  type Module,
  mlpModule,
  type Optimizer,
  type OptimizerState,
  type Params,
  polyakTree,
  type Rng,
  squashedGaussian,
  stopGradient,
  valueAndGrad,
  valueAndGradWithAux,
  variables,
} from '@gimbal/tensor-core';
import {
  abs,
  add,
  exp,
  mean,
  minimum,
  mul,
  neg,
  type Scalar,
  scalar,
  stack,
  sub,
  type Tensor,
  tensor1d,
  tensor2d,
  tidy,
} from '@tensorflow/tfjs-core';
import { type ActingNetwork, actingNetwork } from '../policies/host-network.ts';
import type { ReplayBatch } from '../replay/replay-buffer.ts';
import { leavesOf, TwinCritics, twinError } from './critics.ts';
import type { BatchTensors, OffPolicyLearner } from './learner.ts';
import { oldLogProb, outputPenalty } from './proximal.ts';

export interface SacOptions {
  observation: number;
  action: number;
  hidden: readonly number[];
  gamma: number;
  tau: number;
  /** α at the start */
  alpha: number;
  /** false: α stays */
  learnAlpha: boolean;
  targetEntropy: number;
  /** MDPO's c: the actor is held near an older one, see proximal.ts */
  proximal?: number;
}

const [minLogStd, maxLogStd] = [-20, 2];
type Inputs = BatchTensors & { noise: Tensor; nextNoise: Tensor; learningRate: Tensor };

export class Sac implements OffPolicyLearner {
  readonly trees: Readonly<Record<string, Params>>;
  readonly actionSize: number;
  readonly #actor: Params;
  /** the older policy of MDPO */
  readonly #old: Params | undefined;
  readonly #net: Module<Tensor, Tensor>;
  readonly #critics: TwinCritics;
  readonly #temperature: Params;
  readonly #optimizer: Optimizer = createOptimizer({ name: 'adam' });
  readonly #states: { actor: OptimizerState; critics: OptimizerState; temperature: OptimizerState };
  readonly #acting: ActingNetwork;
  readonly #step: CapturedStep<keyof Inputs, { metrics: Tensor; errors: Tensor }>;

  constructor(
    private readonly o: SacOptions,
    r: Rng,
  ) {
    const { observation, action, hidden } = o;
    this.actionSize = action;
    this.#net = mlpModule({ sizes: [observation, ...hidden, 2 * action] });
    const fresh = this.#net.init(r.split('actor'));
    this.#actor = variables(fresh);
    this.#old = o.proximal === undefined ? undefined : variables(fresh);
    disposeTree(fresh);
    this.#critics = new TwinCritics(observation + action, hidden, r);
    const logAlpha = { logAlpha: scalar(Math.log(o.alpha)) };
    this.#temperature = variables(logAlpha);
    disposeTree(logAlpha);
    this.#states = {
      actor: this.#optimizer.init(this.#actor),
      critics: this.#optimizer.init(this.#critics.params),
      temperature: this.#optimizer.init(this.#temperature),
    };
    this.trees = {
      actor: this.#actor,
      ...(this.#old && { old: this.#old }),
      critics: this.#critics.params,
      targets: this.#critics.targets,
      temperature: this.#temperature,
      'actor-optimizer': this.#states.actor,
      'critics-optimizer': this.#states.critics,
      'temperature-optimizer': this.#states.temperature,
    };
    this.#acting = actingNetwork(this.#net, observation, { activation: 'relu' });
    this.#step = captureStep((inputs: Inputs) => this.#update(inputs));
    this.refresh();
  }

  update(
    batch: ReplayBatch,
    learningRate: number,
    draws: Rng,
    _update: number,
  ): ReturnType<OffPolicyLearner['update']> {
    const { rows } = batch;
    const { observation: O, action: A } = this.o;
    const out = tidy(() => {
      const noise = draws.normalTensor([rows, A]);
      const nextNoise = draws.normalTensor([rows, A]);
      return this.#step.run({
        obs: tensor2d(batch.obs, [rows, O]),
        actions: tensor2d(batch.actions, [rows, A]),
        rewards: tensor1d(batch.rewards),
        nextObs: tensor2d(batch.nextObs, [rows, O]),
        discounts: tensor1d(batch.discounts),
        weights: tensor1d(batch.weights),
        noise,
        nextNoise,
        learningRate: scalar(learningRate),
      }) as never;
    }) as { metrics: Tensor; errors: Tensor };
    return {
      metrics() {
        const [criticLoss, actorLoss, entropy, alpha, q] = out.metrics.dataSync<'float32'>() as unknown as number[];
        return { criticLoss, actorLoss, entropy, alpha, q } as Record<string, number>;
      },
      errors: () => out.errors.dataSync<'float32'>(),
    };
  }

  /** The older policy becomes what the actor is by now. */
  copyTarget(): void {
    if (this.#old !== undefined) polyakTree(leavesOf(this.#old), leavesOf(this.#actor), 1);
  }

  refresh(): void {
    this.#acting.refresh(this.#actor);
  }

  act(obs: Float32Array, rows: number, out: Float32Array, draws: Rng | undefined): void {
    const A = this.actionSize;
    const y = this.#acting.forward(obs, rows);
    for (let n = 0; n < rows; n++) {
      for (let j = 0; j < A; j++) {
        const mu = y[n * 2 * A + j] as number;
        const logStd = Math.min(Math.max(y[n * 2 * A + A + j] as number, minLogStd), maxLogStd);
        out[n * A + j] = Math.tanh(draws === undefined ? mu : mu + Math.exp(logStd) * draws.normal());
      }
    }
  }

  dispose(): void {
    this.#step.dispose();
    this.#acting.dispose();
    this.#critics.dispose();
    if (this.#old !== undefined) disposeTree(this.#old);
    for (const tree of [this.#actor, this.#temperature, ...Object.values(this.#states)]) disposeTree(tree);
  }

  #update(x: Inputs): { metrics: Tensor; errors: Tensor } {
    const { tau, targetEntropy, learnAlpha } = this.o;
    const rate = x.learningRate as Scalar;
    const sample = (actor: Params, obs: Tensor, noise: Tensor): { action: Tensor; logProb: Tensor } =>
      squashedGaussian(this.#net.apply(actor, obs), noise, { minLogStd, maxLogStd });
    const alpha = exp(this.#temperature.logAlpha as Tensor);
    const next = sample(this.#actor, x.nextObs, x.nextNoise);
    const soft = sub(this.#critics.target(x.nextObs, next.action), mul(alpha, next.logProb));
    const y = add(x.rewards, mul(x.discounts, soft));
    const critic = valueAndGradWithAux((p: Params) => {
      const q = this.#critics.both(p, x.obs, x.actions);
      return { value: twinError(q, y, x.weights), aux: { q1: q[0] } };
    })(this.#critics.params);
    this.#optimizer.update(this.#critics.params, critic.grads, this.#states.critics, rate);
    const actor = valueAndGradWithAux((p: Params) => this.#actorLoss(p, x, stopGradient(alpha)))(this.#actor);
    this.#optimizer.update(this.#actor, actor.grads, this.#states.actor, rate);
    const logProb = mean<Scalar>(actor.aux.logProb);
    if (learnAlpha) {
      const gap = stopGradient(add(logProb, targetEntropy));
      const { grads } = valueAndGrad((p: Params) => neg(mul<Scalar>(p.logAlpha as Tensor, gap)) as Scalar)(
        this.#temperature,
      );
      this.#optimizer.update(this.#temperature, grads, this.#states.temperature, rate);
    }
    polyakTree(leavesOf(this.#critics.targets), leavesOf(this.#critics.params), tau);
    const metrics = stack([critic.value, actor.value, neg(logProb), alpha, mean(critic.aux.q1)]);
    return { metrics, errors: abs(sub(critic.aux.q1, y)) };
  }

  /** SAC's loss of the actor, or MDPO's. */
  #actorLoss(p: Params, x: Inputs, alpha: Tensor): { value: Scalar; aux: { logProb: Tensor } } {
    const { proximal } = this.o;
    const outputs = this.#net.apply(p, x.obs);
    const { action, logProb } = squashedGaussian(outputs, x.noise, { minLogStd, maxLogStd });
    const [q1, q2] = this.#critics.both(this.#critics.params, x.obs, action);
    if (this.#old === undefined || proximal === undefined)
      return { value: mean<Scalar>(sub(mul(alpha, logProb), minimum(q1, q2))), aux: { logProb } };
    const before = stopGradient(this.#net.apply(this.#old, x.obs));
    const old = oldLogProb(outputs, before, x.noise, logProb, { minLogStd, maxLogStd });
    const value = mean<Scalar>(sub(add(mul(logProb, proximal), mul(old, sub(alpha, proximal))), q1));
    return { value: add(value, outputPenalty(outputs)), aux: { logProb } };
  }
}
