/**
 * MountainCar-v0 and MountainCarContinuous-v0, after Gymnasium 1.3: a car too weak for the hill. State: x, v.
 * The continuous one keeps its state in float32, as Gymnasium's does.
 */
import type { Action, Rng } from '@gimbal/tensor-core';
import { clamp } from '../base/angles.ts';
import { DrawnEnv } from '../base/drawn-env.ts';
import type { Sketch, SketchShape } from '../render/sketch.ts';
import { box, discrete } from '../spaces/spaces.ts';
import { type ResetBounds, resetBounds } from './reset-bounds.ts';

export interface MountainCarOptions {
  maxSteps?: number;
  /** velocity needed at the goal; default 0 */
  goalVelocity?: number;
}

const [wall, end, fastest] = [-1.2, 0.6, 0.07];
const observationSpace = box([wall, -fastest], [end, fastest]);

/** of the hill, as Gymnasium draws it; its slope is what pulls the car */
const height = (x: number): number => 0.45 * Math.sin(3 * x) + 0.55;

/** parts of the ground in the picture */
const pieces = 36;

/** The hill, piece by piece. */
function ground(): SketchShape[] {
  const step = (end - wall) / pieces;
  return Array.from({ length: pieces }, (_, i) => {
    const [from, to] = [wall + i * step, wall + (i + 1) * step];
    const rise = height(to) - height(from);
    const size = [Math.hypot(step, rise) / 2 + 0.004, 0.1, 0.012];
    const at = [(from + to) / 2, (height(from) + height(to)) / 2 - 0.012] as const;
    return { kind: 'box', size, color: [0.45, 0.55, 0.4], at, angle: -Math.atan2(rise, step) };
  });
}

abstract class Hill extends DrawnEnv {
  /** where the flag stands */
  protected abstract readonly goal: number;

  protected resetTask(stream: Rng, options?: ResetBounds): void {
    const { low, high } = resetBounds(options, -0.6, -0.4, this.spec.id);
    this.state[0] = low + (high - low) * stream.uniform();
    this.state[1] = 0;
  }

  /** Moves for one step under the motor's pull; the wall stops the car. */
  protected drive(pull: number): void {
    const [x, v] = [this.state[0] as number, this.state[1] as number];
    const faster = clamp(v + pull - 0.0025 * Math.cos(3 * x), -fastest, fastest);
    const farther = clamp(x + faster, wall, end);
    this.state[0] = farther;
    this.state[1] = farther === wall && faster < 0 ? 0 : faster;
  }

  protected sketch(): Sketch {
    const { goal } = this;
    return {
      // a step is no time of its own: 30 a second are shown
      frameSeconds: 1 / 30,
      shapes: [
        ...ground(),
        { kind: 'cylinder', size: [0.006, 0.08], color: [0.3, 0.32, 0.36], at: [goal, height(goal) + 0.08] },
        { kind: 'box', size: [0.035, 0.004, 0.022], color: [0.8, 0.65, 0.1], at: [goal + 0.04, height(goal) + 0.14] },
        { kind: 'box', size: [0.06, 0.04, 0.022], color: [0.2, 0.42, 0.7] },
      ],
      place(put, [x = 0]) {
        const steep = Math.atan(1.35 * Math.cos(3 * x));
        put(pieces + 2, x - 0.045 * Math.sin(steep), height(x) + 0.045 * Math.cos(steep), -steep);
      },
    };
  }

  protected arrived(goal: number, velocity: number): boolean {
    return (this.state[0] as number) >= goal && (this.state[1] as number) >= velocity;
  }
}

export class MountainCar extends Hill {
  protected readonly goal = 0.5;
  readonly #goalVelocity: number;

  constructor({ maxSteps = 200, goalVelocity = 0 }: MountainCarOptions = {}) {
    const spec = { id: 'MountainCar-v0', dtSeconds: 1, maxSteps, rewardThreshold: -110 };
    super({ spec, observationSpace, actionSpace: discrete(3) }, 2);
    this.#goalVelocity = goalVelocity;
  }

  protected stepTask(action: Action): void {
    this.drive(((action as number) - 1) * 0.001);
    this.terminated = this.arrived(this.goal, this.#goalVelocity);
    this.reward = -1;
  }
}

export class MountainCarContinuous extends Hill {
  protected readonly goal = 0.45;
  readonly #goalVelocity: number;

  constructor({ maxSteps = 999, goalVelocity = 0 }: MountainCarOptions = {}) {
    const spec = { id: 'MountainCarContinuous-v0', dtSeconds: 1, maxSteps, rewardThreshold: 90 };
    super({ spec, observationSpace, actionSpace: box(-1, 1, [1]) }, 2);
    this.#goalVelocity = goalVelocity;
  }

  protected stepTask(action: Action): void {
    const a = (action as Float32Array)[0] as number;
    this.drive(clamp(a, -1, 1) * 0.0015);
    for (let i = 0; i < 2; i++) this.state[i] = Math.fround(this.state[i] as number);
    // the float32 wall is a little beyond −1.2: the comparison is made on what is kept
    this.terminated = this.arrived(this.goal, this.#goalVelocity);
    this.reward = (this.terminated ? 100 : 0) - 0.1 * a ** 2; // the unclamped action
  }
}
