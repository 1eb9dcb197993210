/** CartPole-v1, after Gymnasium 1.3: a pole on a cart that is pushed left or right. State: x, ẋ, θ, θ̇; θ = 0 is up. */
import type { Action, Rng } from '@gimbal/tensor-core';
import { DrawnEnv } from '../base/drawn-env.ts';
import type { Sketch } from '../render/sketch.ts';
import { box, discrete } from '../spaces/spaces.ts';
import { type ResetBounds, resetBounds } from './reset-bounds.ts';

export interface CartPoleOptions {
  maxSteps?: number;
  /** 0 a step and −1 at the end, instead of 1 a step; default false */
  suttonBartoReward?: boolean;
}

const gravity = 9.8;
const totalMass = 1.1; // cart 1, pole 0.1
const poleMoment = 0.05; // pole mass × half its length
const halfLength = 0.5;
const force = 10;
const dt = 0.02;
const farthest = 2.4;
const steepest = (12 * 2 * Math.PI) / 360;

export class CartPole extends DrawnEnv {
  readonly #suttonBarto: boolean;

  constructor({ maxSteps = 500, suttonBartoReward = false }: CartPoleOptions = {}) {
    const high = [2 * farthest, Number.POSITIVE_INFINITY, 2 * steepest, Number.POSITIVE_INFINITY];
    super(
      {
        spec: { id: 'CartPole-v1', dtSeconds: dt, maxSteps, rewardThreshold: 475 },
        observationSpace: box(
          high.map((h) => -h),
          high,
        ),
        actionSpace: discrete(2),
      },
      4,
    );
    this.#suttonBarto = suttonBartoReward;
  }

  protected resetTask(stream: Rng, options?: ResetBounds): void {
    const { low, high } = resetBounds(options, -0.05, 0.05, this.spec.id);
    for (let i = 0; i < 4; i++) this.state[i] = low + (high - low) * stream.uniform();
  }

  protected stepTask(action: Action): void {
    const s = this.state;
    const [x, v, theta, omega] = [s[0] as number, s[1] as number, s[2] as number, s[3] as number];
    const [cos, sin] = [Math.cos(theta), Math.sin(theta)];
    // Euler with the old velocities; temp = (F + m l θ̇² sin θ) / M
    const temp = ((action === 1 ? force : -force) + poleMoment * omega ** 2 * sin) / totalMass;
    const alpha = (gravity * sin - cos * temp) / (halfLength * (4 / 3 - (0.1 * cos ** 2) / totalMass));
    s[0] = x + dt * v;
    s[1] = v + dt * (temp - (poleMoment * alpha * cos) / totalMass);
    s[2] = theta + dt * omega;
    s[3] = omega + dt * alpha;
    this.terminated = Math.abs(s[0]) > farthest || Math.abs(s[2]) > steepest;
    this.reward = this.#suttonBarto ? (this.terminated ? -1 : 0) : 1;
  }
  protected sketch(): Sketch {
    return {
      shapes: [
        { kind: 'box', size: [farthest + 0.25, 0.02, 0.02], color: [0.3, 0.32, 0.36] },
        ...[-farthest, farthest].map((x) => ({ ...edge, at: [x, 0.1] as const })),
        { kind: 'box', size: [0.25, 0.15, 0.12], color: [0.2, 0.42, 0.7] },
        { kind: 'capsule', size: [0.05, halfLength], color: [0.85, 0.55, 0.25], before: 0.17 },
      ],
      place(put, [x = 0, , theta = 0]) {
        put(3, x, 0.14);
        put(4, x + halfLength * Math.sin(theta), 0.2 + halfLength * Math.cos(theta), theta);
      },
    };
  }
}

/** where the episode ends */
const edge = { kind: 'box', size: [0.02, 0.05, 0.1], color: [0.75, 0.25, 0.2] } as const;
