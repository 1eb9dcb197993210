/**
 * One off-policy loop: act, store, and after every so many steps learn from rows of the buffer. The algorithm is a
 * learner (sac.ts, td3.ts, dqn.ts); the loop owns environments, buffer, exploration and files.
 */
import {
  disposeTree,
  type LoadedCheckpoint,
  NumericalError,
  type Params,
  passes,
  type Rng,
  type RngState,
  type RunContent,
  rngFromState,
  type TrainRequest,
  type VectorEnv,
} from '@gimbal/tensor-core';
import { Agent, environments, optionsOf, requireMade, savedHabits, savedHooks } from '../agents/agent.ts';
import type { TransitionBatch } from '../agents/on-policy-options.ts';
import { refuseOtherClass } from '../agents/other-class.ts';
import { onPolicyOptionNames } from '../agents/resolve-on-policy.ts';
import { checkHooksGoingOn } from '../agents/saved-hooks.ts';
import { type Given, habitsGoingOn, openSaved } from '../agents/saved-run.ts';
import { annealed, annealedWithin, notNegative, share } from '../internal/anneal.ts';
import { bufferTree, restoreBuffer } from '../replay/buffer-tree.ts';
import { NStep } from '../replay/n-step.ts';
import { checkReplay, type ReplayBatch, ReplayBuffer } from '../replay/replay-buffer.ts';
import { sourceRewards } from '../rollout/source-rewards.ts';
import { checkOffPolicySteps } from './check-steps.ts';
import { randomChoice } from './dqn.ts';
import type { OffPolicyLearner } from './learner.ts';
import { type EnvGoals, goalsOf, learnerOf } from './learner-of.ts';
import {
  algorithmName,
  type OffPolicyOptions,
  offPolicyOptionNames,
  type ResolvedOffPolicy,
  refuseUnusedOffPolicy,
  resolveOffPolicy,
} from './off-policy-options.ts';

/** What happened since the last one; every field but `step` is a metric. */
export interface OffPolicyStep {
  /** environment steps so far, over all copies */
  readonly step: number;
  /** mean return of the episodes that ended; NaN without any */
  readonly episodeReturn: number;
  /** mean return of the last 100 episodes, of fewer at the start; NaN before the first has ended */
  readonly recentReturn: number;
  /** mean steps of the same episodes; NaN without any */
  readonly episodeLength: number;
  /** episodes that ended */
  readonly episodes: number;
  /** share of them that ran into the time limit */
  readonly truncatedShare: number;
  /** updates done in all */
  readonly updates: number;
  /** of the last update */
  readonly learningRate: number;
  /** environment steps a second, learning included */
  readonly stepsPerSecond: number;
  /** of the learner: criticLoss, actorLoss, entropy, alpha, q; of an evaluation: evalReturn, evalReturnLow, evalReturnHigh */
  readonly [metric: string]: number;
}

interface OwnState {
  episodes: number[];
  draws: RngState;
  learning: RngState;
  /** of the last update that was looked at; checkpoints of before have none */
  metrics?: Record<string, number>;
  buffer: { written: number[]; mostPriority: number; pending: unknown };
}

/** Acts and learns from all it remembers: SAC, TD3 and DQN. Dispose it after use. */
export class OffPolicyAgent extends Agent<OffPolicyStep, ResolvedOffPolicy> {
  /** What it remembers. */
  readonly buffer: ReplayBuffer;
  readonly #learner: OffPolicyLearner;
  readonly #goals: EnvGoals | undefined;
  readonly #pending: NStep;
  readonly #episodes: Int32Array;
  #draws: Rng;
  #learning: Rng;
  #metrics: Record<string, number> = {};
  /** which of the updates that are due was not made, as the reward source failed */
  #due: number | undefined;
  /** the last line of the log, for the steps a second since */
  #since: { step: number; at: number } | undefined;

