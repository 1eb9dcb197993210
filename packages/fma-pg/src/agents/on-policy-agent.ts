/**
 * One on-policy loop for every surrogate: act for T steps with the policy as it is, judge the actions (GAE or V-trace),
 * maximise the surrogate for K passes, repeat. FMA-PG (arXiv 2108.05828), algorithm 1, with sampled gradients: the
 * theorem on improvement does not cover minibatches and Adam (`innerGuard` restores its premise for the batch).
 */
import {
  assignTree,
  CheckpointError,
  ConfigError,
  createOptimizer,
  disposeTree,
  type Env,
  firstDifference,
  type Optimizer,
  type OptimizerState,
  type Params,
  type Rng,
  type RngState,
  rng,
  rngFromState,
  type Trainer,
  type TrainRequest,
  type VectorEnv,
  valueAndGrad,
} from '@gimbal/tensor-core';
import { tidy } from '@tensorflow/tfjs-core';
import { evaluate, type Playable } from '../evaluation/evaluate.ts';
import { annealed } from '../internal/anneal.ts';
import { LocalVectorEnv } from '../rollout/local-vector-env.ts';
import type { RunningMoments } from '../rollout/moments.ts';
import { Rollout } from '../rollout/rollout.ts';
import { type Episode, Stepper, type StepperState } from '../rollout/stepper.ts';
import { type ActionSpec, actionSpec } from '../spaces/action-spec.ts';
import { type ObservationSpec, observationSpec } from '../spaces/observation-spec.ts';
import { surrogateOf } from '../surrogates/surrogates.ts';
import { gae } from '../values/gae.ts';
import { explainedVariance } from '../values/normalize-advantages.ts';
import { ActorCritic, type ActorCriticParams } from './actor-critic.ts';
import {
  type AgentContent,
  type AgentFiles,
  fromBase64,
  openAgentFiles,
  readAgent,
  toBase64,
  writeAgent,
} from './agent-files.ts';
import { type ActedBatch, assess } from './on-policy-batch.ts';
import { OnPolicyLearner, trajectoryOf } from './on-policy-learner.ts';
import {
  type AuxLoss,
  type OnPolicyOptions,
  type ResolvedOnPolicy,
  resolveOnPolicy,
  savedOptions,
  type TransitionBatch,
} from './on-policy-options.ts';

/** One update; every field but `step` is a metric. Means over minibatches where there are several. */
export interface OnPolicyStep {
  /** environment steps so far, over all copies */
  readonly step: number;
  /** mean return of the episodes that ended in this rollout; NaN without any */
  readonly episodeReturn: number;
  /** mean steps of the same episodes; NaN without any */
  readonly episodeLength: number;
  /** episodes that ended in this rollout */
  readonly episodes: number;
  /** share of them that ran into the time limit */
  readonly truncatedShare: number;
  /** the surrogate, negated */
  readonly policyLoss: number;
  /** ½ mean (V − return)² */
  readonly valueLoss: number;
  /** mean entropy of the policy, in nats */
  readonly entropy: number;
  /** mean KL(p_t ‖ p_θ) over the inner loop */
  readonly klForward: number;
  /** mean KL(p_θ ‖ p_t) */
  readonly klReverse: number;
  /** mean KL(p_t ‖ p_{t+1}): how far the update went */
  readonly finalKl: number;
  /** share of entries outside the clipping band; 0 without one */
  readonly clipFraction: number;
  /** share of entries whose advantage was raised to −1/η */
  readonly clampedShare: number;
  /** largest p_θ/p_t */
  readonly ratioMax: number;
  /** norm of all gradients */
  readonly gradNorm: number;
  /** 1 − Var(return − V)/Var(return): 1 is a perfect value function, 0 no better than a constant */
  readonly explainedVariance: number;
  /** of this update */
  readonly learningRate: number;
  /** environment steps a second, learning included */
  readonly stepsPerSecond: number;
  /** of an evaluation after this update: evalReturn, evalReturnLow, evalReturnHigh */
  readonly [metric: string]: number;
}

interface AgentState {
  steps: number;
  updates: number;
  sampling: RngState;
  stepper: StepperState;
  env: string | null;
  klCoef: number;
  lastEvaluation: number;
  best: number | null;
  surrogate: { name: string; options: Readonly<Record<string, unknown>> };
  spaces: { observation: ObservationSpec; action: ActionSpec };
}

