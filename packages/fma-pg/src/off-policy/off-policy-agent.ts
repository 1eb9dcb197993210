/**
 * One off-policy loop: act, store, and after every so many steps learn from rows of the buffer. The algorithm is a
 * learner (sac.ts, td3.ts, dqn.ts); the loop owns environments, buffer, exploration and files.
 */
import {
  assignTree,
  CheckpointError,
  ConfigError,
  disposeTree,
  type Env,
  firstDifference,
  type GoalEnv,
  NumericalError,
  type Params,
  type Rng,
  type RngState,
  rng,
  rngFromState,
  type Trainer,
  type TrainRequest,
  type VectorEnv,
} from '@gimbal/tensor-core';
import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import {
  type AgentContent,
  type AgentFiles,
  fromBase64,
  openAgentFiles,
  readAgent,
  writeAgent,
} from '../agents/agent-files.ts';
import { environments, envState, episodeMetrics } from '../agents/on-policy-agent.ts';
import { savedOptions } from '../agents/on-policy-options.ts';
import { evaluate, type Playable } from '../evaluation/evaluate.ts';
import { annealed } from '../internal/anneal.ts';
import { type GoalRelabel, NStep, ReplayBuffer } from '../replay/replay-buffer.ts';
import type { RunningMoments } from '../rollout/moments.ts';
import { Stepper, type StepperState } from '../rollout/stepper.ts';
import { type ActionSpec, actionSpec, requireActions, requireBounds } from '../spaces/action-spec.ts';
import { type ObservationSpec, observationSpec } from '../spaces/observation-spec.ts';
import { Dqn, randomChoice } from './dqn.ts';
import type { OffPolicyLearner } from './learner.ts';
import { type OffPolicyOptions, type ResolvedOffPolicy, resolveOffPolicy } from './off-policy-options.ts';
import { Sac } from './sac.ts';
import { Td3 } from './td3.ts';

/** What happened since the last one; every field but `step` is a metric. */
export interface OffPolicyStep {
  /** environment steps so far, over all copies */
  readonly step: number;
  /** mean return of the episodes that ended; NaN without any */
  readonly episodeReturn: number;
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

interface AgentState {
  steps: number;
  updates: number;
  episodes: number[];
  draws: RngState;
  learning: RngState;
  stepper: StepperState;
  env: string | null;
  buffer: { written: number[]; mostPriority: number; pending: unknown };
  lastEvaluation: number;
  best: number | null;
  spaces: { observation: ObservationSpec; action: ActionSpec };
}

/** Acts and learns from all it remembers: SAC, TD3 and DQN. Dispose it after use. */
export class OffPolicyAgent implements Trainer<OffPolicyStep>, Playable {
  /** Every option, defaults filled in. */
  readonly options: ResolvedOffPolicy;
  /** What it observes, as one row of numbers. */
  readonly observation: ObservationSpec;
  /** How its actions are drawn. */
  readonly action: ActionSpec;
  /** What it remembers. */
  readonly buffer: ReplayBuffer;
  readonly moments: RunningMoments | undefined = undefined;
  readonly #env: VectorEnv;
  readonly #learner: OffPolicyLearner;
  readonly #stepper: Stepper;
  readonly #pending: NStep;
  readonly #stream: Rng;
  readonly #episodes: Int32Array;
  #draws: Rng;
  #learning: Rng;
  #steps = 0;
  #updates = 0;
  #begun = false;
  #resumed = false;
  #training = false;
  #disposed = false;
  #lastEvaluation = 0;
  #best: number | null = null;