  private constructor(env: VectorEnv, options: ResolvedOffPolicy, goals: EnvGoals | undefined) {
    requireMade('OffPolicyAgent', options);
    super(env, options, { obs: false, reward: false }, algorithmName(options.algorithm));
    this.#draws = this.stream.split('sampling');
    this.#learning = this.stream.split('learning');
    const { gamma, buffer, numEnvs } = options;
    this.#goals = goals;
    const { size } = this.observation;
    checkReplay(buffer, numEnvs, goals?.relabel);
    this.#learner = learnerOf(options, this.observation, this.action, this.stream.split('init'));
    try {
      this.buffer = new ReplayBuffer(numEnvs, size, this.#learner.actionSize, gamma, buffer, goals?.relabel);
    } catch (error) {
      this.#learner.dispose(); // what does not fit into memory
      throw error;
    }
    this.#pending = new NStep(this.buffer, buffer.nStep ?? 1, gamma);
    this.#episodes = new Int32Array(numEnvs);
  }

  /**
   * Makes an agent and its environments.
   * @throws ConfigError for options or spaces that do not go together
   * @example const agent = await OffPolicyAgent.create({ ...sac(), env: () => makeEnv('Pendulum-v1'), seed: 1 });
   */
  static async create(options: OffPolicyOptions): Promise<OffPolicyAgent> {
    refuseOtherClass('OffPolicyAgent', options, offPolicyOptionNames, onPolicyOptionNames);
    const o = resolveOffPolicy(options);
    refuseUnusedOffPolicy(options);
    return OffPolicyAgent.#made(o);
  }

  static async #made(o: ResolvedOffPolicy): Promise<OffPolicyAgent> {
    const goals = o.buffer.her === undefined ? undefined : await goalsOf(o);
    let env: VectorEnv | undefined;
    try {
      env = await environments(o);
      return new OffPolicyAgent(env, o, goals);
    } catch (error) {
      goals?.close();
      if (typeof o.env === 'function') env?.close();
      throw error;
    }
  }

