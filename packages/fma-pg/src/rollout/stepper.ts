/**
 * Steps a vector environment for an agent: observations read and normalised, rewards checked and scaled, episodes
 * counted, masks found, and what ended kept apart from what the reset began. Its state is plain data.
 */
import {
  ConfigError,
  givenActionMask,
  NumericalError,
  type Rng,
  type VecInfo,
  type VectorEnv,
  type VectorStep,
} from '@gimbal/tensor-core';
import type { ActionSpec } from '../spaces/action-spec.ts';
import { type ObservationSpec, readObservations } from '../spaces/observation-spec.ts';
import { checkVectorObs, checkVectorStep, threw, vectorFlag } from './env-faults.ts';
import { LocalVectorEnv } from './local-vector-env.ts';
import { readMask } from './masks.ts';
import { type MomentsState, ReturnScaler, type ReturnScalerState, RunningMoments, standardizeRows } from './moments.ts';

/** of a reward: its square, which losses have, is beyond float32 */
const tooLarge = 1e19;

export interface StepperOptions {
  normalizeObs: boolean;
  normalizeReward: boolean;
  /** `rewards` are those of the environment: others are learnt from, and scaled by `scaleRewards` when they are there */
  scalesLater?: boolean;
  gamma: number;
  /** normalisation statistics move; false in evaluation */
  training: boolean;
}

export interface Episode {
  return: number;
  length: number;
  truncated: boolean;
}

export interface StepperState {
  obs: number[];
  masks: number[] | null;
  needsReset: number[];
  starts: number[];
  episodeReturns: number[];
  episodeLengths: number[];
  steps: number;
  moments: MomentsState | null;
  scaler: ReturnScalerState | null;
}

export class Stepper {
  /** normalised, `[N·O]`: what the policy is to act on */
  readonly obs: Float32Array;
  /** of the last step: where an episode ended, its final observation, normalised `[N·O]` */
  readonly finalObs: Float32Array;
  /** of the last step `[N]` */
  readonly rewards: Float32Array;
  readonly rawRewards: Float32Array;
  readonly terminated: Uint8Array;
  readonly truncated: Uint8Array;
  /** of the last step: 0 where the environment only reset (next-step autoreset) */
  readonly valid: Uint8Array;
  /** 1 where `obs` begins an episode `[N]` */
  readonly starts: Uint8Array;
  /** `[N·width]`, 1 = allowed; undefined while no info brought a mask */
  masks: Uint8Array | undefined;
  /** of the last step: where an episode ended and the copy was reset in it, what the final observation allowed */
  #finalMasks: Uint8Array | undefined;
  readonly moments: RunningMoments | undefined;
  /** vector steps done */
  steps = 0;
  /** |reward|, in messages */
  #largest = 0;
  #finished: Episode[] = [];
  readonly #raw: Float32Array;
  readonly #scaler: ReturnScaler | undefined;
  readonly #returns: Float64Array;
  readonly #lengths: Float64Array;
  readonly #needsReset: Uint8Array;
  readonly #isImage: { skip: (j: number) => boolean };
  // made once: steps are many
  readonly #where = (): string => `${this.env.spec.id}, step ${this.steps}`;
  readonly #ended = (n: number): boolean => this.terminated[n] === 1 || this.truncated[n] === 1;
  readonly #counts = (n: number): boolean => this.valid[n] === 1;
  // a last observation that is not reset yet: what is done there is ignored
  readonly #isLast = (n: number): boolean => this.env.autoresetMode !== 'same-step' && this.#ended(n);
  readonly #isActedOn = (n: number): boolean => !this.#isLast(n);
  readonly #maskWidth: number;
  readonly #actions: Float32Array | Int32Array;

