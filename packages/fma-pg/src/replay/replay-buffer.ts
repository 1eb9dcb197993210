/**
 * Transitions in typed arrays: a ring for every copy of the environment, so that the steps of an episode lie in a row.
 * The next observation is stored beside each, the true final one where an episode ended; `discount` is γⁿ, or 0 where
 * the episode terminated: a time limit keeps its bootstrap.
 */
import { ConfigError, checkCount, checkKnown, checkName, checkOption, checkShare, type Rng } from '@gimbal/tensor-core';
import { checkRng } from '../internal/given.ts';
import { checkPriorities, checkTransition, inMemory } from './checked.ts';
import { EpisodeEnds } from './episode-ends.ts';
import { SumTree } from './sum-tree.ts';

/** How much is remembered, and how rows are drawn. */
export interface ReplayOptions {
  /** transitions in all, over all copies; default 1e6 */
  capacity?: number;
  /** rewards summed over so many steps; default 1 */
  nStep?: number;
  /** draw in proportion to |TD error|^alpha (arXiv 1511.05952); β goes to 1 over the run */
  prioritized?: boolean | { alpha?: number; beta?: number };
  /** hindsight relabelling (arXiv 1707.01495), of environments with goals */
  her?: { fraction?: number; strategy?: 'future' | 'final' | 'geometric' };
}

/** Rows drawn for one update. */
export interface ReplayBatch {
  /** number of transitions */
  rows: number;
  /** `[rows·O]` */
  obs: Float32Array;
  /** `[rows·action]` */
  actions: Float32Array;
  /** sums of `nStep` discounted rewards `[rows]` */
  rewards: Float32Array;
  /** the observation after the last of them, the true final one where an episode ended `[rows·O]` */
  nextObs: Float32Array;
  /** γⁿ(1 − terminated) `[rows]` */
  discounts: Float32Array;
  /** 1 where the last of them ended its episode `[rows]` */
  terminated: Uint8Array;
  /** 1 where a time limit cut the episode after it `[rows]` */
  truncated: Uint8Array;
  /** 1 where `nextObs` allows an action, of environments with masks `[rows·choices]` */
  nextMasks?: Float32Array;
  /** importance weights, 1 without priorities `[rows]` */
  weights: Float32Array;
  /** where the rows stand in the buffer */
  indices: Int32Array;
}

/** Puts another goal into rows and says what that pays. */
export interface GoalRelabel {
  /** columns of an observation: what was achieved, and what was wanted */
  achieved: { from: number; size: number };
  desired: { from: number; size: number };
  reward(achieved: Float32Array, desired: Float32Array): { reward: number; terminated: boolean };
}

/** The transitions that an off-policy agent remembers. */
export class ReplayBuffer {
  /** rows of one copy */
  readonly perEnv: number;
  /** rows in all */
  readonly capacity: number;
  /** `[capacity·O]` */
  readonly obs: Float32Array;
  /** `[capacity·action]` */
  readonly actions: Float32Array;
  /** `[capacity]` */
  readonly rewards: Float32Array;
  /** `[capacity·O]` */
  readonly nextObs: Float32Array;
  /** γⁿ, 0 where the episode terminated `[capacity]` */
  readonly discounts: Float32Array;
  /** after the last of a row's steps: 0 the episode went on, 1 it terminated, 2 it was truncated `[capacity]` */
  readonly ends: Uint8Array;
  /** 1 where the next observation allows an action; undefined until a transition says so `[capacity·choices]` */
  nextMasks: Float32Array | undefined;
  /** number of the episode that a row belongs to, counted per copy */
  readonly episodes: Int32Array;
  /** rows written so far, per copy */
  readonly written: Float64Array;
  readonly #priorities: SumTree | undefined;
  #mostPriority = 1;
  // where there is hindsight
  #ends: EpisodeEnds | undefined;
  readonly #o: Required<Pick<ReplayOptions, 'nStep'>> & ReplayOptions;

