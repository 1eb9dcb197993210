/**
 * Environments: Gymnasium's contract. Types only, declared here because agents (fma-pg) and environments
 * (control-envs) need not know each other. `terminated` and `truncated` are kept apart everywhere.
 * `Env` is synchronous, `VectorEnv` is not (it may step on worker threads).
 */
import type { Space } from './spaces.ts';

export type Obs = Float32Array | Float64Array | Uint8Array | { [key: string]: Obs };
export type Action = number | Float32Array;
export type Info = { [key: string]: unknown };

/** Names of the observation's components. */
export interface ObsLayout {
  size: number;
  names: readonly string[];
  /** half-open range of a named component; throws for an unknown name */
  slice(name: string): readonly [start: number, end: number];
}

export interface EnvSpec {
  id: string;
  layout?: ObsLayout;
  dtSeconds: number;
  /** time limit: reaching it truncates */
  maxSteps: number;
  modelHash?: string;
  rewardThreshold?: number;
}

export interface EnvStep {
  obs: Obs;
  reward: number;
  terminated: boolean;
  truncated: boolean;
  info: Info;
}

/** One environment, after Gymnasium: `terminated` (the task ended) and `truncated` (time ran out) are kept apart. */
export interface Env {
  readonly spec: EnvSpec;
  readonly observationSpace: Space;
  readonly actionSpace: Space;
  reset(o?: { seed?: number; options?: object }): { obs: Obs; info: Info };
  step(action: Action): EnvStep;
  getState?(kind?: 'full' | 'integration'): Float64Array;
  setState?(state: Float64Array): void;
  /** rgb, `[height * width * 3]` */
  render?(o?: { width: number; height: number }): Uint8Array;
  close(): void;
  [Symbol.dispose](): void;
}

/** An environment with a goal that can be replaced afterwards (hindsight relabelling). */
export interface GoalEnv extends Env {
  achieved(): Float32Array;
  desired(): Float32Array;
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

export type AutoresetMode =
  /** the step after an episode's end resets and ignores its action */
  | 'next-step'
  /** the step that ends an episode also resets; the last observation is in `finalObs` */
  | 'same-step'
  /** the caller resets, with a mask */
  | 'disabled';

export interface VectorStep {
  obs: VecObs;
  /** `[numEnvs]` */
  reward: Float32Array;
  /** `[numEnvs]`, 0 or 1 */
  terminated: Uint8Array;
  /** `[numEnvs]`, 0 or 1 */
  truncated: Uint8Array;
  /** same-step autoreset: rows that ended hold the observation before the reset */
  finalObs?: VecObs;
  infos: VecInfo;
}

export interface VectorEnv {
  readonly numEnvs: number;
  readonly autoresetMode: AutoresetMode;
  readonly spec: EnvSpec;
  /** of a single copy */
  readonly observationSpace: Space;
  /** of a single copy */
  readonly actionSpace: Space;
  reset(o?: {
    seed?: number | readonly (number | null)[];
    /** `[numEnvs]`, 1 = reset this copy */
    mask?: Uint8Array;
    options?: object;
  }): Promise<{ obs: VecObs; infos: VecInfo }>;
  /** Buffers of the result are reused by the next call. */
  step(actions: Float32Array | Int32Array): Promise<VectorStep>;
  getState(): Uint8Array;
  setState(state: Uint8Array): void;
  close(): void;
  [Symbol.dispose](): void;
}
