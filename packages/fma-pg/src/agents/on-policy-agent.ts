/**
 * One on-policy loop for every surrogate: act for T steps with the policy as it is, judge the actions (GAE or V-trace),
 * maximise the surrogate for K passes, repeat. FMA-PG (arXiv 2108.05828), algorithm 1, with sampled gradients: the
 * theorem on improvement does not cover minibatches and Adam (`innerGuard` restores its premise for the batch).
 */
import {
  ConfigError,
  disposeTree,
  type Params,
  type Rng,
  type RngState,
  rngFromState,
  type TrainRequest,
  type VectorEnv,
} from '@gimbal/tensor-core';
import { numberAt } from '../internal/anneal.ts';
import { offPolicyOptionNames } from '../off-policy/off-policy-options.ts';
import { DrawsAhead } from '../policies/draws.ts';
import type { PolicyMemory } from '../policies/recurrent.ts';
import { collectRollout } from '../rollout/collect.ts';
import { countedRows, gatherRows, type Rollout, transitionsOf } from '../rollout/rollout.ts';
import { sourceRewards } from '../rollout/source-rewards.ts';
import { type SurrogateName, surrogateDefaults } from '../surrogates/surrogates.ts';
import { gae } from '../values/gae.ts';
import { explainedVariance } from '../values/normalize-advantages.ts';
import { ActorCritic, type ActorCriticParams } from './actor-critic.ts';
import { Agent, environments, optionsOf, ownStateOf, requireMade, savedHabits, savedHooks } from './agent.ts';
import { AuxTrainer } from './aux-losses.ts';
import { type Acted, type ActedBatch, assess, trajectoryOf } from './on-policy-batch.ts';
import { OnPolicyLearner } from './on-policy-learner.ts';
import { type OnPolicyOptions, type ResolvedOnPolicy, savedOptions } from './on-policy-options.ts';
import { refuseOtherClass } from './other-class.ts';
import { onPolicyOptionNames, resolveOnPolicy } from './resolve-on-policy.ts';
import { checkHooksGoingOn } from './saved-hooks.ts';
import { type Given, habitsGoingOn, openSaved } from './saved-run.ts';
import { type SavedSurrogate, surrogateGoingOn } from './saved-surrogate.ts';
import { allSequences, memoryAfter, type SequenceBatch } from './sequences.ts';
import { refuseUnusedOnPolicy } from './unused-options.ts';

/** One update; every field but `step` is a metric. Means over minibatches where there are several. */
export interface OnPolicyStep {
  /** environment steps so far, over all copies */
  readonly step: number;
  /** mean return of the episodes that ended in this rollout; NaN without any */
  readonly episodeReturn: number;
  /** mean return of the last 100 episodes, of fewer at the start; NaN before the first has ended */
  readonly recentReturn: number;
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
  /** share of entries whose log(p_θ/p_t) was beyond ±20 and was held there */
  readonly heldShare: number;
  /** largest p_θ/p_t */
  readonly ratioMax: number;
  /** norm of all gradients */
  readonly gradNorm: number;
  /** 1 − Var(return − V)/Var(return): 1 is a perfect value function, 0 no better than a constant */
  readonly explainedVariance: number;
  /** of this update */
  readonly learningRate: number;
  /** passes over the rollout that were made; not a whole number where `targetKl` ended one. 1 for a natural-gradient step */
  readonly epochs: number;
  /** times the guard took the policy back */
  readonly restored: number;
  /** with an `innerGuard`: passes after which the surrogate was lower than before the first */
  readonly fallen?: number;
  /** η in this update, where the surrogate has one */
  readonly eta?: number;
  /** ε in this update, where the surrogate has one for both sides */
  readonly clipEpsilon?: number;
  /** β of the next update, where it is adapted; else of this one, where the surrogate has one */
  readonly klCoef?: number;
  /** environment steps a second, learning included */
  readonly stepsPerSecond: number;
  /** of an evaluation after this update: evalReturn, evalReturnLow, evalReturnHigh; evalCut, episodes that were cut */
  readonly [metric: string]: number;
}

