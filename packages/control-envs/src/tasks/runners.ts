/**
 * HalfCheetah-v5, Hopper-v5, Swimmer-v5, Walker2d-v5, after Gymnasium 1.3: forward velocity of the root's own
 * coordinate, minus the cost of control, plus a bonus while healthy.
 */
import type { Info, Rng } from '@gimbal/tensor-core';
import type { PhysicsModel } from '../physics/contract.ts';
import { layoutOf, stateBlocks } from './layout.ts';
import { MujocoEnv, type MujocoOptions } from './mujoco-env.ts';
import { addNormal, addUniform, sumOfSquares } from './noise.ts';

export interface RunnerOptions extends MujocoOptions {
  forwardRewardWeight?: number;
  ctrlCostWeight?: number;
  resetNoiseScale?: number;
  excludeCurrentPositionsFromObservation?: boolean;
}

export interface HealthyRunnerOptions extends RunnerOptions {
  healthyReward?: number;
  terminateWhenUnhealthy?: boolean;
  healthyZRange?: readonly [number, number];
  healthyAngleRange?: readonly [number, number];
  /** Hopper: bounds of every other position and velocity */
  healthyStateRange?: readonly [number, number];
}

export interface RunnerDefaults {
  id: string;
  frameSkip: number;
  rewardThreshold?: number;
  /** positions left out of the observation: x, and y where there is one */
  skip: number;
  forwardRewardWeight: number;
  ctrlCostWeight: number;
  resetNoiseScale: number;
  velocityNoise: 'uniform' | 'normal';
  /** bound of observed velocities */
  clip: number;
  /** none: never unhealthy, no bonus */
  healthy?: {
    reward: number;
    z: readonly [number, number];
    angle: readonly [number, number];
    state: readonly [number, number];
  };
}

const anything: readonly [number, number] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];

export const halfCheetahDefaults: RunnerDefaults = {
  id: 'HalfCheetah-v5',
  frameSkip: 5,
  rewardThreshold: 4800,
  skip: 1,
  forwardRewardWeight: 1,
  ctrlCostWeight: 0.1,
  resetNoiseScale: 0.1,
  velocityNoise: 'normal',
  clip: Number.POSITIVE_INFINITY,
};

export const hopperDefaults: RunnerDefaults = {
  id: 'Hopper-v5',
  frameSkip: 4,
  rewardThreshold: 3800,
  skip: 1,
  forwardRewardWeight: 1,
  ctrlCostWeight: 1e-3,
  resetNoiseScale: 5e-3,
  velocityNoise: 'uniform',
  clip: 10,
  healthy: { reward: 1, z: [0.7, Number.POSITIVE_INFINITY], angle: [-0.2, 0.2], state: [-100, 100] },
};

export const walker2dDefaults: RunnerDefaults = {
  id: 'Walker2d-v5',
  frameSkip: 4,
  skip: 1,
  forwardRewardWeight: 1,
  ctrlCostWeight: 1e-3,
  resetNoiseScale: 5e-3,
  velocityNoise: 'uniform',
  clip: 10,
  healthy: { reward: 1, z: [0.8, 2], angle: [-1, 1], state: anything },
};

export const swimmerDefaults: RunnerDefaults = {
  id: 'Swimmer-v5',
  frameSkip: 4,
  rewardThreshold: 360,
  skip: 2,
  forwardRewardWeight: 1,
  ctrlCostWeight: 1e-4,
  resetNoiseScale: 0.1,
  velocityNoise: 'uniform',
  clip: Number.POSITIVE_INFINITY,
};

export class Runner extends MujocoEnv {
  readonly #d: RunnerDefaults;
  readonly #terminates: boolean;
  readonly #skip: number;
  #x = 0;
  #y = 0;
  #velocity: readonly [number, number] = [0, 0];
  #terms = { forward: 0, ctrl: 0, survive: 0 };

