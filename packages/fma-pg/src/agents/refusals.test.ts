// What the specification's list of bad inputs (section 7) has of environments and checkpoints.
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Env, type Space, useBackend } from '@gimbal/tensor-core';
import { Track, type TrackOptions } from '../../test/fixtures/track.ts';
import { OnPolicyAgent, type OnPolicyOptions } from '../index.ts';

beforeAll(() => useBackend('auto'));

const small = { numEnvs: 2, rollout: 16, hidden: [8], seed: 1 } as const;
const make = (env: () => Env, o: Partial<OnPolicyOptions> = {}): Promise<OnPolicyAgent> =>
  OnPolicyAgent.create({ env, ...small, ...o });

/** A track whose third step and those after it are changed. */
class Faulty extends Track {
  #steps = 0;
  constructor(
    private readonly change: (result: ReturnType<Track['step']>) => unknown,
    o: TrackOptions = {},
  ) {
    super(o);
  }
  override step(action: number): ReturnType<Track['step']> {
    const result = super.step(action);
    return (++this.#steps < 3 ? result : this.change(result)) as ReturnType<Track['step']>;
  }
}

test.each<[string, (result: ReturnType<Track['step']>) => unknown, string | RegExp]>([
  [
    'the old `done`',
    ({ obs, reward, info }) => ({ obs, reward, done: false, info }),
    /env 0, step: terminated and truncated must be booleans; got "undefined".*wrapper/s,
  ],
  ['a reward that is no number', (r) => ({ ...r, reward: '1' }), 'env 0, step: the reward is no number; got "string"'],
  [
    'an observation of another length',
    (r) => ({ ...r, obs: new Float32Array(3) }),
    'env 0: the observation’s length changed; got 3, wanted 2',
  ],
  [
    'an observation of another dtype',
    (r) => ({ ...r, obs: new Float64Array(2) }),
    'env 0: the observation’s dtype changed; got "Float64Array", wanted Float32Array',
  ],
  [
    'a mask that allows nothing',
    (r) => ({ ...r, info: { actionMask: new Uint8Array(3) } }),
    'env 0, info.actionMask: every action of component 0 is masked',
  ],
  [
    'a mask of another width',
    (r) => ({ ...r, info: { actionMask: Uint8Array.of(1, 1) } }),
    'env 0, info.actionMask: wrong length; got 2, wanted 3',
  ],
])('%s is refused in the step that gives it', async (_, change, message) => {
  using agent = await make(() => new Faulty(change));
  await expect(agent.run({ steps: 32 })).rejects.toThrow(message);
});

test('copies with different spaces, and spaces that no agent has', async () => {
  let made = 0;
  await expect(make(() => new Track({ actions: made++ === 0 ? 'discrete' : 'continuous' }))).rejects.toThrow(
    'env 1: its spaces differ from those of env 0',
  );
  class Empty extends Track {
    override readonly observationSpace: Space = { kind: 'dict', spaces: {} };
  }
  await expect(make(() => new Empty())).rejects.toThrow('observation space: it has no numbers');
});

test.each([
  [{ gaeLambda: -0.1 }, 'gaeLambda: out of range; got -0.1'],
  [{ epochs: 0 }, 'epochs: out of range; got 0'],
  [{ learningRate: Number.NaN }, 'learningRate: out of range; got NaN'],
] as const)('%j is refused', async (options, message) => {
  await expect(make(() => new Track(), options)).rejects.toThrow(message);
});

test('65 entries in two minibatches stay finite', async () => {
  using agent = await make(() => new Track(), { numEnvs: 1, rollout: 65, minibatches: 2 });
  let rows = 0;
  for await (const row of agent.train({ steps: 130 })) {
    rows++;
    // of the numbers of an update; episodes that did not end have no return
    const { policyLoss, valueLoss, entropy, gradNorm, finalKl, explainedVariance } = row;
    for (const x of [policyLoss, valueLoss, entropy, gradNorm, finalKl, explainedVariance])
      expect(Number.isFinite(x)).toBe(true);
  }
  expect(rows).toBe(2);
});

test('an update that is no longer finite says so, and what to do', async () => {
  using agent = await make(() => new Track({ breakAt: { step: 5, reward: 1e38 } }), {
    learningRate: 1e30,
    maxGradNorm: 1e30,
    epochs: 4,
  });
  await expect(agent.run({ steps: 320 })).rejects.toThrow(
    /^on-policy, update: .* is not finite; got .*Lower the learning rate/s,
  );
});

test('weights that only the last update made infinite are not handed over', async () => {
  // its own loss and gradient were finite: no later step reads the weights
  using agent = await make(() => new Track(), { learningRate: 3e38, maxGradNorm: 1, epochs: 1, minibatches: 1 });
  await expect(agent.run({ steps: 32 })).rejects.toThrow(
    /training, after step 32: parameter .* holds -?(NaN|Infinity)/,
  );
});

test('a checkpoint of another seed, number of copies, version of the format or of the library, or a damaged one, is not gone on with', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'fma-pg-'));
  try {
    const env = (): Track => new Track();
    using agent = await make(env);
    await agent.run({ steps: 32 });
    const at = join(dir, 'saved');
    await agent.save(at);
    await expect(OnPolicyAgent.resume(at, { env, seed: 2 })).rejects.toThrow('seed differs; got 1, wanted 2');
    await expect(OnPolicyAgent.resume(at, { env, numEnvs: 4 })).rejects.toThrow('numEnvs differs; got 2, wanted 4');
    const manifest = await readFile(join(at, 'manifest.json'), 'utf8');
    await writeFile(join(at, 'manifest.json'), manifest.replace('"version": 1,', '"version": 2,'));
    await expect(OnPolicyAgent.resume(at, { env })).rejects.toMatchObject({ name: 'CheckpointError' });
    const { about, ...sealed } = JSON.parse(manifest) as { about: { version: string } };
    const later = { ...sealed, about: { ...about, version: '99.1.0' } };
    await writeFile(join(at, 'manifest.json'), JSON.stringify(later));
    await expect(OnPolicyAgent.resume(at, { env })).rejects.toThrow(
      /written by another major version of the library; got "99.1.0", wanted/,
    );
    await writeFile(join(at, 'manifest.json'), manifest);
    const weights = (await readdir(at)).filter((name) => name.endsWith('.safetensors'));
    expect(weights.length).toBeGreaterThan(0);
    for (const name of weights) {
      const { size } = await stat(join(at, name));
      await truncate(join(at, name), size - 8);
    }
    await expect(OnPolicyAgent.resume(at, { env })).rejects.toMatchObject({ name: 'CheckpointError' });
  } finally {
    await rm(dir, { recursive: true });
  }
});