interface OwnState {
  sampling: RngState;
  klCoef: number;
  rateFactor: number;
  memory: { policy: number[]; value: number[] } | null;
  surrogate: SavedSurrogate;
}

/** Acts for a rollout, learns from it, and forgets it: PPO and its relatives, by their surrogate. Dispose it after use. */
export class OnPolicyAgent extends Agent<OnPolicyStep, ResolvedOnPolicy> {
  /** `{ policy: { network, head }, value }`, variables; the agent owns them */
  readonly params: ActorCriticParams;
  readonly #net: ActorCritic;
  readonly #learner: OnPolicyLearner;
  readonly #aux: AuxTrainer;
  #rollout: Rollout | undefined;
  /** a rollout that was not learnt from yet, as that failed; what was remembered before it; what hooks made of it */
  #acted: Acted | undefined;
  /** what the policy remembers of its copies, and the value function's memories `[N·S]`, where there is one */
  readonly #memory: PolicyMemory | undefined;
  #valueState = new Float32Array(0);
  #sampling: Rng;
  readonly #draws: DrawsAhead;

  private constructor(env: VectorEnv, options: ResolvedOnPolicy) {
    requireMade('OnPolicyAgent', options);
    super(env, options, options.normalize);
    this.#sampling = this.stream.split('sampling');
    const { hidden, activation, initialLogStd, criticObs, recurrent } = options;
    this.#net = new ActorCritic(this.observation, this.action, {
      hidden,
      activation,
      initialLogStd,
      ...(criticObs && { criticObs }),
      ...(recurrent && { recurrent }),
    });
    this.#draws = new DrawsAhead(this.#net.head.draws.kind);
    if (this.#net.stateSize > 0) {
      this.#memory = this.#net.freshMemory(options.numEnvs);
      this.#valueState = new Float32Array(this.#memory.state.length);
    }
    this.params = this.#net.init(this.stream.split('init'));
    this.#learner = new OnPolicyLearner(this.#net, this.params, options);
    this.#aux = new AuxTrainer(options.auxLosses);
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
    refuseOtherClass('OnPolicyAgent', options, onPolicyOptionNames, offPolicyOptionNames);
    const o = resolveOnPolicy(options);
    refuseUnusedOnPolicy(options);
    return OnPolicyAgent.#made(o);
  }

  static async #made(o: ResolvedOnPolicy): Promise<OnPolicyAgent> {
    const env = await environments(o);
    try {
      return new OnPolicyAgent(env, o);
    } catch (error) {
      if (typeof o.env === 'function') env.close();
      throw error;
    }
  }

  /**
   * Continues a saved run: its next updates are those that the uninterrupted run would have had, to the bit, where the
   * environments can save their state. Options come from the checkpoint; one that is given and differs is refused. A run's
   * folder is gone on with: its log, checkpoints and evaluations. A lone checkpoint, and the best one, are saved nowhere.
   * @param from a checkpoint, or a run's folder (its newest one)
   * @param given `env`, and what no checkpoint holds: hooks, `evalEnv`, surrogates and schedules that are functions; to
   * watch and keep it otherwise than so far, `out` (undefined: nothing is saved), `evalEvery`, `checkpointEvery`, …
   * @param o.which 'best': the best that was evaluated; default 'latest'
   * @throws CheckpointError naming what differs; ConfigError for a best one where nothing was evaluated
   */
  static async resume(
    from: string,
    given: Given<OnPolicyOptions>,
    o: { which?: 'latest' | 'best' } = {},
  ): Promise<OnPolicyAgent> {
    const saved = await openSaved('OnPolicyAgent', from, given, o);
    const config = optionsOf(saved);
    for (const [key, value] of Object.entries(config)) {
      if (value !== 'function' || (given as Record<string, unknown>)[key] !== undefined) continue;
      const what = 'it was a function, which no checkpoint holds';
      throw new ConfigError({ where: `resume, ${key}`, what, fix: `Give ${key} again` });
    }
    const surrogate = surrogateGoingOn((ownStateOf(saved) as OwnState).surrogate, given.surrogate);
    const habits = habitsGoingOn(saved, savedHabits(saved), from, given, o.which);
    const options = resolveOnPolicy({ ...config, ...habits, ...given, surrogate } as OnPolicyOptions);
    checkHooksGoingOn(savedHooks(saved), options);
    return (await OnPolicyAgent.#made(options)).restore(saved);
  }

  /** numbers of a copy's memory; 0 without one */
  get memorySize(): number {
    return this.#net.stateSize;
  }

  actRows(
    obs: Float32Array,
    rows: number,
    out: Float32Array,
    draws?: Rng,
    masks?: Uint8Array,
    memory?: PolicyMemory,
  ): void {
    this.#net.act(obs, rows, out, draws, masks, memory);
  }

  /** One rollout and what is learnt from it. */
  protected override async update({ steps }: TrainRequest): Promise<Record<string, number>> {
    const started = performance.now();
    const progress = this.steps / steps;
    const { numEnvs, rollout: T } = this.options;
    // schedules and hooks first: where one fails nothing has moved, and the next call does the same update
    this.#learner.check(progress);
    this.#acted ??= await this.#act();
    const { rollout, remembered } = this.#acted;
    this.#acted.ofAux ??= this.#runHooks(rollout); // they learn once, also where the update is made again
    const { ofAux } = this.#acted;
    const metrics = this.#learn(rollout, progress, remembered);
    this.#acted = undefined;
    this.steps += T * numEnvs;
    this.#net.refresh(this.params.policy);
    this.updates++;
    const stepsPerSecond = (1000 * T * numEnvs) / (performance.now() - started);
    return { ...this.episodeMetrics(), ...metrics, ...ofAux, stepsPerSecond };
  }

  async #act(): Promise<Acted> {
    const remembered = this.#memory?.state.slice();
    const from = { rng: this.#sampling, draws: this.#draws };
    const { rollout: T } = this.options;
    this.#rollout = await collectRollout(this.stepper, this.#net, T, from, this.#rollout, this.#memory);
    return { rollout: this.#rollout, remembered };
  }

  /** Rewards of the user's source take the place of the environment's; further losses learn. @returns their metrics */
  #runHooks(rollout: Rollout): Record<string, number> {
    const { rewardSource } = this.options;
    const rewards = rollout.rawRewards.slice();
    if (rewardSource !== undefined) {
      const { numEnvs, steps } = rollout.size;
      const first = this.stepper.steps - steps;
      const counted = countedRows(rollout);
      const place = (row: number): string => {
        const i = counted[row] as number;
        return `step ${first + Math.floor(i / numEnvs)}, env ${i % numEnvs}`;
      };
      const given = sourceRewards(rewardSource, transitionsOf(rollout), place);
      for (const [row, i] of counted.entries()) rewards[i] = given[row] as number;
    }
    const stream = this.stream.split('aux');
    const ofAux = this.#aux.step(
      () => transitionsOf(rollout, rewards),
      (name) => stream.split(name).split(this.updates),
    );
    if (rewardSource !== undefined) {
      rollout.rewards.set(rewards);
      const { terminated, truncated, valid } = rollout;
      const isEnd = (i: number): boolean => terminated[i] === 1 || truncated[i] === 1;
      this.stepper.scaleRewards(rollout.rewards, isEnd, (i) => valid[i] === 1);
    }
    return ofAux;
  }

  #learn(rollout: Rollout, progress: number, remembered: Float32Array | undefined): Record<string, number> {
    const { gamma, gaeLambda, recurrent } = this.options;
    const memory = remembered && {
      before: { policy: remembered, value: this.#valueState },
      length: recurrent?.sequence as number,
    };
    const opinion = assess(this.#net, this.params, rollout, memory);
    const { valueState, ...after } = this.#valuesAfter(rollout, opinion.sequence);
    const estimate = gae(trajectoryOf({ rollout, ...opinion, ...after }), { gamma, lambda: gaeLambda });
    const entries =
      opinion.sequence === undefined ? countedRows(rollout) : allSequences(rollout.size, opinion.sequence.length);
    const batch: ActedBatch = { rollout, entries, ...opinion, ...after, ...estimate };
    // before the update: V-trace puts others in place of the returns
    const explained = explainedVariance(
      gatherRows(opinion.values, 1, entries),
      gatherRows(estimate.returns, 1, entries),
    );
    const learnt = this.#learner.update(batch, progress, this.stream.split('shuffle').split(this.updates));
    this.#valueState = valueState;
    const metrics: Record<string, number> = { ...learnt, explainedVariance: explained };
    const { surrogate, method } = this.options;
    const defaults: Record<string, unknown> = surrogateDefaults[surrogate.surrogate as SurrogateName] ?? {};
    const used = { ...defaults, ...surrogate.options };
    for (const name of ['eta', 'clipEpsilon', 'klCoef'] as const) {
      const value = method === 'gradient' ? numberAt(used[name], progress) : undefined;
      if (value !== undefined) metrics[name] = value;
    }
    if (this.options.adaptiveKl !== undefined) metrics.klCoef = this.#learner.klCoef;
    return metrics;
  }

  /** V of final observations and of those after the last step, and what the value function remembers then. */
  #valuesAfter(
    rollout: Rollout,
    sequence: SequenceBatch | undefined,
  ): Pick<ActedBatch, 'finalValues' | 'lastValues'> & { valueState: Float32Array<ArrayBuffer> } {
    const { value } = this.params;
    const { entries, obs } = rollout.finals;
    const { numEnvs } = rollout.size;
    const S = this.#net.stateSize;
    // a final observation belongs to the episode that ends
    const ofFinals = sequence && {
      state: memoryAfter(sequence, rollout.size, entries, S),
      starts: new Uint8Array(entries.length),
    };
    const finals = this.#net.valuesOf(value, Float32Array.from(obs), entries.length, ofFinals);
    const finalValues = new Float32Array(rollout.rows);
    for (const [i, entry] of entries.entries()) finalValues[entry] = finals[i] as number;
    const valueState = sequence === undefined ? this.#valueState : sequence.value.slice(rollout.rows * S);
    const ofLast = sequence && { state: valueState, starts: this.stepper.starts };
    return { finalValues, lastValues: this.#net.valuesOf(value, rollout.lastObs, numEnvs, ofLast), valueState };
  }

  /** Refuses a number of steps that nothing would be learnt in, as `train` does. @throws ConfigError */
  override checkSteps(steps: number): void {
    const rows = this.options.rollout * this.options.numEnvs;
    if (steps <= this.steps || steps >= rows) return;
    throw new ConfigError({
      where: `${this.options.algorithm}, train`,
      what: 'fewer steps than one rollout',
      got: steps,
      wanted: `at least rollout·numEnvs = ${rows}`,
    });
  }

  protected override parameters(): Params {
    return this.params;
  }

  protected override trees(): Record<string, Params> {
    const { criticState, optimizerState } = this.#learner;
    const trees: Record<string, Params> = { params: this.params, optimizer: optimizerState };
    if (criticState !== undefined) trees.criticOptimizer = criticState;
    return { ...trees, ...this.#aux.trees() };
  }

  protected override get isWhole(): boolean {
    return this.#acted === undefined;
  }

  protected override ownState(): OwnState {
    const { surrogate } = this.options;
    return {
      sampling: this.#sampling.state(),
      klCoef: this.#learner.klCoef,
      rateFactor: this.#learner.rateFactor,
      memory: this.#memory === undefined ? null : { policy: [...this.#memory.state], value: [...this.#valueState] },
      surrogate: { name: surrogate.surrogate, options: savedOptions(surrogate.options) },
    };
  }

  protected override restoreOwn(state: OwnState): void {
    this.#sampling = rngFromState(state.sampling);
    this.#learner.klCoef = state.klCoef;
    this.#learner.rateFactor = state.rateFactor;
    if (state.memory !== null) {
      this.#memory?.state.set(state.memory.policy);
      this.#valueState.set(state.memory.value);
    }
    this.#net.refresh(this.params.policy);
  }

  protected override free(): void {
    this.#net.dispose();
    disposeTree(this.params);
    this.#learner.dispose();
    this.#aux.dispose();
    super.free(); // environments last: they may throw
  }
}