  private constructor(env: VectorEnv, options: ResolvedOffPolicy, goals: GoalRelabel | undefined) {
    this.options = options;
    this.#env = env;
    this.observation = observationSpec(env.observationSpace);
    this.action = actionSpec(env.actionSpace);
    this.#stream = rng(options.seed);
    this.#draws = this.#stream.split('sampling');
    this.#learning = this.#stream.split('learning');
    this.#learner = learnerOf(options, this.observation, this.action, this.#stream.split('init'));
    const { gamma, buffer, numEnvs } = options;
    this.buffer = new ReplayBuffer(numEnvs, this.observation.size, this.#learner.actionSize, gamma, buffer, goals);
    this.#pending = new NStep(this.buffer, buffer.nStep ?? 1, gamma);
    this.#episodes = new Int32Array(numEnvs);
    this.#stepper = new Stepper(env, this.observation, this.action, {
      normalizeObs: false,
      normalizeReward: false,
      gamma,
      training: true,
    });
  }

  /**
   * Makes an agent and its environments.
   * @throws ConfigError for options or spaces that do not go together
   * @example const agent = await OffPolicyAgent.create({ ...sac(), env: () => makeEnv('Pendulum-v1'), seed: 1 });
   */
  static async create(options: OffPolicyOptions): Promise<OffPolicyAgent> {
    const o = resolveOffPolicy(options);
    const goals = o.buffer.her === undefined ? undefined : await goalsOf(o);
    return new OffPolicyAgent(await environments(o), o, goals);
  }