  constructor(
    readonly env: VectorEnv,
    readonly observation: ObservationSpec,
    readonly action: ActionSpec,
    private readonly o: StepperOptions,
    /** statistics to read but not move, in evaluation */
    shared?: RunningMoments,
  ) {
    const { numEnvs } = env;
    const floats = (): Float32Array => new Float32Array(numEnvs * observation.size);
    this.obs = floats();
    this.finalObs = floats();
    this.#raw = floats();
    this.rewards = new Float32Array(numEnvs);
    this.rawRewards = new Float32Array(numEnvs);
    this.terminated = new Uint8Array(numEnvs);
    this.truncated = new Uint8Array(numEnvs);
    this.valid = new Uint8Array(numEnvs).fill(1);
    this.starts = new Uint8Array(numEnvs).fill(1);
    this.#returns = new Float64Array(numEnvs);
    this.#lengths = new Float64Array(numEnvs);
    this.#needsReset = new Uint8Array(numEnvs);
    this.moments = shared ?? (o.normalizeObs ? new RunningMoments(observation.size) : undefined);
    this.#scaler = o.normalizeReward ? new ReturnScaler(numEnvs, o.gamma) : undefined;
    const images = observation.parts.filter((part) => part.image !== undefined);
    this.#isImage = { skip: (j) => images.some(({ offset, size }) => j >= offset && j < offset + size) };
    this.#maskWidth = action.kind === 'discrete' ? action.nvec.reduce((n, k) => n + k, 0) : 0;
    this.#actions =
      action.kind === 'discrete'
        ? new Int32Array(numEnvs * action.nvec.length)
        : new Float32Array(numEnvs * action.size);
  }

