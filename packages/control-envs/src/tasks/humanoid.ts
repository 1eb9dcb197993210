/** Humanoid-v5, after Gymnasium 1.3: forward velocity of the centre of mass, a bonus while standing, two costs. */
import type { Info, Rng } from '@gimbal/tensor-core';
import { clamp } from '../base/angles.ts';
import { totalMass } from '../mujoco/model-info.ts';
import type { PhysicsModel } from '../physics/contract.ts';
import { layoutOf, stateBlocks } from './layout.ts';
import { MujocoEnv, type MujocoOptions } from './mujoco-env.ts';
import { addUniform, sumOfSquares } from './noise.ts';

export interface HumanoidTaskOptions extends MujocoOptions {
  forwardRewardWeight?: number;
  ctrlCostWeight?: number;
  contactCostWeight?: number;
  contactCostRange?: readonly [number, number];
  healthyReward?: number;
  terminateWhenUnhealthy?: boolean;
  healthyZRange?: readonly [number, number];
  resetNoiseScale?: number;
  excludeCurrentPositionsFromObservation?: boolean;
  includeCinertInObservation?: boolean;
  includeCvelInObservation?: boolean;
  includeQfrcActuatorInObservation?: boolean;
  includeCfrcExtInObservation?: boolean;
}

export const humanoidDefaults = {
  frameSkip: 5,
  forwardRewardWeight: 1.25,
  ctrlCostWeight: 0.1,
  contactCostWeight: 5e-7,
  contactCostRange: [Number.NEGATIVE_INFINITY, 10] as readonly [number, number],
  healthyReward: 5,
  terminateWhenUnhealthy: true,
  healthyZRange: [1, 2] as readonly [number, number],
  resetNoiseScale: 1e-2,
  excludeCurrentPositionsFromObservation: true,
  includeCinertInObservation: true,
  includeCvelInObservation: true,
  includeQfrcActuatorInObservation: true,
  includeCfrcExtInObservation: true,
};

export class HumanoidEnv extends MujocoEnv {
  readonly #o: typeof humanoidDefaults;
  readonly #skip: number;
  readonly #mass: number;
  readonly #from = new Float64Array(2);
  #terms = { forward: 0, ctrl: 0, contact: 0, survive: 0 };
  #velocity: readonly [number, number] = [0, 0];

  constructor(model: PhysicsModel, options: HumanoidTaskOptions = {}) {
    const { maxSteps = 1000, obsDtype = 'float64', xml: _x, xmlFile: _f, ...given } = options;
    const o = { ...humanoidDefaults, ...given };
    const skip = o.excludeCurrentPositionsFromObservation ? 2 : 0;
    const bodies = model.info.names.body.length - 1;
    const blocks = [
      ...(o.includeCinertInObservation ? [{ name: 'cinert', size: 10 * bodies }] : []),
      ...(o.includeCvelInObservation ? [{ name: 'cvel', size: 6 * bodies }] : []),
      ...(o.includeQfrcActuatorInObservation ? [{ name: 'qfrcActuator', size: model.info.nv - 6 }] : []),
      ...(o.includeCfrcExtInObservation ? [{ name: 'cfrcExt', size: 6 * bodies }] : []),
    ];
    super(model, {
      id: 'Humanoid-v5',
      maxSteps,
      frameSkip: o.frameSkip,
      obsDtype,
      contactForces: true,
      layout: layoutOf([...stateBlocks(model.info, skip), ...blocks]),
    });
    this.#o = o;
    this.#skip = skip;
    this.#mass = totalMass(model.info);
  }

  protected override get memory(): Float64Array {
    return this.#from;
  }

  protected drawState(qpos: Float64Array, qvel: Float64Array, stream: Rng): void {
    addUniform(qpos, this.#o.resetNoiseScale, stream);
    addUniform(qvel, this.#o.resetNoiseScale, stream);
    this.#terms = { forward: 0, ctrl: 0, contact: 0, survive: 0 };
    this.#velocity = [0, 0];
  }

  protected override before(): void {
    this.#from[0] = this.#centre(0);
    this.#from[1] = this.#centre(1);
  }

  /** One coordinate of the centre of mass, as the engine last evaluated it. */
  #centre(axis: 0 | 1): number {
    const [{ xipos }, { bodyMass }] = [this.sim, this.model.info];
    const drawn = this.factors?.mass;
    let [sum, mass] = [0, 0];
    for (let b = 0; b < bodyMass.length; b++) {
      const m = (bodyMass[b] as number) * (drawn?.[b] ?? 1);
      sum += m * (xipos[3 * b + axis] as number);
      mass += m;
    }
    return sum / (drawn === undefined ? this.#mass : mass);
  }

  protected score(_action: Float32Array): void {
    const { forwardRewardWeight, ctrlCostWeight, contactCostWeight, contactCostRange, healthyReward } = this.#o;
    const [low, high] = this.#o.healthyZRange;
    const { qpos, ctrl, cfrcExt } = this.sim;
    const vx = (this.#centre(0) - (this.#from[0] as number)) / this.dt;
    const z = qpos[2] as number;
    const isHealthy = low < z && z < high;
    const terms = this.#terms;
    terms.forward = forwardRewardWeight * vx;
    terms.survive = isHealthy ? healthyReward : 0;
    terms.ctrl = -ctrlCostWeight * sumOfSquares(ctrl);
    terms.contact = -clamp(contactCostWeight * sumOfSquares(cfrcExt), contactCostRange[0], contactCostRange[1]);
    this.reward = terms.forward + terms.survive + terms.ctrl + terms.contact;
    this.terminated = !isHealthy && this.#o.terminateWhenUnhealthy;
    this.#velocity = [vx, (this.#centre(1) - (this.#from[1] as number)) / this.dt];
  }

  protected write(out: Float64Array | Float32Array): void {
    const { qpos, qvel, cinert, cvel, qfrcActuator, cfrcExt } = this.sim;
    const o = this.#o;
    let at = copy(out, 0, qpos, this.#skip);
    at = copy(out, at, qvel, 0);
    if (o.includeCinertInObservation) at = copy(out, at, cinert, 10);
    if (o.includeCvelInObservation) at = copy(out, at, cvel, 6);
    if (o.includeQfrcActuatorInObservation) at = copy(out, at, qfrcActuator, 6);
    if (o.includeCfrcExtInObservation) copy(out, at, cfrcExt, 6);
  }

  protected override taskInfo(): Info {
    const { forward, ctrl, contact, survive } = this.#terms;
    const [x, y] = [this.sim.qpos[0] as number, this.sim.qpos[1] as number];
    return {
      ...super.taskInfo(),
      xPosition: x,
      yPosition: y,
      distanceFromOrigin: Math.hypot(x, y),
      xVelocity: this.#velocity[0],
      yVelocity: this.#velocity[1],
      rewardForward: forward,
      rewardCtrl: ctrl,
      rewardContact: contact,
      rewardSurvive: survive,
    };
  }
}

/** Copies `source` from `skip` on to `out` at `at`; returns where it ends. */
function copy(out: Float64Array | Float32Array, at: number, source: Float64Array, skip: number): number {
  const size = source.length - skip;
  for (let i = 0; i < size; i++) out[at + i] = source[skip + i] as number;
  return at + size;
}