  /**
   * Continues a saved run, buffer included: what follows is what would have followed, to the bit, where the
   * environments can save their state.
   * @throws CheckpointError naming what differs
   */
  static async resume(
    from: string,
    given: Pick<OffPolicyOptions, 'env'> & Partial<OffPolicyOptions>,
    o: { which?: 'latest' | 'best' } = {},
  ): Promise<OffPolicyAgent> {
    const saved = await readAgent(from, o.which);
    const config = saved.config as Record<string, unknown>;
    const agent = await OffPolicyAgent.create({ ...config, ...given } as OffPolicyOptions);
    try {
      agent.#restore(saved.path, config, saved.state as AgentState);
      for (const [name, target] of Object.entries(agent.#learner.trees)) {
        const tree = await saved.tree(name);
        try {
          assignTree(target, tree, `${saved.path}, ${name}`);
        } finally {
          disposeTree(tree);
        }
      }
      agent.#restoreBuffer(await saved.tree('buffer'));
      agent.#learner.refresh();
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
    const stored = new Float32Array(rows * this.#learner.actionSize);
    this.#learner.act(obs, rows, stored, draws, 0, masks);
    this.#toEnvironment(stored, out);
  }

  /** Trains until `steps` environment steps are done in all; yields every `logEvery`. The signal stops it at a step. */
  async *train({ steps, signal }: TrainRequest): AsyncGenerator<OffPolicyStep, { aborted: boolean }, undefined> {
    this.#check(steps);
    const { numEnvs, logEvery, checkpointEvery, out } = this.options;
    const files: AgentFiles | undefined =
      out === undefined ? undefined : await openAgentFiles(out, this.#resumed || this.#begun ? this.#steps : undefined);
    this.#training = true;
    let [aborted, saved] = [false, -1];
    let [started, since] = [performance.now(), this.#steps];
    try {
      if (!this.#begun) await this.#stepper.reset(this.#stream.split('env'));
      this.#begun = true;
      let metrics: Record<string, number> = {};
      while (this.#steps < steps) {
        if (signal?.aborted) {
          aborted = true;
          break;
        }
        await this.#act(this.#steps / steps);
        // by environment steps: where learning comes in bouts, the target stands still during each
        if (isDueAt(this.options.targetEvery, this.#steps, numEnvs)) this.#learner.copyTarget?.();
        metrics = this.#learn(this.#steps / steps) ?? metrics;
        const isDue = (every: number | undefined): boolean =>
          every !== undefined && Math.floor(this.#steps / every) > Math.floor((this.#steps - numEnvs) / every);
        const last = this.#steps >= steps;
        if (!last && !isDue(logEvery) && !isDue(checkpointEvery)) continue;
        const row: Record<string, number> = {
          ...episodeMetrics(this.#stepper.takeFinished()),
          ...metrics,
          updates: this.#updates,
          learningRate: annealed(this.options.learningRate, this.#steps / steps),
          stepsPerSecond: (1000 * (this.#steps - since)) / (performance.now() - started),
        };
        const isBest = await this.#evaluateIfDue(row, last);
        await files?.log(this.#steps, row);
        if (files !== undefined && (isBest || isDue(checkpointEvery))) {
          await files.checkpoint(this.#content());
          saved = this.#steps;
        }
        yield { step: this.#steps, ...row } as OffPolicyStep;
        [started, since] = [performance.now(), this.#steps];
      }
      if (files !== undefined && saved !== this.#steps) await files.checkpoint(this.#content());
      return { aborted };
    } finally {
      this.#training = false;
      await files?.close();
    }
  }

  /** Drains `train`; returns the last step. */
  async run(request: TrainRequest): Promise<OffPolicyStep | undefined> {
    let last: OffPolicyStep | undefined;
    for await (const step of this.train(request)) last = step;
    return last;
  }

  /** Writes all that is needed to go on, at exactly this path. */
  async save(dir: string): Promise<void> {
    await writeAgent(dir, this.#content());
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#learner.dispose();
    if (typeof this.options.env === 'function') this.#env.close();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** One step of every copy, stored. */
  async #act(progress: number): Promise<void> {
    const { options: o, observation, action } = this;
    const stepper = this.#stepper;
    const [N, O, K] = [o.numEnvs, observation.size, this.#learner.actionSize];
    const stored = new Float32Array(N * K);
    if (this.#steps < o.learningStarts) this.#randomActions(stored);
    else {
      const explore = annealed(o.exploration, o.explorationFraction === 0 ? 1 : progress / o.explorationFraction);
      this.#learner.act(stepper.obs, N, stored, this.#draws, explore, stepper.masks);
    }
    const before = stepper.obs.slice();
    const actions = new Float32Array(N * (action.kind === 'discrete' ? action.nvec.length : action.size));
    this.#toEnvironment(stored, actions);
    await stepper.step(actions);
    this.#steps += N;
    for (let n = 0; n < N; n++) {
      const [terminated, truncated] = [stepper.terminated[n] === 1, stepper.truncated[n] === 1];
      if (stepper.valid[n] === 1) {
        const after = terminated || truncated ? stepper.finalObs : stepper.obs;
        this.#pending.add(n, {
          obs: before.slice(n * O, (n + 1) * O),
          action: stored.slice(n * K, (n + 1) * K),
          reward: stepper.rewards[n] as number,
          nextObs: after.slice(n * O, (n + 1) * O),
          terminated,
          truncated,
          episode: this.#episodes[n] as number,
        });
      }
      if (terminated || truncated) this.#episodes[n] = (this.#episodes[n] as number) + 1;
    }
  }

  #learn(progress: number): Record<string, number> | undefined {
    const { learningStarts, trainEvery, updates, batchSize, learningRate, buffer, rewardSource, logEvery, numEnvs } =
      this.options;
    if (this.#steps < learningStarts || this.buffer.size === 0) return undefined;
    if (Math.floor(this.#steps / trainEvery) === Math.floor((this.#steps - numEnvs) / trainEvery)) return undefined;
    const rate = annealed(learningRate, progress);
    let metrics: Record<string, number> | undefined;
    for (let i = 0; i < updates; i++) {
      const batch = this.buffer.sample(batchSize, this.#learning, progress);
      if (rewardSource !== undefined) {
        const ended = batch.discounts.map((d) => (d === 0 ? 1 : 0));
        const terminated = Uint8Array.from(ended);
        batch.rewards.set(rewardSource.reward({ ...batch, terminated, truncated: new Uint8Array(batch.rows) }));
      }
      const result = this.#learner.update(batch, rate, this.#learning, this.#updates);
      if (buffer.prioritized) this.buffer.setPriorities(batch.indices, result.errors());
      this.#updates++;
      // numbers are read back where they are shown, and looked at there
      if (i === updates - 1 && (updates > 1 || this.#steps % logEvery < numEnvs * trainEvery)) {
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
    const { masks } = this.#stepper;
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

  async #evaluateIfDue(row: Record<string, number>, last: boolean): Promise<boolean> {
    const { evalEvery, evalEpisodes, seed } = this.options;
    if (evalEvery === undefined || (this.#steps - this.#lastEvaluation < evalEvery && !last)) return false;
    this.#lastEvaluation = this.#steps;
    const { mean, ci95 } = await evaluate(this, { episodes: evalEpisodes, seed });
    row.evalReturn = mean;
    [row.evalReturnLow, row.evalReturnHigh] = ci95;
    const isBest = this.#best === null || mean > this.#best;
    if (isBest) this.#best = mean;
    return isBest;
  }

  #check(steps: number): void {
    const where = `${this.options.algorithm}, train`;
    if (!Number.isSafeInteger(steps) || steps < 0)
      throw new ConfigError({ where, what: 'steps', got: steps, wanted: 'a whole number ≥ 0' });
    if (this.#disposed) throw new ConfigError({ where, what: 'the agent was disposed' });
    if (this.#training) throw new ConfigError({ where, what: 'it trains already', fix: 'End the other loop first' });
  }

  #notFinite(name: string, got: number): NumericalError {
    return new NumericalError({
      where: `${this.options.algorithm}, update ${this.#updates}`,
      what: `${name} is not finite`,
      got,
      fix: 'Lower the learning rate, or scale the rewards; the last checkpoint is still good',
    });
  }

  #content(): AgentContent {
    const state: AgentState = {
      steps: this.#steps,
      updates: this.#updates,
      episodes: [...this.#episodes],
      draws: this.#draws.state(),
      learning: this.#learning.state(),
      stepper: this.#stepper.state(),
      env: this.#begun ? envState(this.#env) : null,
      buffer: {
        written: [...this.buffer.written],
        mostPriority: this.buffer.mostPriority,
        pending: this.#pending.state(),
      },
      lastEvaluation: this.#lastEvaluation,
      best: this.#best,
      spaces: { observation: this.observation, action: this.action },
    };
    const evaluated = this.#lastEvaluation === this.#steps && this.#best !== null;
    return {
      step: this.#steps,
      ...(evaluated && { loss: -(this.#best as number) }),
      trees: { ...this.#learner.trees, buffer: this.#bufferTree() },
      state,
      config: savedOptions(this.options),
    };
  }

  #bufferArrays(): Record<string, Float32Array | Int32Array> {
    const { obs, actions, rewards, nextObs, discounts, episodes } = this.buffer;
    const priorities = this.buffer.priorities();
    return { obs, actions, rewards, nextObs, discounts, episodes, ...(priorities && { priorities }) };
  }

  /** The rows that are filled, as tensors; they belong to nobody but the collector of garbage after the save. */
  #bufferTree(): Params {
    const { perEnv, numEnvs, written, capacity } = this.buffer;
    const full = numEnvs > 1 || (written[0] as number) >= perEnv;
    const rows = full ? capacity : Math.max(1, written[0] as number);
    const tree: Record<string, Tensor> = {};
    for (const [name, array] of Object.entries(this.#bufferArrays())) {
      const part = array.subarray(0, (array.length / capacity) * rows);
      tree[name] = tensor(part, [part.length], name === 'episodes' ? 'int32' : 'float32');
    }
    return tree;
  }

  #restoreBuffer(tree: Params): void {
    const arrays = this.#bufferArrays();
    for (const [name, t] of Object.entries(tree)) {
      const values = (t as Tensor).dataSync<'float32'>();
      if (name === 'priorities') this.buffer.restorePriorities(values, this.buffer.mostPriority);
      else arrays[name]?.set(values);
    }
    disposeTree(tree);
  }

  #restore(where: string, config: Record<string, unknown>, state: AgentState): void {
    const plain = (x: unknown): never => JSON.parse(JSON.stringify(x)) as never;
    const mine = plain({
      ...savedOptions(this.options),
      spaces: { observation: this.observation, action: this.action },
    });
    const difference = firstDifference(plain({ ...config, spaces: state.spaces }), mine);
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
    this.#episodes.set(state.episodes);
    this.#draws = rngFromState(state.draws);
    this.#learning = rngFromState(state.learning);
    this.#stepper.restore(state.stepper);
    this.buffer.written.set(state.buffer.written);
    this.buffer.restorePriorities(new Float32Array(0), state.buffer.mostPriority);
    this.#pending.restore(state.buffer.pending);
    this.#lastEvaluation = state.lastEvaluation;
    this.#best = state.best;
    this.#resumed = true;
    if (state.env === null) return;
    this.#env.setState(fromBase64(state.env));
    this.#begun = true;
  }
}

function learnerOf(
  o: ResolvedOffPolicy,
  observation: ObservationSpec,
  action: ActionSpec,
  init: Rng,
): OffPolicyLearner {
  const { algorithm, hidden, tau, gamma } = o;
  if (algorithm === 'dqn') {
    const { nvec } = requireActions(algorithm, action, 'discrete');
    if (nvec.length !== 1)
      throw new ConfigError({
        where: 'dqn, action space',
        what: 'dqn chooses one number',
        got: `${nvec.length} numbers`,
        fix: 'Use ppo',
      });
    return new Dqn(
      { observation, choices: nvec[0] as number, hidden, double: o.double, maxGradNorm: o.maxGradNorm },
      init,
    );
  }
  const box = requireActions(algorithm, action, 'continuous');
  requireBounds(algorithm, box);
  if (observation.parts.some((part) => part.image !== undefined))
    throw new ConfigError({
      where: `${algorithm}, observation space`,
      what: `${algorithm} reads no images`,
      fix: 'Use ppo or dqn, or encode the images first',
    });
  const sizes = { observation: observation.size, action: box.size, hidden };
  if (algorithm === 'sac') {
    const { alpha, learnAlpha, targetEntropy = -box.size } = o;
    return new Sac({ ...sizes, gamma, tau, alpha, learnAlpha, targetEntropy }, init);
  }
  const { explorationNoise, targetNoise, targetNoiseClip, policyDelay } = o;
  return new Td3({ ...sizes, tau, explorationNoise, targetNoise, targetNoiseClip, policyDelay }, init);
}

/** Whether a multiple of `every` lies in the last vector step. */
const isDueAt = (every: number, steps: number, numEnvs: number): boolean =>
  Math.floor(steps / every) > Math.floor((steps - numEnvs) / every);

/** Where goals stand in an observation, and what they pay: of an environment of its own. */
async function goalsOf(o: ResolvedOffPolicy): Promise<GoalRelabel | undefined> {
  if (typeof o.env !== 'function') return undefined;
  const env = (await o.env()) as GoalEnv;
  if (typeof env.computeReward !== 'function') return undefined;
  const find = (names: readonly string[]): { from: number; size: number } => {
    const part = observationSpec(env.observationSpace).parts.find(({ path }) => names.includes(path));
    if (part !== undefined) return { from: part.offset, size: part.size };
    const fix = 'Give a dictionary observation with achieved_goal and desired_goal';
    throw new ConfigError({ where: 'buffer.her', what: `the observation has no ${names[0]}`, fix });
  };
  return {
    achieved: find(['achieved_goal', 'achieved']),
    desired: find(['desired_goal', 'desired']),
    reward: (achieved, desired) => env.computeReward(achieved, desired),
  };
}