  constructor(model: PhysicsModel, defaults: RunnerDefaults, options: HealthyRunnerOptions = {}) {
    const { frameSkip = defaults.frameSkip, maxSteps = 1000, obsDtype = 'float64' } = options;
    const skip = (options.excludeCurrentPositionsFromObservation ?? true) ? defaults.skip : 0;
    const { id, rewardThreshold } = defaults;
    super(model, {
      id,
      maxSteps,
      frameSkip,
      obsDtype,
      layout: layoutOf(stateBlocks(model.info, skip)),
      ...(rewardThreshold !== undefined && { rewardThreshold }),
    });
    this.#skip = skip;
    this.#terminates = options.terminateWhenUnhealthy ?? true;
    const { healthy } = defaults;
    this.#d = {
      ...defaults,
      forwardRewardWeight: options.forwardRewardWeight ?? defaults.forwardRewardWeight,
      ctrlCostWeight: options.ctrlCostWeight ?? defaults.ctrlCostWeight,
      resetNoiseScale: options.resetNoiseScale ?? defaults.resetNoiseScale,
      ...(healthy !== undefined && {
        healthy: {
          reward: options.healthyReward ?? healthy.reward,
          z: options.healthyZRange ?? healthy.z,
          angle: options.healthyAngleRange ?? healthy.angle,
          state: options.healthyStateRange ?? healthy.state,
        },
      }),
    };
  }

  protected drawState(qpos: Float64Array, qvel: Float64Array, stream: Rng): void {
    const { resetNoiseScale, velocityNoise } = this.#d;
    addUniform(qpos, resetNoiseScale, stream);
    (velocityNoise === 'uniform' ? addUniform : addNormal)(qvel, resetNoiseScale, stream);
    this.#velocity = [0, 0];
    this.#terms = { forward: 0, ctrl: 0, survive: 0 };
  }

  protected override before(): void {
    this.#x = this.sim.qpos[0] as number;
    this.#y = this.sim.qpos[1] as number;
  }

  protected override restoreState(state: Float64Array): void {
    super.restoreState(state);
    this.before();
  }

  protected score(action: Float32Array): void {
    const { forwardRewardWeight, ctrlCostWeight, healthy } = this.#d;
    const { qpos } = this.sim;
    const vx = ((qpos[0] as number) - this.#x) / this.dt;
    const terms = this.#terms;
    terms.forward = forwardRewardWeight * vx;
    terms.ctrl = -ctrlCostWeight * sumOfSquares(action);
    const isHealthy = healthy === undefined || this.#isHealthy(healthy);
    terms.survive = healthy !== undefined && isHealthy ? healthy.reward : 0;
    this.reward = terms.forward + terms.survive + terms.ctrl;
    this.terminated = !isHealthy && this.#terminates;
    this.#velocity = [vx, ((qpos[1] as number) - this.#y) / this.dt];
  }

  /** Bounds are strict. */
  #isHealthy({ z, angle, state }: NonNullable<RunnerDefaults['healthy']>): boolean {
    const { qpos, qvel } = this.sim;
    if (!within(qpos[1] as number, z) || !within(qpos[2] as number, angle)) return false;
    if (state === anything) return true;
    const [low, high] = state;
    for (let i = 2; i < qpos.length; i++) if (!((qpos[i] as number) > low && (qpos[i] as number) < high)) return false;
    for (let i = 0; i < qvel.length; i++) if (!((qvel[i] as number) > low && (qvel[i] as number) < high)) return false;
    return true;
  }

  protected write(out: Float64Array | Float32Array): void {
    const { qpos, qvel } = this.sim;
    const [skip, { clip }] = [this.#skip, this.#d];
    let at = 0;
    for (let i = skip; i < qpos.length; i++) out[at++] = qpos[i] as number;
    for (let i = 0; i < qvel.length; i++) out[at++] = Math.min(Math.max(qvel[i] as number, -clip), clip);
  }

  protected override taskInfo(): Info {
    const { forward, ctrl, survive } = this.#terms;
    const { qpos } = this.sim;
    const isPlane = this.#d.skip === 2; // Swimmer moves in x and y
    return {
      ...super.taskInfo(),
      xPosition: qpos[0],
      xVelocity: this.#velocity[0],
      ...(isPlane && {
        yPosition: qpos[1],
        yVelocity: this.#velocity[1],
        distanceFromOrigin: Math.hypot(qpos[0] as number, qpos[1] as number),
      }),
      rewardForward: forward,
      rewardCtrl: ctrl,
      ...(this.#d.healthy !== undefined && {
        rewardSurvive: survive,
        zDistanceFromOrigin: (qpos[1] as number) - (this.model.info.qpos0[1] as number),
      }),
    };
  }
}

const within = (x: number, range: readonly [number, number]): boolean => range[0] < x && x < range[1];