  /**
   * Continues a saved run, buffer included: what follows is what would have followed, to the bit, where the
   * environments can save their state. A run's folder is gone on with: its log, checkpoints and evaluations. A lone
   * checkpoint, and the best one, are saved nowhere.
   * @param from a checkpoint, or a run's folder (its newest one)
   * @param given `env`, and what no checkpoint holds: `rewardSource`, `evalEnv`; to watch and keep it otherwise than so
   * far, `out` (undefined: nothing is saved), `evalEvery`, `checkpointEvery`, …
   * @param o.which 'best': the best that was evaluated; default 'latest'
   * @throws CheckpointError naming what differs; ConfigError for a best one where nothing was evaluated
   */
  static async resume(
    from: string,
    given: Given<OffPolicyOptions>,
    o: { which?: 'latest' | 'best' } = {},
  ): Promise<OffPolicyAgent> {
    const saved = await openSaved('OffPolicyAgent', from, given, o);
    const habits = habitsGoingOn(saved, savedHabits(saved), from, given, o.which);
    const options = resolveOffPolicy({ ...optionsOf(saved), ...habits, ...given } as OffPolicyOptions);
    checkHooksGoingOn(savedHooks(saved), options);
    return (await OffPolicyAgent.#made(options)).restore(saved);
  }

  actRows(obs: Float32Array, rows: number, out: Float32Array, draws?: Rng, masks?: Uint8Array): void {
    const stored = new Float32Array(rows * this.#learner.actionSize);
    this.#learner.act(obs, rows, stored, draws, 0, masks);
    this.#toEnvironment(stored, out);
  }

  /** One step of every copy, and the updates that are due; a line each `logEvery`, and of each evaluation and save. */
  protected override async update({ steps }: TrainRequest): Promise<Record<string, number> | undefined> {
    const { numEnvs, logEvery, checkpointEvery, targetEvery } = this.options;
    const before = this.steps;
    this.#since ??= { step: before, at: performance.now() };
    // where a reward source failed its steps are done already
    const isNew = this.#due === undefined;
    if (isNew) await this.#act(before / steps);
    else this.steps += numEnvs;
    // by environment steps: where learning comes in bouts, the target stands still during each
    if (isNew && passes(targetEvery, before, this.steps)) this.#learner.copyTarget?.();
    try {
      this.#metrics = this.#learn(this.steps / steps) ?? this.#metrics;
    } catch (error) {
      if (this.#due !== undefined) this.steps = before;
      throw error;
    }
    const last = this.steps >= steps;
    if (last && this.updates === 0) this.#warnOfNothing();
    const isDue = (every: number | undefined): boolean => passes(every, before, this.steps);
    if (!isDue(logEvery) && !isDue(checkpointEvery) && !this.evaluationDue(last) && !last) return undefined;
    return {
      ...this.episodeMetrics(),
      ...this.#metrics,
      updates: this.updates,
      learningRate: annealed(this.options.learningRate, this.steps / steps),
      stepsPerSecond: (1000 * (before + numEnvs - this.#since.step)) / (performance.now() - this.#since.at),
    };
  }

  protected override async advance(request: TrainRequest) {
    const done = await super.advance(request);
    // the time of an evaluation is not that of steps
    if (done !== undefined) this.#since = { step: this.steps, at: performance.now() };
    return done;
  }

  protected override async begin(): Promise<void> {
    this.#since = undefined;
    await super.begin();
  }

  protected override leaveEpisodes(): void {
    this.#pending.clear();
    for (let n = 0; n < this.#episodes.length; n++) this.#episodes[n] = (this.#episodes[n] as number) + 1;
  }

  /** One step of every copy, stored. */
  async #act(progress: number): Promise<void> {
    const { options: o, observation, action } = this;
    const stepper = this.stepper;
    const [N, O, K] = [o.numEnvs, observation.size, this.#learner.actionSize];
    const stored = new Float32Array(N * K);
    if (this.steps < o.learningStarts) this.#randomActions(stored);
    else {
      const done = o.explorationFraction === 0 ? 1 : progress / o.explorationFraction;
      const explore = annealedWithin('exploration', o.exploration, done, share);
      this.#learner.act(stepper.obs, N, stored, this.#draws, explore, stepper.masks);
    }
    const before = stepper.obs.slice();
    const actions = new Float32Array(N * (action.kind === 'discrete' ? action.nvec.length : action.size));
    this.#toEnvironment(stored, actions);
    await stepper.step(actions);
    this.steps += N;
    for (let n = 0; n < N; n++) {
      const [terminated, truncated] = [stepper.terminated[n] === 1, stepper.truncated[n] === 1];
      if (stepper.valid[n] === 1) {
        const masks = stepper.maskAfter(n);
        const after = terminated || truncated ? stepper.finalObs : stepper.obs;
        this.#pending.add(n, {
          obs: before.slice(n * O, (n + 1) * O),
          action: stored.slice(n * K, (n + 1) * K),
          reward: stepper.rewards[n] as number,
          nextObs: after.slice(n * O, (n + 1) * O),
          terminated,
          truncated,
          episode: this.#episodes[n] as number,
          ...(masks !== undefined && { nextMask: masks }),
        });
      }
      if (terminated || truncated) this.#episodes[n] = (this.#episodes[n] as number) + 1;
    }
  }

  #learn(progress: number): Record<string, number> | undefined {
    const { learningStarts, trainEvery, updates, batchSize, learningRate, buffer, rewardSource } = this.options;
    const { logEvery, checkpointEvery, numEnvs } = this.options;
    if (this.steps < learningStarts || this.buffer.size === 0) return undefined;
    if (!passes(trainEvery, this.steps - numEnvs, this.steps)) return undefined;
    const rate = annealedWithin('learningRate', learningRate, progress, notNegative);
    let metrics: Record<string, number> | undefined;
    const first = this.#due ?? 0;
    this.#due = undefined;
    for (let i = first; i < updates; i++) {
      const before = rewardSource && this.#learning.state();
      const batch = this.buffer.sample(batchSize, this.#learning, progress);
      if (rewardSource !== undefined && before !== undefined) {
        try {
          batch.rewards.set(sourceRewards(rewardSource, seenOf(batch), (k) => `update ${this.updates}, row ${k}`));
        } catch (error) {
          // the next call draws these rows again
          this.#learning = rngFromState(before);
          this.#due = i;
          throw error;
        }
      }
      const result = this.#learner.update(batch, rate, this.#learning, this.updates);
      if (buffer.prioritized) this.buffer.setPriorities(batch.indices, result.errors());
      this.updates++;
      // numbers are read back where they are shown, and looked at there
      const isShown =
        this.steps % logEvery < numEnvs * trainEvery ||
        progress >= 1 ||
        passes(checkpointEvery, this.steps - numEnvs, this.steps) ||
        this.evaluationDue(false);
      if (i === updates - 1 && (updates > 1 || isShown)) {
        metrics = result.metrics();
        for (const [name, value] of Object.entries(metrics))
          if (!Number.isFinite(value)) throw this.#notFinite(name, value);
      }
    }
    this.#learner.refresh();
    return metrics;
  }

  #randomActions(stored: Float32Array): void {
    const { action } = this;
    const { masks } = this.stepper;
    if (action.kind === 'continuous') {
      for (let i = 0; i < stored.length; i++) stored[i] = 2 * this.#draws.uniform() - 1;
      return;
    }
    const k = action.nvec[0] as number;
    for (let n = 0; n < stored.length; n++)
      stored[n] = randomChoice(k, this.#draws, masks?.subarray(n * k, (n + 1) * k));
  }

  /** [−1, 1] to the box; choices stay. */
  #toEnvironment(stored: Float32Array, out: Float32Array): void {
    const { action } = this;
    if (action.kind === 'discrete') {
      out.set(stored);
      return;
    }
    for (let i = 0; i < stored.length; i++) {
      const [low, high] = [action.low[i % action.size] as number, action.high[i % action.size] as number];
      out[i] = low + 0.5 * ((stored[i] as number) + 1) * (high - low);
    }
  }

  #notFinite(name: string, got: number): NumericalError {
    return new NumericalError({
      where: `${this.name}, update ${this.updates}`,
      what: `${name} is not finite`,
      got,
      fix: 'Lower the learning rate, or scale the rewards; the last checkpoint is still good',
    });
  }

  #warnOfNothing(): void {
    const { warn = console.warn, buffer, trainEvery } = this.options;
    const had = `${this.buffer.size} transitions were stored (nStep ${buffer.nStep ?? 1})`;
    warn(
      `${this.name}: nothing was learnt in ${this.steps} steps: ${had}, and learning comes each ${trainEvery} steps`,
    );
  }

  /** Refuses a number of steps that nothing would be learnt in, as `train` does. @throws ConfigError */
  override checkSteps(steps: number): void {
    checkOffPolicySteps(this.name, this.steps, steps, this.options);
  }

  protected override parameters(): Params {
    return this.#learner.trees;
  }

  protected override trees(): Readonly<Record<string, Params>> {
    return this.#learner.trees;
  }

  protected override get isWhole(): boolean {
    return this.#due === undefined;
  }

  protected override content(): RunContent {
    return { ...super.content(), copies: { buffer: bufferTree(this.buffer) } };
  }

  protected override ownState(): OwnState {
    const { written, mostPriority } = this.buffer;
    return {
      episodes: [...this.#episodes],
      draws: this.#draws.state(),
      learning: this.#learning.state(),
      metrics: this.#metrics,
      buffer: { written: [...written], mostPriority, pending: this.#pending.state() },
    };
  }

  protected override async restoreOwn(state: OwnState, saved: LoadedCheckpoint): Promise<void> {
    this.#episodes.set(state.episodes);
    this.#draws = rngFromState(state.draws);
    this.#learning = rngFromState(state.learning);
    this.#metrics = state.metrics ?? {};
    this.buffer.written.set(state.buffer.written);
    const tree = await saved.tree('buffer');
    restoreBuffer(this.buffer, tree, state.buffer.mostPriority);
    disposeTree(tree);
    this.#pending.restore(state.buffer.pending);
    this.#learner.refresh();
  }

  protected override free(): void {
    this.#learner.dispose();
    // environments last: they may throw
    try {
      super.free();
    } finally {
      this.#goals?.close();
    }
  }
}

/** Rows as a reward source sees them: copies, so that what it writes there is not learnt from. */
const seenOf = ({ rows, obs, actions, nextObs, rewards, terminated, truncated }: ReplayBatch): TransitionBatch => ({
  rows,
  obs: obs.slice(),
  actions: actions.slice(),
  nextObs: nextObs.slice(),
  rewards: rewards.slice(),
  terminated: terminated.slice(),
  truncated: truncated.slice(),
});
