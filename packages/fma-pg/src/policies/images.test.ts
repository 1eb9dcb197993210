// Agents that see: a bright square in a picture of bytes says what to do.
import { type Env, type EnvStep, type Obs, type Rng, rng, type Space, useBackend } from '@gimbal/tensor-core';
import { evaluate, OffPolicyAgent, OnPolicyAgent, policyOf } from '../index.ts';

beforeAll(() => useBackend('auto'));

const side = 36;

/** One step: the action must name the half in which the square is; beside the picture stands a number that says nothing. */
class Square implements Env {
  readonly spec = { id: 'Square-v0', dtSeconds: 1, maxSteps: 1 };
  readonly observationSpace: Space = {
    kind: 'dict',
    spaces: {
      camera: {
        ...{ kind: 'box', shape: [side, side, 1], dtype: 'uint8' },
        ...{ low: new Float64Array(side * side), high: new Float64Array(side * side).fill(255) },
      },
      nothing: { kind: 'box', shape: [1], dtype: 'float32', low: Float64Array.of(-1), high: Float64Array.of(1) },
    },
  };
  readonly actionSpace: Space = { kind: 'discrete', n: 2 };
  #right = 0;
  #rng: Rng = rng(0);

  reset({ seed }: { seed?: number } = {}): { obs: Obs; info: { [key: string]: unknown } } {
    if (seed !== undefined) this.#rng = rng(seed);
    this.#right = this.#rng.int(2);
    return { obs: this.#obs(), info: {} };
  }

  step(action: number | Float32Array): EnvStep {
    return { obs: this.#obs(), reward: action === this.#right ? 1 : -1, terminated: true, truncated: false, info: {} };
  }

  getState(): Float64Array {
    return Float64Array.of(this.#right);
  }

  setState(s: Float64Array): void {
    this.#right = s[0] as number;
  }

  close(): void {}
  [Symbol.dispose](): void {}

  #obs(): Obs {
    const camera = new Uint8Array(side * side);
    const [x, y] = [this.#rng.int(10) + 18 * this.#right, this.#rng.int(28)];
    for (let i = 0; i < 64; i++) camera[(y + (i >> 3)) * side + x + (i & 7)] = 255;
    return { camera, nothing: Float32Array.of(this.#rng.uniform()) };
  }
}

const common = { env: () => new Square(), hidden: [32], learningRate: 1e-3, seed: 1 };

test('ppo learns from pictures, and plays them one at a time', async () => {
  using agent = await OnPolicyAgent.create({ ...common, numEnvs: 8, rollout: 16 });
  await agent.run({ steps: 1024 });
  expect((await evaluate(agent, { episodes: 40, seed: 2 })).mean).toBeGreaterThan(0.9);
  const env = new Square();
  const act = policyOf(agent, env);
  const { obs } = env.reset({ seed: 4 });
  expect(env.step(act(obs) as number).reward).toBe(1);
});

test('a policy with a memory sees too', async () => {
  using agent = await OnPolicyAgent.create({
    ...common,
    numEnvs: 8,
    rollout: 16,
    recurrent: { cell: 'gru', size: 16, sequence: 8 },
  });
  await agent.run({ steps: 1024 });
  expect((await evaluate(agent, { episodes: 40, seed: 2 })).mean).toBeGreaterThan(0.9);
});

test('dqn learns from pictures', async () => {
  using agent = await OffPolicyAgent.create({
    ...{ ...common, algorithm: 'dqn', buffer: { capacity: 1000 }, batchSize: 32, learningStarts: 100 },
    ...{ trainEvery: 4, targetEvery: 100 },
  });
  await agent.run({ steps: 800 });
  expect((await evaluate(agent, { episodes: 40, seed: 2 })).mean).toBeGreaterThan(0.9);
});
