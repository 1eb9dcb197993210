/** Ant-v5, after Gymnasium 1.3: forward velocity of the torso, a bonus while healthy, costs of control and contact. */
import type { Info, Rng } from '@gimbal/tensor-core';
import { clamp } from '../base/angles.ts';
import { indexOfName } from '../mujoco/model-info.ts';
import type { PhysicsModel } from '../physics/contract.ts';
import { layoutOf, stateBlocks } from './layout.ts';
import { MujocoEnv, type MujocoOptions } from './mujoco-env.ts';
import { addNormal, addUniform, sumOfSquares } from './noise.ts';

export interface AntTaskOptions extends MujocoOptions {
  /** number of legs of the built-in model; default 4 */
  legs?: number;
  forwardRewardWeight?: number;
  ctrlCostWeight?: number;
  contactCostWeight?: number;
  healthyReward?: number;
  /** name of the body whose velocity counts; default 'torso' */
  mainBody?: string;
  terminateWhenUnhealthy?: boolean;
  healthyZRange?: readonly [number, number];
  contactForceRange?: readonly [number, number];
  resetNoiseScale?: number;
  excludeCurrentPositionsFromObservation?: boolean;
  includeCfrcExtInObservation?: boolean;
}

export const antDefaults = {
  frameSkip: 5,
  forwardRewardWeight: 1,
  ctrlCostWeight: 0.5,
  contactCostWeight: 5e-4,
  healthyReward: 1,
  mainBody: 'torso',
  terminateWhenUnhealthy: true,
  healthyZRange: [0.2, 1] as readonly [number, number],
  contactForceRange: [-1, 1] as readonly [number, number],
  resetNoiseScale: 0.1,
  excludeCurrentPositionsFromObservation: true,
  includeCfrcExtInObservation: true,
};

export class AntEnv extends MujocoEnv {
  readonly #o: typeof antDefaults;
  readonly #skip: number;
  readonly #body: number;
  // x and y of the main body as the engine last evaluated them, which is not quite where qpos says
  readonly #from = new Float64Array(2);
  #terms = { forward: 0, ctrl: 0, contact: 0, survive: 0 };
  #velocity: readonly [number, number] = [0, 0];

  constructor(model: PhysicsModel, options: AntTaskOptions = {}) {
    const { maxSteps = 1000, obsDtype = 'float64', legs: _, xml: _x, xmlFile: _f, ...given } = options;
    const o = { ...antDefaults, ...given };
    const skip = o.excludeCurrentPositionsFromObservation ? 2 : 0;
    const contacts = { name: 'cfrcExt', size: 6 * (model.info.names.body.length - 1) };
    super(model, {
      id: 'Ant-v5',
      maxSteps,
      frameSkip: o.frameSkip,
      obsDtype,
      rewardThreshold: 6000,
      contactForces: true,
      layout: layoutOf([...stateBlocks(model.info, skip), ...(o.includeCfrcExtInObservation ? [contacts] : [])]),
    });
    this.#o = o;
    this.#skip = skip;
    this.#body = indexOfName(model.info, 'body', o.mainBody);
  }

  protected override get memory(): Float64Array {
    return this.#from;
  }

  protected drawState(qpos: Float64Array, qvel: Float64Array, stream: Rng): void {
    addUniform(qpos, this.#o.resetNoiseScale, stream);
    addNormal(qvel, this.#o.resetNoiseScale, stream);
    this.#terms = { forward: 0, ctrl: 0, contact: 0, survive: 0 };
    this.#velocity = [0, 0];
  }

  protected override before(): void {
    const { xpos } = this.sim;
    this.#from[0] = xpos[3 * this.#body] as number;
    this.#from[1] = xpos[3 * this.#body + 1] as number;
  }

  protected score(action: Float32Array): void {
    const { forwardRewardWeight, ctrlCostWeight, contactCostWeight, healthyReward, healthyZRange } = this.#o;
    const { xpos, qpos, cfrcExt } = this.sim;
    const [low, high] = this.#o.contactForceRange;
    const vx = ((xpos[3 * this.#body] as number) - (this.#from[0] as number)) / this.dt;
    let contact = 0;
    for (let i = 0; i < cfrcExt.length; i++) contact += clamp(cfrcExt[i] as number, low, high) ** 2;
    const z = qpos[2] as number;
    const isHealthy = healthyZRange[0] <= z && z <= healthyZRange[1];
    const terms = this.#terms;
    terms.forward = forwardRewardWeight * vx;
    terms.survive = isHealthy ? healthyReward : 0;
    terms.ctrl = -ctrlCostWeight * sumOfSquares(action);
    terms.contact = -contactCostWeight * contact;
    this.reward = terms.forward + terms.survive + terms.ctrl + terms.contact;
    this.terminated = !isHealthy && this.#o.terminateWhenUnhealthy;
    this.#velocity = [vx, ((xpos[3 * this.#body + 1] as number) - (this.#from[1] as number)) / this.dt];
  }

  protected write(out: Float64Array | Float32Array): void {
    const { qpos, qvel, cfrcExt } = this.sim;
    let at = 0;
    for (let i = this.#skip; i < qpos.length; i++) out[at++] = qpos[i] as number;
    for (let i = 0; i < qvel.length; i++) out[at++] = qvel[i] as number;
    if (!this.#o.includeCfrcExtInObservation) return;
    const [low, high] = this.#o.contactForceRange;
    for (let i = 6; i < cfrcExt.length; i++) out[at++] = clamp(cfrcExt[i] as number, low, high);
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