  /**
   * An empty one.
   * @param numEnvs copies of the environment
   * @param observation numbers of an observation
   * @param action numbers of a stored action
   * @param gamma of hindsight's rewards, 0 … 1
   * @throws ConfigError naming what is out of range, and for a capacity that does not fit into memory
   */
  constructor(
    readonly numEnvs: number,
    readonly observation: number,
    readonly action: number,
    readonly gamma: number,
    options: ReplayOptions = {},
    private readonly goals?: GoalRelabel,
  ) {
    for (const [where, got] of Object.entries({ numEnvs, observation, action })) checkCount(where, got);
    checkShare('gamma', gamma);
    checkReplay(options, numEnvs, goals);
    const { capacity = 1e6, nStep = 1, prioritized } = options;
    this.#o = { ...options, nStep };
    this.perEnv = Math.floor(capacity / numEnvs);
    this.capacity = this.perEnv * numEnvs;
    const { capacity: size } = this;
    // float32 and int32, a byte; a tree has two float64 sums a row, up to twice that
    const rowBytes = 4 * (2 * observation + action + 3) + 1 + (prioritized ? 16 : 0);
    const floats = (width: number): Float32Array => new Float32Array(size * width);
    const arrays = inMemory(size, rowBytes, () => ({
      obs: floats(observation),
      actions: floats(action),
      rewards: floats(1),
      nextObs: floats(observation),
      discounts: floats(1),
      ends: new Uint8Array(size),
      episodes: new Int32Array(size),
      priorities: prioritized ? new SumTree(size) : undefined,
    }));
    this.obs = arrays.obs;
    this.actions = arrays.actions;
    this.rewards = arrays.rewards;
    this.nextObs = arrays.nextObs;
    this.discounts = arrays.discounts;
    this.ends = arrays.ends;
    this.episodes = arrays.episodes;
    this.written = new Float64Array(numEnvs);
    this.#priorities = arrays.priorities;
  }

  /** Choices that masks tell of; undefined until a transition has one. */
  get choices(): number | undefined {
    return this.nextMasks && this.nextMasks.length / this.capacity;
  }

  /** Transitions that can be drawn. */
  get size(): number {
    let total = 0;
    for (const w of this.written) total += Math.min(w, this.perEnv);
    return total;
  }

  /**
   * One transition of copy n.
   * @throws ConfigError, DataError, ShapeError or NumericalError for what is no transition of this buffer
   */
  add(
    n: number,
    t: {
      obs: Float32Array;
      action: Float32Array;
      reward: number;
      nextObs: Float32Array;
      discount: number;
      episode: number;
      /** default: where the discount is 0 */
      terminated?: boolean;
      truncated?: boolean;
      /** what `nextObs` allows, 1 an action; default all */
      nextMask?: ArrayLike<number>;
    },
  ): void {
    checkTransition(n, t, this);
    const i = n * this.perEnv + ((this.written[n] as number) % this.perEnv);
    this.obs.set(t.obs, i * this.observation);
    this.actions.set(t.action, i * this.action);
    this.rewards[i] = t.reward;
    this.nextObs.set(t.nextObs, i * this.observation);
    this.discounts[i] = t.discount;
    this.ends[i] = (t.terminated ?? t.discount === 0) ? 1 : t.truncated ? 2 : 0;
    if (t.nextMask !== undefined) this.#masksOf(t.nextMask.length).set(t.nextMask, i * t.nextMask.length);
    else if (this.nextMasks !== undefined) {
      const width = this.choices as number;
      this.nextMasks.fill(1, i * width, (i + 1) * width);
    }
    this.episodes[i] = t.episode;
    this.written[n] = (this.written[n] as number) + 1;
    this.#priorities?.set(i, Math.fround(this.#mostPriority ** this.#alpha()));
  }

