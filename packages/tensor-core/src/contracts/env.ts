/**
 * Environments: Gymnasium's contract. Types only, declared here because agents (fma-pg) and environments
 * (control-envs) need not know each other. `terminated` and `truncated` are kept apart everywhere.
 * `Env` is synchronous, `VectorEnv` is not (it may step on worker threads).
 */
import type { Space } from './spaces.ts';

/** An observation: numbers in a flat array, or several by name. */
export type Obs = Float32Array | Float64Array | Uint8Array | { [key: string]: Obs };
/** An action: the number of a discrete one, or `[A]` numbers. */
export type Action = number | Float32Array;
/** What an environment tells beside the observation; no agent may depend on it. */
export type Info = { [key: string]: unknown };

/** Names of the observation's components. */
export interface ObsLayout {
  /** numbers in an observation */
  size: number;
  /** of the components, in order */
  names: readonly string[];
  /** half-open range of a named component; throws for an unknown name */
  slice(name: string): readonly [start: number, end: number];
}

/** What an environment is, told apart from any copy of it. */
export interface EnvSpec {
  /** name and version: 'Hopper-v5' */
  id: string;
  /** of a flat observation; absent where it has no named parts */
  layout?: ObsLayout;
  /** simulated seconds of a step */
  dtSeconds: number;
  /** time limit: reaching it truncates */
  maxSteps: number;
  /** of the physics model: runs on another one are not comparable */
  modelHash?: string;
  /** return of an episode at which the task counts as solved */
  rewardThreshold?: number;
}

/** What a step gives. */
export interface EnvStep {
  /** after the step */
  obs: Obs;
  /** of the step */
  reward: number;
  /** the task ended: no value follows */
  terminated: boolean;
  /** time ran out: a value would have followed */
  truncated: boolean;
  /** what else there is to tell */
  info: Info;
}

/** One environment, after Gymnasium: `terminated` (the task ended) and `truncated` (time ran out) are kept apart. */
export interface Env {
  /** What it is. */
  readonly spec: EnvSpec;
  /** The observations it can give. */
  readonly observationSpace: Space;
  /** The actions it takes. */
  readonly actionSpace: Space;
  /** Begins an episode. The seed makes it repeatable; without one the stream of the last seed goes on. */
  reset(o?: { seed?: number; options?: object }): { obs: Obs; info: Info };
  /** One step; after the end of an episode, `reset` comes first. */
  step(action: Action): EnvStep;
  /** The state of the physics: all of it ('full', default), or what integration needs. */
  getState?(kind?: 'full' | 'integration'): Float64Array;
  /** Puts back what `getState` gave. */
  setState?(state: Float64Array): void;
  /**
   * All that later steps and resets depend on: the physics, the episode's clock, the random stream. Undefined where
   * something inside cannot be saved. Without it, `getState` counts as all there is.
   */
  snapshot?(): Float64Array | undefined;
  /** Goes on from a snapshot of an equal environment, to the same numbers. */
  restore?(snapshot: Float64Array): void;
  /** rgb, `[height * width * 3]` */
  render?(o?: { width: number; height: number }): Uint8Array;
  /** Frees what it holds; safe to call twice. */
  close(): void;
  [Symbol.dispose](): void;
}

/** An environment with a goal that can be replaced afterwards (hindsight relabelling). */
export interface GoalEnv extends Env {
  /** Where it stands, in the goal's coordinates. */
  achieved(): Float32Array;
  /** The goal, in the same coordinates. */
  desired(): Float32Array;
  /** Replaces the goal of this episode. */
  setGoal(goal: Float32Array): void;
  /** Pure: hindsight relabelling calls it on stored transitions. */
  computeReward(
    achieved: Float32Array,
    desired: Float32Array,
    tolerance?: number,
  ): { reward: number; terminated: boolean };
}

/** Observations of all copies, stacked: `[numEnvs * size]` per leaf. */
export type VecObs = Obs;
/** One info per copy. */
export type VecInfo = readonly Info[];

/** When a vector environment resets a copy whose episode ended. */
export type AutoresetMode =
  /** the step after an episode's end resets and ignores its action */
  | 'next-step'
  /** the step that ends an episode also resets; the last observation is in `finalObs` */
  | 'same-step'
  /** the caller resets, with a mask */
  | 'disabled';

/** What a step of all copies gives. */
export interface VectorStep {
  /** after the step */
  obs: VecObs;
  /** `[numEnvs]` */
  reward: Float32Array;
  /** `[numEnvs]`, 0 or 1 */
  terminated: Uint8Array;
  /** `[numEnvs]`, 0 or 1 */
  truncated: Uint8Array;
  /** same-step autoreset: rows that ended hold the observation before the reset */
  finalObs?: VecObs;
  /** one per copy */
  infos: VecInfo;
}

/** Many copies of an environment, stepped together, after Gymnasium. */
export interface VectorEnv {
  /** copies */
  readonly numEnvs: number;
  /** when a copy whose episode ended is reset */
  readonly autoresetMode: AutoresetMode;
  /** of a single copy */
  readonly spec: EnvSpec;
  /** of a single copy */
  readonly observationSpace: Space;
  /** of a single copy */
  readonly actionSpace: Space;
  /** Resets all copies, or those of the mask; one seed for all (copy i takes seed + i) or one each. */
  reset(o?: {
    seed?: number | readonly (number | null)[];
    /** `[numEnvs]`, 1 = reset this copy */
    mask?: Uint8Array;
    options?: object;
  }): Promise<{ obs: VecObs; infos: VecInfo }>;
  /** Buffers of the result are reused by the next call. */
  step(actions: Float32Array | Int32Array): Promise<VectorStep>;
  /** False where the copies have no state to save; by default they have. */
  readonly hasState?: boolean;
  /** All that later steps depend on, of all copies: clocks and random streams, too. */
  getState(): Uint8Array;
  /** False where a state of an older version lacks clocks or random streams: a run then begins new episodes. */
  isWhole?(state: Uint8Array): boolean;
  /** Puts back what `getState` gave. */
  setState(state: Uint8Array): void;
  /** Frees what it holds; safe to call twice. */
  close(): void;
  [Symbol.dispose](): void;
}
