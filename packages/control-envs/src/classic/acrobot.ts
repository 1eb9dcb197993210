/**
 * Acrobot-v1, after Gymnasium 1.3 (the dynamics of Sutton and Barto's book): two links, a motor between them; reach
 * above the bar. State: θ₁, θ₂, θ̇₁, θ̇₂; θ₁ = 0 hangs down.
 */
import type { Action, Obs, Rng } from '@gimbal/tensor-core';
import { clamp } from '../base/angles.ts';
import { DrawnEnv } from '../base/drawn-env.ts';
import type { Sketch } from '../render/sketch.ts';
import { box, discrete } from '../spaces/spaces.ts';
import { type ResetBounds, resetBounds } from './reset-bounds.ts';

export interface AcrobotOptions {
  maxSteps?: number;
}

const dt = 0.2;
const [fastest1, fastest2] = [4 * Math.PI, 9 * Math.PI];
const high = [1, 1, 1, 1, fastest1, fastest2];

export class Acrobot extends DrawnEnv {
  // the four slopes of a Runge–Kutta step, and the state they are taken at
  readonly #k = [0, 1, 2, 3].map(() => new Float64Array(4));
  readonly #at = new Float64Array(4);

  constructor({ maxSteps = 500 }: AcrobotOptions = {}) {
    super(
      {
        spec: { id: 'Acrobot-v1', dtSeconds: dt, maxSteps, rewardThreshold: -100 },
        observationSpace: box(
          high.map((h) => -h),
          high,
        ),
        actionSpace: discrete(3),
      },
      4,
    );
  }

  protected resetTask(stream: Rng, options?: ResetBounds): void {
    const { low, high } = resetBounds(options, -0.1, 0.1, this.spec.id);
    for (let i = 0; i < 4; i++) this.state[i] = Math.fround(low + (high - low) * stream.uniform());
  }

  protected stepTask(action: Action): void {
    const torque = (action as number) - 1;
    const [s, at, k] = [this.state, this.#at, this.#k];
    for (let stage = 0; stage < 4; stage++) {
      const before = k[stage - 1];
      const reach = stage === 3 ? dt : dt / 2;
      for (let i = 0; i < 4; i++) {
        at[i] = before === undefined ? (s[i] as number) : (s[i] as number) + reach * (before[i] as number);
      }
      slope(at, torque, k[stage] as Float64Array);
    }
    for (let i = 0; i < 4; i++) {
      const [k1, k2, k3, k4] = k.map((slopes) => slopes[i] as number) as [number, number, number, number];
      s[i] = (s[i] as number) + (dt / 6) * (k1 + 2 * k2 + 2 * k3 + k4);
    }
    s[0] = wrap(s[0] as number);
    s[1] = wrap(s[1] as number);
    s[2] = clamp(s[2] as number, -fastest1, fastest1);
    s[3] = clamp(s[3] as number, -fastest2, fastest2);
    this.terminated = -Math.cos(s[0]) - Math.cos(s[0] + s[1]) > 1;
    this.reward = this.terminated ? 0 : -1;
  }

  protected override observe(out: Obs): void {
    const [obs, s] = [out as Float32Array, this.state];
    for (let i = 0; i < 2; i++) {
      obs[2 * i] = Math.cos(s[i] as number);
      obs[2 * i + 1] = Math.sin(s[i] as number);
      obs[4 + i] = s[2 + i] as number;
    }
  }

  protected sketch(): Sketch {
    const link = { kind: 'capsule', size: [0.07, 0.5] } as const;
    return {
      shapes: [
        { kind: 'box', size: [2.1, 0.01, 0.015], color: [0.25, 0.6, 0.35], at: [0, 1], before: -0.2 },
        { kind: 'sphere', size: [0.1], color: [0.3, 0.32, 0.36] },
        { ...link, color: [0.2, 0.42, 0.7] },
        { ...link, color: [0.85, 0.55, 0.25], before: 0.1 },
        // what hangs down belongs into the picture
        { kind: 'box', size: [2.1, 0.01, 2.1], color: [0.93, 0.94, 0.95], before: -0.3 },
      ],
      place(put, [theta1 = 0, theta2 = 0]) {
        const tip = theta1 + theta2;
        const [x, z] = [Math.sin(theta1), -Math.cos(theta1)];
        put(2, x / 2, z / 2, -theta1);
        put(3, x + Math.sin(tip) / 2, z - Math.cos(tip) / 2, -tip);
      },
    };
  }
}

/** d/dt of (θ₁, θ₂, θ̇₁, θ̇₂); links of 1 m and 1 kg, centre in the middle, moment 1, g = 9.8. */
function slope(s: Float64Array, torque: number, out: Float64Array): void {
  const [t1, t2, w1, w2] = [s[0] as number, s[1] as number, s[2] as number, s[3] as number];
  const [cos, sin] = [Math.cos(t2), Math.sin(t2)];
  const d1 = 3.5 + cos;
  const d2 = 1.25 + 0.5 * cos;
  const phi2 = 4.9 * Math.cos(t1 + t2 - Math.PI / 2);
  const phi1 = -0.5 * w2 ** 2 * sin - w2 * w1 * sin + 14.7 * Math.cos(t1 - Math.PI / 2) + phi2;
  const a2 = (torque + (d2 / d1) * phi1 - 0.5 * w1 ** 2 * sin - phi2) / (1.25 - d2 ** 2 / d1);
  out[0] = w1;
  out[1] = w2;
  out[2] = -(d2 * a2 + phi1) / d1;
  out[3] = a2;
}

/** Into [−π, π], both ends included. */
function wrap(x: number): number {
  let y = x;
  while (y > Math.PI) y -= 2 * Math.PI;
  while (y < -Math.PI) y += 2 * Math.PI;
  return y;
}