  /**
   * Draws rows, with replacement.
   * @param progress share of the run that is done, for β
   * @throws ConfigError where there is nothing, or `rows` is no whole number of at least 1
   */
  sample(rows: number, r: Rng, progress = 0): ReplayBatch {
    if (this.size === 0)
      throw new ConfigError({ where: 'ReplayBuffer.sample', what: 'the buffer is empty', fix: 'Act before you learn' });
    checkCount('ReplayBuffer.sample, rows', rows);
    checkRng('ReplayBuffer.sample, rng', r);
    const indices = new Int32Array(rows);
    const weights = new Float32Array(rows).fill(1);
    if (this.#priorities === undefined) for (let k = 0; k < rows; k++) indices[k] = this.#uniformIndex(r);
    else this.#drawByPriority(this.#priorities, indices, weights, r, progress);
    const batch: ReplayBatch = {
      rows,
      obs: take(this.obs, this.observation, indices),
      actions: take(this.actions, this.action, indices),
      rewards: take(this.rewards, 1, indices),
      nextObs: take(this.nextObs, this.observation, indices),
      discounts: take(this.discounts, 1, indices),
      terminated: endedAs(1, this.ends, indices),
      truncated: endedAs(2, this.ends, indices),
      weights,
      indices,
      ...(this.nextMasks !== undefined && {
        nextMasks: take(this.nextMasks, this.choices as number, indices),
      }),
    };
    if (this.#o.her !== undefined) this.#relabel(batch, r);
    return batch;
  }

  /**
   * New priorities of rows that were drawn: |TD error|.
   * @throws ConfigError for a row without a transition, NumericalError for an error that is not finite: nothing is changed
   */
  setPriorities(indices: Int32Array, errors: ArrayLike<number>): void {
    if (this.#priorities === undefined) return;
    checkPriorities(indices, errors, (i) => this.#isWritten(i));
    for (let k = 0; k < indices.length; k++) {
      const priority = Math.abs(errors[k] as number) + 1e-6;
      this.#mostPriority = Math.max(this.#mostPriority, priority);
      // float32, as checkpoints hold it
      this.#priorities.set(indices[k] as number, Math.fround(priority ** this.#alpha()));
    }
  }

  /** The largest |TD error| so far, which new rows get. */
  get mostPriority(): number {
    return this.#mostPriority;
  }

  /** The priorities' α-th powers, all rows. */
  priorities(): Float32Array | undefined {
    const tree = this.#priorities;
    return tree && Float32Array.from({ length: this.capacity }, (_, i) => tree.get(i));
  }

  /** Takes back what `priorities` and `mostPriority` returned. */
  restorePriorities(values: Float32Array, most: number): void {
    for (const [i, v] of values.entries()) this.#priorities?.set(i, v);
    this.#mostPriority = most;
  }

  /** Takes back `nextMasks`: those of the first rows, as many as are filled. */
  restoreMasks(values: Float32Array, rows: number): void {
    this.#masksOf(values.length / rows).set(values);
  }

  #masksOf(choices: number): Float32Array {
    this.nextMasks ??= new Float32Array(this.capacity * choices).fill(1);
    return this.nextMasks;
  }

  #isWritten(i: number): boolean {
    const n = Math.floor(i / this.perEnv);
    return Number.isInteger(i) && i - n * this.perEnv < (this.written[n] ?? 0);
  }

  #alpha(): number {
    const { prioritized } = this.#o;
    return typeof prioritized === 'object' ? (prioritized.alpha ?? 0.6) : 0.6;
  }

  #uniformIndex(r: Rng): number {
    let k = r.int(this.size);
    for (let n = 0; n < this.numEnvs; n++) {
      const here = Math.min(this.written[n] as number, this.perEnv);
      if (k < here) return n * this.perEnv + k;
      k -= here;
    }
    return 0;
  }

  /** Weights (size·P)^−β, divided by the largest of the batch. */
  #drawByPriority(tree: SumTree, indices: Int32Array, weights: Float32Array, r: Rng, progress: number): void {
    const { prioritized } = this.#o;
    const first = typeof prioritized === 'object' ? (prioritized.beta ?? 0.4) : 0.4;
    const beta = first + (1 - first) * Math.min(progress, 1);
    let most = 0;
    for (let k = 0; k < indices.length; k++) {
      // one from each equal share of the mass
      const i = tree.find(((k + r.uniform()) / indices.length) * tree.total);
      indices[k] = i;
      weights[k] = (this.size * (tree.get(i) / tree.total)) ** -beta;
      most = Math.max(most, weights[k] as number);
    }
    for (let k = 0; k < weights.length; k++) weights[k] = (weights[k] as number) / most;
  }

  /** The goal becomes one that was achieved later in the same episode; the row's own next state included. */
  #relabel(batch: ReplayBatch, r: Rng): void {
    const { fraction = 0.8, strategy = 'future' } = this.#o.her ?? {};
    const { achieved, desired, reward } = this.goals as GoalRelabel;
    this.#ends ??= new EpisodeEnds(this);
    const ends = this.#ends;
    const O = this.observation;
    for (let k = 0; k < batch.rows; k++) {
      if (r.uniform() >= fraction) continue;
      const i = batch.indices[k] as number;
      const steps = ends.after(i);
      const ahead =
        strategy === 'final' ? steps : strategy === 'future' ? r.int(steps + 1) : geometric(r, steps, 1 - this.gamma);
      const j = this.#after(i, ahead);
      const goal = this.nextObs.slice(j * O + achieved.from, j * O + achieved.from + achieved.size);
      batch.obs.set(goal, k * O + desired.from);
      batch.nextObs.set(goal, k * O + desired.from);
      const reached = batch.nextObs.slice(k * O + achieved.from, k * O + achieved.from + achieved.size);
      const paid = reward(reached, goal);
      batch.rewards[k] = paid.reward;
      batch.discounts[k] = paid.terminated ? 0 : this.gamma;
      batch.terminated[k] = paid.terminated ? 1 : 0;
      if (paid.terminated) batch.truncated[k] = 0;
    }
  }

  #after(i: number, steps: number): number {
    const n = Math.floor(i / this.perEnv);
    return n * this.perEnv + ((i - n * this.perEnv + steps) % this.perEnv);
  }
}

