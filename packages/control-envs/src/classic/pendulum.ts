/** Pendulum-v1, after Gymnasium 1.3: swing up and hold with a weak motor. State: θ, θ̇; θ = 0 is up. */
import type { Action, Obs, Rng } from '@gimbal/tensor-core';
import { clamp, wrapAngle } from '../base/angles.ts';
import { DrawnEnv } from '../base/drawn-env.ts';
import type { Sketch } from '../render/sketch.ts';
import { box } from '../spaces/spaces.ts';

export interface PendulumOptions {
  maxSteps?: number;
  /** gravity in m/s²; default 10 */
  g?: number;
}

const dt = 0.05;

export class Pendulum extends DrawnEnv {
  readonly #g: number;

  constructor({ maxSteps = 200, g = 10 }: PendulumOptions = {}) {
    super(
      {
        spec: { id: 'Pendulum-v1', dtSeconds: dt, maxSteps },
        observationSpace: box([-1, -1, -8], [1, 1, 8]),
        actionSpace: box(-2, 2, [1]),
      },
      2,
    );
    this.#g = g;
  }

  protected resetTask(stream: Rng, options?: { xInit?: number; yInit?: number }): void {
    const [x, y] = [options?.xInit ?? Math.PI, options?.yInit ?? 1];
    this.state[0] = x * (2 * stream.uniform() - 1);
    this.state[1] = y * (2 * stream.uniform() - 1);
  }

  protected stepTask(action: Action): void {
    const s = this.state;
    const [theta, omega] = [s[0] as number, s[1] as number];
    const u = clamp((action as Float32Array)[0] as number, -2, 2);
    this.reward = -(wrapAngle(theta) ** 2 + 0.1 * omega ** 2 + 0.001 * u ** 2);
    s[1] = clamp(omega + (1.5 * this.#g * Math.sin(theta) + 3 * u) * dt, -8, 8);
    s[0] = theta + s[1] * dt;
  }

  protected override observe(out: Obs): void {
    const [obs, theta] = [out as Float32Array, this.state[0] as number];
    obs[0] = Math.cos(theta);
    obs[1] = Math.sin(theta);
    obs[2] = this.state[1] as number;
  }
  protected sketch(): Sketch {
    return {
      shapes: [
        { kind: 'box', size: [1.2, 0.01, 1.2], color: [0.93, 0.94, 0.95], before: -0.2 },
        { kind: 'sphere', size: [0.12], color: [0.3, 0.32, 0.36] },
        { kind: 'capsule', size: [0.09, 0.5], color: [0.8, 0.3, 0.3] },
      ],
      // θ grows against the clock
      place: (put, [theta = 0]) => put(2, -0.5 * Math.sin(theta), 0.5 * Math.cos(theta), -theta),
    };
  }
}
