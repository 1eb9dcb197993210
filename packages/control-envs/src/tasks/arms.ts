/** Reacher-v5 and Pusher-v5, after Gymnasium 1.3: distances of bodies as the engine last evaluated them. */
import type { Info, Rng } from '@gimbal/tensor-core';
import { indexOfName } from '../mujoco/model-info.ts';
import type { PhysicsModel } from '../physics/contract.ts';
import { layoutOf, qposNames, qvelNames } from './layout.ts';
import { type MujocoDescription, MujocoEnv, type MujocoOptions } from './mujoco-env.ts';
import { addUniform, sumOfSquares } from './noise.ts';

export interface ReacherOptions extends MujocoOptions {
  rewardDistWeight?: number;
  rewardControlWeight?: number;
}

export interface PusherOptions extends ReacherOptions {
  rewardNearWeight?: number;
}

export const reacherDefaults = { frameSkip: 2, rewardDistWeight: 1, rewardControlWeight: 1 };
export const pusherDefaults = { frameSkip: 5, rewardNearWeight: 0.5, rewardDistWeight: 1, rewardControlWeight: 0.1 };

const xyz = (name: string): string[] => ['x', 'y', 'z'].map((axis) => `${name}.${axis}`);

/** Distance between two bodies' frames. */
function distance(xpos: Float64Array, a: number, b: number): number {
  let sum = 0;
  for (let i = 0; i < 3; i++) sum += ((xpos[3 * a + i] as number) - (xpos[3 * b + i] as number)) ** 2;
  return Math.sqrt(sum);
}

export class ReacherEnv extends MujocoEnv {
  readonly #o: typeof reacherDefaults;
  readonly #tip: number;
  readonly #target: number;
  #terms = { dist: 0, ctrl: 0 };

  /** @param different what another task with this arm says about itself */
  constructor(model: PhysicsModel, options: ReacherOptions = {}, different: Partial<MujocoDescription> = {}) {
    const { maxSteps = 50, obsDtype = 'float64', xml: _x, xmlFile: _f, ...given } = options;
    const o = { ...reacherDefaults, ...given };
    const joints = model.info.names.joint;
    super(model, {
      id: 'Reacher-v5',
      maxSteps,
      frameSkip: o.frameSkip,
      obsDtype,
      rewardThreshold: -3.75,
      layout: layoutOf([
        { name: 'cos', size: 2, names: [`${joints[0]}.cos`, `${joints[1]}.cos`] },
        { name: 'sin', size: 2, names: [`${joints[0]}.sin`, `${joints[1]}.sin`] },
        { name: 'target', size: 2, names: ['target.x', 'target.y'] },
        { name: 'qvel', size: 2, names: qvelNames(model.info).slice(0, 2) },
        { name: 'vector', size: 2, names: ['vector.x', 'vector.y'] },
      ]),
      ...different,
    });
    this.#o = o;
    this.#tip = indexOfName(model.info, 'body', 'fingertip');
    this.#target = indexOfName(model.info, 'body', 'target');
  }

  protected drawState(qpos: Float64Array, qvel: Float64Array, stream: Rng): void {
    addUniform(qpos, 0.1, stream);
    let [x, y] = [1, 1];
    while (Math.hypot(x, y) >= 0.2) [x, y] = [0.4 * stream.uniform() - 0.2, 0.4 * stream.uniform() - 0.2];
    qpos[qpos.length - 2] = x;
    qpos[qpos.length - 1] = y;
    addUniform(qvel, 0.005, stream, qvel.length - 2);
    this.#terms = { dist: 0, ctrl: 0 };
  }

  protected score(action: Float32Array): void {
    const terms = this.#terms;
    terms.dist = -this.#o.rewardDistWeight * distance(this.sim.xpos, this.#tip, this.#target);
    terms.ctrl = -this.#o.rewardControlWeight * sumOfSquares(action);
    this.reward = terms.dist + terms.ctrl;
  }

  protected write(out: Float64Array | Float32Array): void {
    const { qpos, qvel, xpos } = this.sim;
    for (let i = 0; i < 2; i++) {
      out[i] = Math.cos(qpos[i] as number);
      out[2 + i] = Math.sin(qpos[i] as number);
      out[4 + i] = qpos[2 + i] as number;
      out[6 + i] = qvel[i] as number;
      out[8 + i] = (xpos[3 * this.#tip + i] as number) - (xpos[3 * this.#target + i] as number);
    }
  }

  protected override taskInfo(): Info {
    return { ...super.taskInfo(), rewardDist: this.#terms.dist, rewardCtrl: this.#terms.ctrl };
  }
}

export class PusherEnv extends MujocoEnv {
  readonly #o: typeof pusherDefaults;
  /** tip, object, goal */
  readonly #bodies: readonly [number, number, number];
  #terms = { dist: 0, ctrl: 0, near: 0 };

  constructor(model: PhysicsModel, options: PusherOptions = {}) {
    const { maxSteps = 100, obsDtype = 'float64', xml: _x, xmlFile: _f, ...given } = options;
    const o = { ...pusherDefaults, ...given };
    const { info } = model;
    super(model, {
      id: 'Pusher-v5',
      maxSteps,
      frameSkip: o.frameSkip,
      obsDtype,
      rewardThreshold: 0,
      layout: layoutOf([
        { name: 'qpos', size: 7, names: qposNames(info).slice(0, 7) },
        { name: 'qvel', size: 7, names: qvelNames(info).slice(0, 7) },
        { name: 'tip', size: 3, names: xyz('tip') },
        { name: 'object', size: 3, names: xyz('object') },
        { name: 'goal', size: 3, names: xyz('goal') },
      ]),
    });
    this.#o = o;
    const body = (name: string): number => indexOfName(info, 'body', name);
    this.#bodies = [body('tips_arm'), body('object'), body('goal')];
  }

  protected drawState(qpos: Float64Array, qvel: Float64Array, stream: Rng): void {
    // the object's slides: y first; the arm starts without noise
    let [y, x] = [0, 0];
    while (Math.hypot(x, y) <= 0.17) [y, x] = [-0.3 * stream.uniform(), 0.4 * stream.uniform() - 0.2];
    qpos[7] = y;
    qpos[8] = x;
    qpos[9] = 0;
    qpos[10] = 0;
    addUniform(qvel, 0.005, stream, qvel.length - 4);
    this.#terms = { dist: 0, ctrl: 0, near: 0 };
  }

  protected score(action: Float32Array): void {
    const [tip, object, goal] = this.#bodies;
    const { xpos } = this.sim;
    const terms = this.#terms;
    terms.near = -this.#o.rewardNearWeight * distance(xpos, object, tip);
    terms.dist = -this.#o.rewardDistWeight * distance(xpos, object, goal);
    terms.ctrl = -this.#o.rewardControlWeight * sumOfSquares(action);
    this.reward = terms.dist + terms.ctrl + terms.near;
  }

  protected write(out: Float64Array | Float32Array): void {
    const { qpos, qvel, xpos } = this.sim;
    for (let i = 0; i < 7; i++) {
      out[i] = qpos[i] as number;
      out[7 + i] = qvel[i] as number;
    }
    for (let b = 0; b < 3; b++) {
      for (let i = 0; i < 3; i++) out[14 + 3 * b + i] = xpos[3 * (this.#bodies[b] as number) + i] as number;
    }
  }

  protected override taskInfo(): Info {
    const { dist, ctrl, near } = this.#terms;
    return { ...super.taskInfo(), rewardDist: dist, rewardCtrl: ctrl, rewardNear: near };
  }
}