/** Acts for a rollout, learns from it, and forgets it: PPO and its relatives, by their surrogate. Dispose it after use. */
export class OnPolicyAgent implements Trainer<OnPolicyStep>, Playable {
  /** `{ policy: { network, head }, value }`, variables; the agent owns them */
  readonly params: ActorCriticParams;
  /** Every option, defaults filled in. */
  readonly options: ResolvedOnPolicy;
  /** What it observes, as one row of numbers. */
  readonly observation: ObservationSpec;
  /** How its actions are drawn. */
  readonly action: ActionSpec;
  readonly #env: VectorEnv;
  readonly #net: ActorCritic;
  readonly #learner: OnPolicyLearner;
  readonly #stepper: Stepper;
  readonly #rollout: { current: Rollout | undefined } = { current: undefined };
  readonly #aux: { loss: AuxLoss; optimizer: Optimizer; state: OptimizerState }[];
  readonly #stream: Rng;
  #sampling: Rng;
  #steps = 0;
  #updates = 0;
  #begun = false;
  #training = false;
  #disposed = false;
  #resumed = false;
  #lastEvaluation = 0;
  #best: number | null = null;

  private constructor(env: VectorEnv, options: ResolvedOnPolicy) {
    this.options = options;
    this.#env = env;
    this.observation = observationSpec(env.observationSpace);
    this.action = actionSpec(env.actionSpace);
    this.#stream = rng(options.seed);
    this.#sampling = this.#stream.split('sampling');
    const { hidden, activation, initialLogStd, criticObs, normalize, gamma } = options;
    this.#net = new ActorCritic(this.observation, this.action, {
      hidden,
      activation,
      initialLogStd,
      ...(criticObs && { criticObs }),
    });
    this.#stepper = new Stepper(env, this.observation, this.action, {
      normalizeObs: normalize.obs,
      normalizeReward: normalize.reward,
      gamma,
      training: true,
    });
    this.params = this.#net.init(this.#stream.split('init'));
    this.#learner = new OnPolicyLearner(this.#net, this.params, options);
    this.#aux = (options.auxLosses ?? []).map((loss) => {
      const optimizer = createOptimizer({ name: 'adam' });
      return { loss, optimizer, state: optimizer.init(loss.params) };
    });
    this.#net.refresh(this.params.policy);
  }

  /**
   * Makes an agent and its environments.
   * @throws ConfigError for options or spaces that do not go together
   * @example
   * const agent = await OnPolicyAgent.create({ env: () => makeEnv('CartPole-v1'), numEnvs: 8, rollout: 32, seed: 1 });
   * for await (const m of agent.train({ steps: 100_000 })) console.log(m.step, m.episodeReturn);
   */
  static async create(options: OnPolicyOptions): Promise<OnPolicyAgent> {
    const o = resolveOnPolicy(options);
    return new OnPolicyAgent(await environments(o), o);
  }

  /**
   * Continues a saved run: its next updates are those that the uninterrupted run would have had, to the bit, where the
   * environments can save their state. Options come from the checkpoint; one that is given and differs is refused.
   * @param from a checkpoint, or a run's folder (its newest one)
   * @param given `env`, and what is not saved: `out`, `evalEvery`, hooks, surrogates and schedules that are functions
   * @throws CheckpointError naming what differs
   */
  static async resume(
    from: string,
    given: Pick<OnPolicyOptions, 'env'> & Partial<OnPolicyOptions>,
    o: { which?: 'latest' | 'best' } = {},
  ): Promise<OnPolicyAgent> {
    const saved = await readAgent(from, o.which);
    const config = saved.config as Record<string, unknown>;
    const state = saved.state as AgentState;
    const surrogate = given.surrogate ?? surrogateOf(state.surrogate.name, state.surrogate.options);
    for (const [key, value] of Object.entries(config)) {
      if (value === 'function' && (given as Record<string, unknown>)[key] === undefined)
        throw new ConfigError({
          where: `resume, ${key}`,
          what: 'it was a function, which no checkpoint holds',
          fix: `Give ${key} again`,
        });
    }
    const agent = await OnPolicyAgent.create({ ...config, ...given, surrogate } as OnPolicyOptions);
    try {
      agent.#restore(saved.path, config, state);
      for (const [name, target] of Object.entries(agent.#trees())) {
        const tree = await saved.tree(name);
        try {
          assignTree(target, tree, `${saved.path}, ${name}`);
        } finally {
          disposeTree(tree);
        }
      }
      agent.#net.refresh(agent.params.policy);
      return agent;
    } catch (error) {
      agent.dispose();
      throw error;
    }
  }

  /** Environment steps so far. */
  get step(): number {
    return this.#steps;
  }

  get moments(): RunningMoments | undefined {
    return this.#stepper.moments;
  }

  /** The discount it was trained with. */
  get gamma(): number {
    return this.options.gamma;
  }

  get evalEnv(): (() => Env | Promise<Env>) | undefined {
    const { evalEnv, env } = this.options;
    return evalEnv ?? (typeof env === 'function' ? env : undefined);
  }

  /** The mean return of the best evaluation so far. */
  get best(): number | null {
    return this.#best;
  }

  actRows(obs: Float32Array, rows: number, out: Float32Array, draws?: Rng, masks?: Uint8Array): void {
    this.#net.act(obs, rows, out, draws, masks);
  }

  /**
   * Trains until `steps` environment steps are done in all, in whole updates; `learningRate` and other lines reach
   * their end there. Stops at the end of an update, or of a rollout, when the signal aborts.
   */
  async *train({ steps, signal }: TrainRequest): AsyncGenerator<OnPolicyStep, { aborted: boolean }, undefined> {
    this.#check(steps);
    const files = await this.#open();
    this.#training = true;
    let saved = -1;
    let aborted = false;
    try {
      if (!this.#begun) await this.#stepper.reset(this.#stream.split('env'));
      this.#begun = true;
      while (this.#steps < steps) {
        const started = performance.now();
        // what an aborted rollout would leave half done is put back: the checkpoint stands between two updates
        if (signal?.aborted) {
          aborted = true;
          break;
        }
        const progress = this.#steps / steps;
        const rollout = await this.#collect();
        const { metrics, batch } = this.#learn(rollout, progress);
        this.#trainAux(batch);
        this.#net.refresh(this.params.policy);
        this.#updates++;
        const row: Record<string, number> = {
          ...episodeMetrics(this.#stepper.takeFinished()),
          ...metrics,
          stepsPerSecond: (1000 * rollout.rows) / (performance.now() - started),
        };
        const isBest = await this.#evaluateIfDue(row, this.#steps >= steps);
        await files?.log(this.#steps, row);
        if (files !== undefined && (isBest || this.#isDue(this.options.checkpointEvery, rollout.rows))) {
          await files.checkpoint(this.#content());
          saved = this.#steps;
        }
        yield { step: this.#steps, ...row } as OnPolicyStep;
      }
      if (files !== undefined && saved !== this.#steps) await files.checkpoint(this.#content());
      return { aborted };
    } finally {
      this.#training = false;
      await files?.close();
    }
  }

  /** Drains `train`; returns the last step. */
  async run(request: TrainRequest): Promise<OnPolicyStep | undefined> {
    let last: OnPolicyStep | undefined;
    for await (const step of this.train(request)) last = step;
    return last;
  }

  /** Writes all that is needed to go on, at exactly this path. */
  async save(dir: string): Promise<void> {
    await writeAgent(dir, this.#content());
  }

  /** Frees parameters and optimiser state, and closes the environments; safe to call twice. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    disposeTree(this.params);
    this.#learner.dispose();
    for (const { state } of this.#aux) disposeTree(state);
    if (typeof this.options.env === 'function') this.#env.close();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** T steps of every copy. */
  async #collect(): Promise<Rollout> {
    const { rollout: T, numEnvs: N } = this.options;
    const { actionSize, outputs } = this.#net.head;
    const stepper = this.#stepper;
    const O = this.observation.size;
    const mask = stepper.masks === undefined ? 0 : outputs;
    const held = this.#rollout.current;
    const rollout =
      held?.size.mask === mask ? held : new Rollout({ steps: T, numEnvs: N, observation: O, action: actionSize, mask });
    this.#rollout.current = rollout;
    rollout.clear();
    for (let t = 0; t < T; t++) {
      const at = t * N;
      rollout.obs.set(stepper.obs, at * O);
      if (mask > 0) rollout.masks.set(stepper.masks as Uint8Array, at * mask);
      const actions = rollout.actions.subarray(at * actionSize, (at + N) * actionSize);
      this.#net.act(stepper.obs, N, actions, this.#sampling, stepper.masks);
      await stepper.step(actions);
      rollout.rewards.set(stepper.rewards, at);
      rollout.terminated.set(stepper.terminated, at);
      rollout.truncated.set(stepper.truncated, at);
      rollout.valid.set(stepper.valid, at);
      for (let n = 0; n < N; n++) {
        if (stepper.truncated[n] === 0 && stepper.terminated[n] === 0) continue;
        rollout.finals.entries.push(at + n);
        for (let j = 0; j < O; j++) rollout.finals.obs.push(stepper.finalObs[n * O + j] as number);
      }
    }
    rollout.lastObs.set(stepper.obs);
    this.#steps += T * N;
    return rollout;
  }

  #learn(rollout: Rollout, progress: number): { metrics: Record<string, number>; batch: ActedBatch } {
    const { gamma, gaeLambda, rewardSource } = this.options;
    if (rewardSource !== undefined) rollout.rewards.set(rewardSource.reward(transitions(rollout)));
    const opinion = assess(this.#net, this.params, rollout);
    const finals = Float32Array.from(rollout.finals.obs);
    const finalOf = this.#net.valuesOf(this.params.value, finals, rollout.finals.entries.length);
    const finalValues = new Float32Array(rollout.rows);
    for (const [i, entry] of rollout.finals.entries.entries()) finalValues[entry] = finalOf[i] as number;
    const lastValues = this.#net.valuesOf(this.params.value, rollout.lastObs, rollout.size.numEnvs);
    const estimate = gae(trajectoryOf({ rollout, ...opinion, finalValues, lastValues }), { gamma, lambda: gaeLambda });
    const entries = Int32Array.from(rollout.valid.keys()).filter((i) => rollout.valid[i] === 1);
    const batch: ActedBatch = { rollout, entries, ...opinion, finalValues, lastValues, ...estimate };
    const learnt = this.#learner.update(batch, progress, this.#stream.split('shuffle').split(this.#updates));
    const metrics: Record<string, number> = {
      ...learnt,
      explainedVariance: explainedVariance(opinion.values, estimate.returns),
    };
    const { eta, clipEpsilon } = this.options.surrogate.options as { eta?: number; clipEpsilon?: number };
    if (eta !== undefined) metrics.eta = annealed(eta, progress);
    if (typeof clipEpsilon === 'number') metrics.clipEpsilon = clipEpsilon;
    if (this.options.adaptiveKl !== undefined) metrics.klCoef = this.#learner.klCoef;
    return { metrics, batch };
  }

  #trainAux({ rollout }: ActedBatch): void {
    const batch = this.#aux.length === 0 ? undefined : transitions(rollout);
    for (const { loss, optimizer, state } of this.#aux) {
      tidy(() => {
        const stream = this.#stream.split('aux').split(loss.name).split(this.#updates);
        const { grads } = valueAndGrad((p: Params) => loss.loss(p, batch as TransitionBatch, stream))(loss.params);
        optimizer.update(loss.params, grads, state, loss.learningRate ?? 3e-4);
      });
    }
  }

  async #evaluateIfDue(row: Record<string, number>, last: boolean): Promise<boolean> {
    const { evalEvery, evalEpisodes, seed } = this.options;
    if (evalEvery === undefined) return false;
    if (this.#steps - this.#lastEvaluation < evalEvery && !last) return false;
    this.#lastEvaluation = this.#steps;
    const { mean, ci95 } = await evaluate(this, { episodes: evalEpisodes, seed });
    row.evalReturn = mean;
    [row.evalReturnLow, row.evalReturnHigh] = ci95;
    const isBest = this.#best === null || mean > this.#best;
    if (isBest) this.#best = mean;
    return isBest;
  }

  #isDue(every: number | undefined, rows: number): boolean {
    return every !== undefined && Math.floor(this.#steps / every) > Math.floor((this.#steps - rows) / every);
  }

  #check(steps: number): void {
    const where = `${this.options.algorithm}, train`;
    const rows = this.options.rollout * this.options.numEnvs;
    if (!Number.isSafeInteger(steps) || steps < 0)
      throw new ConfigError({ where, what: 'steps', got: steps, wanted: 'a whole number ≥ 0' });
    if (this.#disposed) throw new ConfigError({ where, what: 'the agent was disposed' });
    if (this.#training) throw new ConfigError({ where, what: 'it trains already', fix: 'End the other loop first' });
    if (steps - this.#steps > 0 && steps < rows) {
      throw new ConfigError({
        where,
        what: 'fewer steps than one rollout',
        got: steps,
        wanted: `at least rollout·numEnvs = ${rows}`,
      });
    }
  }

  async #open(): Promise<AgentFiles | undefined> {
    const { out } = this.options;
    if (out === undefined) return undefined;
    const files = await openAgentFiles(out, this.#resumed || this.#begun ? this.#steps : undefined);
    return files;
  }

  #trees(): Record<string, Params> {
    const { criticState, optimizerState } = this.#learner;
    const trees: Record<string, Params> = { params: this.params, optimizer: optimizerState };
    if (criticState !== undefined) trees.criticOptimizer = criticState;
    for (const { loss, state } of this.#aux) {
      trees[`aux-${loss.name}`] = loss.params;
      trees[`aux-${loss.name}-optimizer`] = state;
    }
    return trees;
  }

  #content(): AgentContent {
    const { surrogate } = this.options;
    const state: AgentState = {
      steps: this.#steps,
      updates: this.#updates,
      sampling: this.#sampling.state(),
      stepper: this.#stepper.state(),
      env: this.#begun ? envState(this.#env) : null,
      klCoef: this.#learner.klCoef,
      lastEvaluation: this.#lastEvaluation,
      best: this.#best,
      surrogate: { name: surrogate.surrogate, options: surrogate.options },
      spaces: { observation: this.observation, action: this.action },
    };
    const evaluated = this.#lastEvaluation === this.#steps && this.#best !== null;
    return {
      step: this.#steps,
      ...(evaluated && { loss: -(this.#best as number) }),
      trees: this.#trees(),
      state,
      config: savedOptions(this.options),
    };
  }

  #restore(where: string, config: Record<string, unknown>, state: AgentState): void {
    const mine = JSON.parse(
      JSON.stringify({ ...savedOptions(this.options), spaces: { observation: this.observation, action: this.action } }),
    ) as never;
    const theirs = JSON.parse(JSON.stringify({ ...config, spaces: state.spaces })) as never;
    const difference = firstDifference(theirs, mine);
    if (difference !== undefined) {
      throw new CheckpointError({
        where: `${where}, ${difference.path}`,
        what: 'the run was made with another value',
        got: difference.wanted,
        wanted: JSON.stringify(difference.saved),
        fix: 'Leave the option out to go on with that run, or start a new one',
      });
    }
    this.#steps = state.steps;
    this.#updates = state.updates;
    this.#sampling = rngFromState(state.sampling);
    this.#stepper.restore(state.stepper);
    this.#learner.klCoef = state.klCoef;
    this.#lastEvaluation = state.lastEvaluation;
    this.#best = state.best;
    this.#resumed = true;
    if (state.env === null) return;
    this.#env.setState(fromBase64(state.env));
    this.#begun = true;
  }
}

/** Copies of an environment, or those that were given. */
export async function environments(o: { env: OnPolicyOptions['env']; numEnvs: number }): Promise<VectorEnv> {
  return typeof o.env === 'function' ? LocalVectorEnv.create(o.env, o.numEnvs) : o.env;
}

/** What the environments say of themselves; null where they cannot (a resumed run then begins new episodes). */
export function envState(env: VectorEnv): string | null {
  if ((env as { hasState?: boolean }).hasState === false) return null;
  return toBase64(env.getState());
}

export function episodeMetrics(episodes: readonly Episode[]): Record<string, number> {
  const mean = (f: (e: Episode) => number): number => episodes.reduce((total, e) => total + f(e), 0) / episodes.length;
  return {
    episodeReturn: mean((e) => e.return),
    episodeLength: mean((e) => e.length),
    episodes: episodes.length,
    truncatedShare: mean((e) => (e.truncated ? 1 : 0)),
  };
}

/** A rollout as hooks see it. */
function transitions(rollout: Rollout): TransitionBatch {
  const { rows, obs, actions, rewards, terminated, truncated, size, lastObs, finals } = rollout;
  const [N, O] = [size.numEnvs, size.observation];
  const nextObs = new Float32Array(obs.length);
  nextObs.set(obs.subarray(N * O));
  nextObs.set(lastObs, (rows - N) * O);
  for (const [i, entry] of finals.entries.entries())
    for (let j = 0; j < O; j++) nextObs[entry * O + j] = finals.obs[i * O + j] as number;
  return { rows, obs, actions, nextObs, rewards, terminated, truncated };
}