  /** Resets every copy with a seed of its own. */
  async reset(stream: Rng): Promise<void> {
    const seed = Array.from({ length: this.env.numEnvs }, (_, i) => stream.split(i).int(2 ** 31));
    const where = (): string => `${this.env.spec.id}, reset`;
    let first: Awaited<ReturnType<VectorEnv['reset']>>;
    try {
      first = await this.env.reset({ seed });
    } catch (error) {
      throw threw(error, where());
    }
    checkVectorObs(first, where);
    readObservations(this.observation, first.obs, this.env.numEnvs, this.#raw, where);
    this.terminated.fill(0);
    this.truncated.fill(0);
    this.#take(first.infos, where);
    this.#returns.fill(0);
    this.#lengths.fill(0);
    this.#needsReset.fill(0);
    this.starts.fill(1);
    this.#scaler?.reset();
  }

  /**
   * One step of every copy.
   * @param actions `[N·action]`, as the policy sampled them; a box gets them clipped, the array stays as it is
   */
  async step(actions: Float32Array): Promise<void> {
    const { env, observation } = this;
    this.#writeActions(actions);
    let result: VectorStep;
    try {
      result = await env.step(this.#actions);
    } catch (error) {
      throw threw(error, this.#where());
    }
    checkVectorStep(result, env.numEnvs, this.#where);
    for (let n = 0; n < env.numEnvs; n++) {
      const reward = result.reward[n] as number;
      if (!Number.isFinite(reward)) {
        throw new NumericalError({
          where: `${this.#where()}, env ${n}`,
          what: 'the reward is not finite',
          got: reward,
          wanted: 'a finite number',
        });
      }
      this.valid[n] = this.#needsReset[n] === 1 ? 0 : 1;
      this.rawRewards[n] = reward;
      this.#largest = Math.max(this.#largest, Math.abs(reward));
      const terminated = vectorFlag(result.terminated[n], 'terminated', n, this.#where);
      const truncated = vectorFlag(result.truncated[n], 'truncated', n, this.#where);
      this.terminated[n] = terminated;
      // where both are set, the end is one
      this.truncated[n] = terminated === 1 ? 0 : truncated;
      const ended = this.terminated[n] === 1 || this.truncated[n] === 1;
      this.starts[n] = env.autoresetMode === 'next-step' ? (this.#needsReset[n] as number) : ended ? 1 : 0;
      this.#needsReset[n] = ended && env.autoresetMode === 'next-step' ? 1 : 0;
      this.#count(n, reward, ended);
    }
    if (this.anyEnded()) {
      const final = env.autoresetMode === 'same-step' ? result.finalObs : result.obs;
      if (final === undefined || final === null) throw this.#noFinal();
      // rows that did not end hold whatever they held: only those that did are read
      readObservations(observation, final, env.numEnvs, this.#raw, this.#where, this.#ended);
      this.finalObs.set(this.#raw);
    }
    readObservations(observation, result.obs, env.numEnvs, this.#raw, this.#where);
    if (this.#scaler === undefined || this.o.scalesLater) this.rewards.set(this.rawRewards);
    else this.#scaler.scale(this.rawRewards, this.#ended, this.rewards, this.#counts);
    this.#take(result.infos, this.#where);
    this.steps++;
    if (this.moments !== undefined && this.anyEnded()) this.#normalize(this.finalObs);
  }

  /**
   * Scales rewards of steps that were done, in place, where rewards are normalised.
   * @param rewards of T steps of every copy `[T·N]`
   * @param ended whether an episode ended in an entry
   * @param counts whether an entry is of a step that did not only reset
   */
  scaleRewards(rewards: Float32Array, ended: (entry: number) => boolean, counts: (entry: number) => boolean): void {
    const { numEnvs } = this.env;
    if (this.#scaler === undefined) return;
    for (let from = 0; from < rewards.length; from += numEnvs) {
      const step = rewards.subarray(from, from + numEnvs);
      const isCounted = (n: number): boolean => counts(from + n);
      this.#scaler.scale(step, (n) => ended(from + n), step, isCounted);
    }
  }

  /** Episodes that ended since the last call. */
  takeFinished(): Episode[] {
    const finished = this.#finished;
    this.#finished = [];
    return finished;
  }

  /** A copy of an observation, normalised as it is now: for acting outside of a rollout. */
  normalize(rows: Float32Array): Float32Array {
    const out = rows.slice();
    this.#normalize(out);
    return out;
  }

  /** Steps that the episode of each copy has done, `[N]`; the stepper's own. */
  get lengths(): Float64Array {
    return this.#lengths;
  }

  /** Actions of copy n that the observation after the last step allows; all where that is not said of a final one. */
  maskAfter(n: number): Uint8Array | undefined {
    const wasReset = this.env.autoresetMode === 'same-step' && this.#ended(n);
    return (wasReset ? this.#finalMasks : this.masks)?.slice(n * this.#maskWidth, (n + 1) * this.#maskWidth);
  }

  state(): StepperState {
    return {
      obs: [...this.obs],
      masks: this.masks === undefined ? null : [...this.masks],
      needsReset: [...this.#needsReset],
      starts: [...this.starts],
      episodeReturns: [...this.#returns],
      episodeLengths: [...this.#lengths],
      steps: this.steps,
      moments: this.moments?.state() ?? null,
      scaler: this.#scaler?.state() ?? null,
    };
  }

  restore(s: StepperState): void {
    this.obs.set(s.obs);
    this.masks = s.masks === null ? undefined : Uint8Array.from(s.masks);
    this.#needsReset.set(s.needsReset);
    this.starts.set(s.starts);
    this.#returns.set(s.episodeReturns);
    this.#lengths.set(s.episodeLengths);
    this.steps = s.steps;
    if (this.env instanceof LocalVectorEnv) this.env.steps = s.steps;
    if (s.moments !== null) this.moments?.restore(s.moments);
    if (s.scaler !== null) this.#scaler?.restore(s.scaler);
  }

  /** Whether an episode ended in the last step. */
  anyEnded(): boolean {
    for (let n = 0; n < this.terminated.length; n++)
      if (this.terminated[n] === 1 || this.truncated[n] === 1) return true;
    return false;
  }

  #count(n: number, reward: number, ended: boolean): void {
    if (this.valid[n] === 0) return;
    this.#returns[n] = (this.#returns[n] as number) + reward;
    this.#lengths[n] = (this.#lengths[n] as number) + 1;
    if (!ended) return;
    this.#finished.push({
      return: this.#returns[n] as number,
      length: this.#lengths[n] as number,
      truncated: this.truncated[n] === 1,
    });
    this.#returns[n] = 0;
    this.#lengths[n] = 0;
  }

  /** New observations: statistics first, then normalised; and the masks that came with them. */
  #take(infos: VecInfo | undefined, at: () => string): void {
    this.obs.set(this.#raw);
    if (this.moments !== undefined && this.o.training) this.moments.update(this.#raw, this.#isActedOn);
    this.#normalize(this.obs);
    if (this.action.kind !== 'discrete') {
      this.#refuseMasks(infos, at);
      return;
    }
    if (infos?.length !== this.env.numEnvs) {
      const wanted = `one for each of ${this.env.numEnvs} copies`;
      throw new ConfigError({ where: at(), what: 'the infos do not fit', got: infos?.length ?? 'nothing', wanted });
    }
    const { nvec } = this.action;
    const width = this.#maskWidth;
    const all = (): Uint8Array => new Uint8Array(infos.length * width).fill(1);
    for (let n = 0; n < infos.length; n++) {
      const info = infos[n] as { actionMask?: unknown; finalInfo?: { actionMask?: unknown } | null } | undefined;
      if (typeof info !== 'object' || info === null) {
        const fix = 'Give {} where there is nothing to say';
        throw new ConfigError({ where: `${at()}, env ${n}`, what: 'there is no info', got: String(info), fix });
      }
      const where = (): string => `${at()}, env ${n}, info.actionMask`;
      const ofFinal = (): string => `${at()}, env ${n}, info.finalInfo.actionMask`;
      const actionMask = givenActionMask(info, where);
      const final = givenActionMask(info.finalInfo ?? {}, ofFinal);
      if (actionMask !== undefined || final !== undefined) this.masks ??= all();
      if (this.masks === undefined) continue;
      const row = n * width;
      if (actionMask === undefined) this.masks.fill(1, row, row + width);
      else readMask(actionMask, nvec, this.masks, row, where, this.#isLast(n));
      this.#finalMasks ??= all();
      if (final === undefined) this.#finalMasks.fill(1, row, row + width);
      else readMask(final, nvec, this.#finalMasks, row, ofFinal, true);
    }
  }

  /** @throws ConfigError for a mask of actions that have no choices */
  #refuseMasks(infos: VecInfo | undefined, at: () => string): void {
    for (let n = 0; n < (infos?.length ?? 0); n++) {
      const where = (): string => `${at()}, env ${n}, info.actionMask`;
      const mask = givenActionMask(infos?.[n] ?? {}, where);
      if (mask !== undefined) readMask(mask, undefined, new Uint8Array(), 0, where);
    }
  }

  #normalize(rows: Float32Array): void {
    if (this.moments !== undefined) standardizeRows(this.moments, rows, this.#isImage);
  }

  #writeActions(actions: Float32Array): void {
    const { action } = this;
    for (let i = 0; i < actions.length; i++) {
      const value = actions[i] as number;
      if (!Number.isFinite(value)) throw this.#badAction(i, value);
      if (action.kind === 'discrete') this.#actions[i] = value + (action.single ? action.start : 0);
      else {
        const j = i % action.size;
        this.#actions[i] = Math.min(Math.max(value, action.low[j] as number), action.high[j] as number);
      }
    }
  }

  #noFinal(): ConfigError {
    return new ConfigError({
      where: `${this.#where()}, env ${this.starts.indexOf(1)}`,
      what: 'its episode ended, and there is no finalObs',
      wanted: 'with same-step autoreset, the observation before the reset',
      fix: "Give finalObs, or autoresetMode: 'next-step' where the step after the end resets",
    });
  }

  #badAction(i: number, got: number): NumericalError {
    const fix =
      this.#largest > tooLarge
        ? `The policy learnt from rewards of up to ${this.#largest.toExponential(0)}, which are too large: scale them`
        : 'The policy has diverged: lower the learning rate, or scale the rewards';
    return new NumericalError({ where: this.#where(), what: `action ${i} is not finite`, got, fix });
  }
}
