/** InvertedPendulum-v5 and InvertedDoublePendulum-v5, after Gymnasium 1.3. */
import type { Info, Rng } from '@gimbal/tensor-core';
import { clamp } from '../base/angles.ts';
import type { PhysicsModel } from '../physics/contract.ts';
import { layoutOf, qvelNames, stateBlocks } from './layout.ts';
import { MujocoEnv, type MujocoOptions } from './mujoco-env.ts';
import { addNormal, addUniform } from './noise.ts';

export interface PendulumTaskOptions extends MujocoOptions {
  resetNoiseScale?: number;
}

export interface DoublePendulumOptions extends PendulumTaskOptions {
  healthyReward?: number;
}

export const invertedPendulumDefaults = { frameSkip: 2, resetNoiseScale: 0.01 };
export const doublePendulumDefaults = { frameSkip: 5, resetNoiseScale: 0.1, healthyReward: 10 };

export class InvertedPendulumEnv extends MujocoEnv {
  readonly #noise: number;

  constructor(model: PhysicsModel, options: PendulumTaskOptions = {}) {
    const { maxSteps = 1000, obsDtype = 'float64' } = options;
    const { frameSkip, resetNoiseScale } = { ...invertedPendulumDefaults, ...options };
    const layout = layoutOf(stateBlocks(model.info, 0));
    super(model, { id: 'InvertedPendulum-v5', maxSteps, frameSkip, obsDtype, layout, rewardThreshold: 950 });
    this.#noise = resetNoiseScale;
  }

  protected drawState(qpos: Float64Array, qvel: Float64Array, stream: Rng): void {
    addUniform(qpos, this.#noise, stream);
    addUniform(qvel, this.#noise, stream);
  }

  protected score(): void {
    this.terminated = Math.abs(this.sim.qpos[1] as number) > 0.2;
    this.reward = this.terminated ? 0 : 1;
  }

  protected write(out: Float64Array | Float32Array): void {
    const { qpos, qvel } = this.sim;
    for (let i = 0; i < 2; i++) {
      out[i] = qpos[i] as number;
      out[2 + i] = qvel[i] as number;
    }
  }

  protected override taskInfo(): Info {
    return { ...super.taskInfo(), rewardSurvive: this.reward };
  }
}

export class InvertedDoublePendulumEnv extends MujocoEnv {
  readonly #o: typeof doublePendulumDefaults;
  #terms = { survive: 0, distance: 0, velocity: 0 };

  constructor(model: PhysicsModel, options: DoublePendulumOptions = {}) {
    const { maxSteps = 1000, obsDtype = 'float64', xml: _x, xmlFile: _f, ...given } = options;
    const o = { ...doublePendulumDefaults, ...given };
    super(model, {
      id: 'InvertedDoublePendulum-v5',
      maxSteps,
      frameSkip: o.frameSkip,
      obsDtype,
      rewardThreshold: 9100,
      layout: layoutOf([
        { name: 'slider.pos', size: 1 },
        { name: 'sin', size: 2, names: ['hinge.sin', 'hinge2.sin'] },
        { name: 'cos', size: 2, names: ['hinge.cos', 'hinge2.cos'] },
        { name: 'qvel', size: 3, names: qvelNames(model.info) },
        { name: 'slider.constraint', size: 1 },
      ]),
    });
    this.#o = o;
  }

  protected drawState(qpos: Float64Array, qvel: Float64Array, stream: Rng): void {
    addUniform(qpos, this.#o.resetNoiseScale, stream);
    addNormal(qvel, this.#o.resetNoiseScale, stream);
    this.#terms = { survive: 0, distance: 0, velocity: 0 };
  }

  protected score(): void {
    const { siteXpos, qvel } = this.sim;
    const [x, height] = [siteXpos[0] as number, siteXpos[2] as number];
    this.terminated = height <= 1;
    const terms = this.#terms;
    terms.survive = this.terminated ? 0 : this.#o.healthyReward;
    terms.distance = -(0.01 * x ** 2 + (height - 2) ** 2);
    terms.velocity = -(1e-3 * (qvel[1] as number) ** 2 + 5e-3 * (qvel[2] as number) ** 2);
    this.reward = terms.survive + terms.distance + terms.velocity;
  }

  protected write(out: Float64Array | Float32Array): void {
    const { qpos, qvel, qfrcConstraint } = this.sim;
    out[0] = qpos[0] as number;
    for (let i = 0; i < 2; i++) {
      out[1 + i] = Math.sin(qpos[1 + i] as number);
      out[3 + i] = Math.cos(qpos[1 + i] as number);
    }
    for (let i = 0; i < 3; i++) out[5 + i] = clamp(qvel[i] as number, -10, 10);
    out[8] = clamp(qfrcConstraint[0] as number, -10, 10);
  }

  protected override taskInfo(): Info {
    const { survive, distance, velocity } = this.#terms;
    return { ...super.taskInfo(), rewardSurvive: survive, distancePenalty: distance, velocityPenalty: velocity };
  }
}