/** @throws ConfigError naming the option, before anything is made */
export function checkReplay(options: ReplayOptions, numEnvs: number, goals: GoalRelabel | undefined): void {
  checkKnown('buffer', options, ['capacity', 'nStep', 'prioritized', 'her']);
  const { capacity = 1e6, nStep = 1, prioritized, her } = options;
  checkCount('buffer.capacity', capacity, numEnvs);
  checkCount('buffer.nStep', nStep);
  const perEnv = Math.floor(capacity / numEnvs);
  if (nStep > perEnv) {
    const wanted = `at most the steps that the buffer holds of a copy, ${perEnv}`;
    throw new ConfigError({ where: 'buffer.nStep', what: 'out of range', got: nStep, wanted });
  }
  const isObject = typeof prioritized === 'object' && prioritized !== null;
  const isSwitch = prioritized === undefined || typeof prioritized === 'boolean';
  checkOption('buffer.prioritized', prioritized, isObject || isSwitch, 'true, false or { alpha, beta }');
  if (isObject) {
    checkKnown('buffer.prioritized', prioritized, ['alpha', 'beta']);
    checkShare('buffer.prioritized.alpha', prioritized.alpha ?? 0.6);
    checkShare('buffer.prioritized.beta', prioritized.beta ?? 0.4);
  }
  if (her === undefined) return;
  checkKnown('buffer.her', her, ['fraction', 'strategy']);
  checkShare('buffer.her.fraction', her.fraction ?? 0.8);
  checkName('buffer.her.strategy', her.strategy ?? 'future', ['future', 'final', 'geometric']);
  if (goals === undefined) {
    const fix = 'Give an environment with achieved, desired and computeReward, or leave her out';
    throw new ConfigError({ where: 'buffer.her', what: 'the environment has no goals (it is no GoalEnv)', fix });
  }
  checkGoals(goals, 'buffer.her');
  if (nStep !== 1)
    throw new ConfigError({ where: 'buffer.nStep', what: 'not together with her', got: nStep, wanted: '1' });
}

/** @throws ConfigError for goals of two sizes: one is written where the other was */
export function checkGoals({ achieved, desired }: Pick<GoalRelabel, 'achieved' | 'desired'>, where: string): void {
  if (achieved.size === desired.size) return;
  throw new ConfigError({
    where,
    what: 'what is achieved and what is desired have two sizes',
    got: `${achieved.size} and ${desired.size} numbers`,
    wanted: 'goals in the same coordinates',
  });
}

/** 0, 1, …, most with probability falling by 1 − p. */
function geometric(r: Rng, most: number, p: number): number {
  let k = 0;
  while (k < most && r.uniform() >= p) k++;
  return k;
}

function take(from: Float32Array, width: number, indices: Int32Array): Float32Array {
  const out = new Float32Array(indices.length * width);
  for (let k = 0; k < indices.length; k++) {
    const at = (indices[k] as number) * width;
    for (let j = 0; j < width; j++) out[k * width + j] = from[at + j] as number;
  }
  return out;
}

/** 1 for the rows that ended in this way. A loop: `Uint8Array.from` with a function goes by the iterator, ten times slower. */
function endedAs(how: 1 | 2, ends: Uint8Array, indices: Int32Array): Uint8Array {
  const out = new Uint8Array(indices.length);
  for (let k = 0; k < indices.length; k++) if (ends[indices[k] as number] === how) out[k] = 1;
  return out;
}
