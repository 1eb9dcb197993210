// Rewards over several steps, before they are remembered.
import type { ReplayBuffer } from './replay-buffer.ts';

interface Pending {
  obs: Float32Array;
  action: Float32Array;
  reward: number;
  /** γ to the number of rewards in it */
  factor: number;
}

/** Sums rewards over n steps of each copy before they are stored; what is left when an episode ends is stored shorter. */
export class NStep {
  readonly #pending: Pending[][];

  constructor(
    private readonly buffer: ReplayBuffer,
    private readonly n: number,
    private readonly gamma: number,
  ) {
    this.#pending = Array.from({ length: buffer.numEnvs }, () => []);
  }

  add(
    env: number,
    t: {
      obs: Float32Array;
      action: Float32Array;
      reward: number;
      nextObs: Float32Array;
      terminated: boolean;
      truncated: boolean;
      episode: number;
      nextMask?: ArrayLike<number>;
    },
  ): void {
    const list = this.#pending[env] as Pending[];
    list.push({ obs: t.obs, action: t.action, reward: 0, factor: 1 });
    for (const p of list) {
      p.reward += p.factor * t.reward;
      p.factor *= this.gamma;
    }
    const ended = t.terminated || t.truncated;
    while (list.length > 0 && (ended || list.length >= this.n)) {
      const { obs, action, reward, factor } = list.shift() as Pending;
      this.buffer.add(env, {
        obs,
        action,
        reward,
        nextObs: t.nextObs,
        discount: t.terminated ? 0 : factor,
        episode: t.episode,
        terminated: t.terminated,
        truncated: t.truncated,
        ...(t.nextMask !== undefined && { nextMask: t.nextMask }),
      });
    }
  }

  /** Forgets what was not stored yet: its episodes do not go on. */
  clear(): void {
    for (const list of this.#pending) list.length = 0;
  }

  state(): unknown {
    return this.#pending.map((list) => list.map((p) => ({ ...p, obs: [...p.obs], action: [...p.action] })));
  }

  restore(state: unknown): void {
    for (const [env, list] of (
      state as { obs: number[]; action: number[]; reward: number; factor: number }[][]
    ).entries())
      this.#pending[env] = list.map((p) => ({
        ...p,
        obs: Float32Array.from(p.obs),
        action: Float32Array.from(p.action),
      }));
  }
}
