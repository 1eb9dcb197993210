// What users hang into an agent on policy: a source of rewards, and losses of their own.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadRun, useBackend } from '@gimbal/tensor-core';
import { mul, type Scalar, scalar, square, sub, tensor1d, type Variable, variable } from '@tensorflow/tfjs-core';
import { Track } from '../../test/fixtures/track.ts';
import {
  type AuxLoss,
  OnPolicyAgent,
  type OnPolicyOptions,
  type Surrogate,
  surrogates,
  type TransitionBatch,
} from '../index.ts';

beforeAll(() => useBackend('auto'));

const base = { env: () => new Track({ limit: 7 }), numEnvs: 2, rollout: 10, minibatches: 2, hidden: [8], seed: 1 };
const make = (o: Partial<OnPolicyOptions> = {}): Promise<OnPolicyAgent> => OnPolicyAgent.create({ ...base, ...o });

/** The lines of a run, without the clock. */
async function lines(agent: OnPolicyAgent, steps = 60): Promise<object[]> {
  const all: object[] = [];
  for await (const { stepsPerSecond: _, ...line } of agent.train({ steps })) all.push(line);
  return all;
}

/** (w − 2)², which reads no data. */
const towards2 = (w: Variable, o: Partial<AuxLoss> = {}): AuxLoss => ({
  name: 'two',
  params: { w },
  loss: (p) => square(sub((p as { w: Variable }).w, 2)) as Scalar,
  ...o,
});

test('a source that repeats the environment’s rewards changes nothing, normalised or not, whatever it writes into its batch', async () => {
  for (const reward of [false, true]) {
    const normalize = { obs: false, reward };
    const seen: number[] = [];
    const source = {
      reward(batch: TransitionBatch): Float32Array {
        seen.push(...batch.rewards.map((r, i) => r + Math.abs(batch.nextObs[2 * i] as number)));
        const rewards = batch.rewards.slice();
        for (const array of [batch.obs, batch.actions, batch.nextObs, batch.rewards]) array.fill(0);
        for (const array of [batch.terminated, batch.truncated]) array.fill(1);
        return rewards;
      },
    };
    using plain = await make({ normalize });
    using sourced = await make({ normalize, rewardSource: source });
    expect(await lines(sourced)).toEqual(await lines(plain));
    // a track pays −|x|: the source is handed that, not a scaled one
    expect(Math.max(...seen.map(Math.abs))).toBeLessThan(1e-6);
  }
});

test('normalised rewards of a source do not depend on its unit', async () => {
  const of = (scale: number) => ({ reward: ({ rewards }: TransitionBatch) => rewards.map((r) => scale * r) });
  const losses = async (scale: number, reward: boolean): Promise<number> => {
    using agent = await make({ normalize: { reward }, rewardSource: of(scale) });
    return (await agent.run({ steps: 60 }))?.valueLoss as number;
  };
  expect((await losses(64, true)) / (await losses(1, true))).toBeCloseTo(1, 3);
  expect((await losses(64, false)) / (await losses(1, false))).toBeGreaterThan(100);
});

test.each(['rewardSource', 'auxLosses'])(
  'an update whose %s failed is made again, with the same numbers',
  async (hook) => {
    const [w, v] = [variable(scalar(0)), variable(scalar(0))];
    const dir = await mkdtemp(join(tmpdir(), 'hooks-'));
    try {
      let calls = 0;
      const fail = <T>(x: T): T => {
        if (++calls === 3) throw new Error('away');
        return x;
      };
      const failing: Partial<OnPolicyOptions> =
        hook === 'rewardSource'
          ? { rewardSource: { reward: (b) => fail(b.rewards) }, auxLosses: [towards2(v)] }
          : {
              rewardSource: { reward: (b) => b.rewards },
              auxLosses: [towards2(v, { loss: (p) => fail(square(sub((p as { w: Variable }).w, 2)) as Scalar) })],
            };
      const normalize = { reward: true };
      using whole = await make({ rewardSource: { reward: (b) => b.rewards }, normalize, auxLosses: [towards2(w)] });
      using agent = await make({ ...failing, normalize });
      await expect(agent.run({ steps: 60 })).rejects.toThrow('threw: away');
      expect(agent.step).toBe(40);
      await expect(agent.save(join(dir, 'x'))).rejects.toThrow('on-policy, save: the last update was not made, as it');
      expect((await lines(agent, 120)).slice(-3)).toEqual((await lines(whole, 120)).slice(-3));
      expect(v.dataSync()).toEqual(w.dataSync());
      await agent.save(join(dir, 'x'));
    } finally {
      await rm(dir, { recursive: true });
      for (const x of [w, v]) x.dispose();
    }
  },
);

test.each([undefined, { cell: 'gru', size: 4, sequence: 5 } as const])(
  'an update whose surrogate failed is made again with the same numbers, and further losses learn once: memory %j',
  async (recurrent) => {
    const [w, v] = [variable(scalar(0)), variable(scalar(0))];
    const plain = surrogates.ppoClip();
    let isDown = false;
    const surrogate: Surrogate = Object.assign(
      (x: Parameters<Surrogate>[0]) => {
        if (isDown) throw new Error('away');
        return plain(x);
      },
      { surrogate: 'mine', options: {} },
    );
    const o = { surrogate, ...(recurrent && { recurrent }) };
    using whole = await make({ ...o, auxLosses: [towards2(w)] });
    const wanted = await lines(whole);
    const out = await mkdtemp(join(tmpdir(), 'hooks-'));
    using agent = await make({ ...o, auxLosses: [towards2(v)], out, checkpointEvery: 20 });
    const all: object[] = [];
    const go = async (): Promise<void> => {
      for await (const { stepsPerSecond: _, ...line } of agent.train({ steps: 60 })) {
        all.push(line);
        isDown = line.step === 20 && all.length === 1;
      }
    };
    await expect(go()).rejects.toThrow('surrogate mine: it threw: away');
    expect(agent.step).toBe(20);
    await expect(agent.save('/nowhere')).rejects.toThrow('the last update was not made, as it failed');
    // stopped before it is made again, it saves nothing
    await agent.run({ steps: 60, signal: AbortSignal.abort() });
    expect((await loadRun(out)).step).toBe(20);
    isDown = false;
    await go();
    expect(all).toEqual(wanted);
    expect(v.dataSync()).toEqual(w.dataSync());
    for (const x of [w, v]) x.dispose();
    await rm(out, { recursive: true });
  },
);

test('a further loss is logged before its step, and one that is not finite moves nothing', async () => {
  const [w, v] = [variable(scalar(0)), variable(scalar(1))];
  using agent = await make({ auxLosses: [towards2(w)] });
  expect(((await lines(agent)) as { 'aux/two': number }[]).map((line) => line['aux/two'])[0]).toBe(4);
  const at = w.dataSync()[0];
  const worse = towards2(v, { name: 'worse', loss: (p) => mul((p as { w: Variable }).w, Number.NaN) as Scalar });
  using broken = await make({ auxLosses: [towards2(w), worse] });
  await expect(broken.run({ steps: 20 })).rejects.toMatchObject({
    code: 'ERR_NUMERICAL',
    message: expect.stringContaining('auxLosses, worse: the loss is not finite; got NaN'),
  });
  const flat = towards2(v, { name: 'flat', loss: () => tensor1d([1, 2]) as never });
  using vector = await make({ auxLosses: [flat] });
  await expect(vector.run({ steps: 20 })).rejects.toThrow('auxLosses, flat: the loss is no scalar');
  expect([w.dataSync()[0], v.dataSync()[0]]).toEqual([at, 1]);
  for (const x of [w, v]) x.dispose();
});

test.each([
  [['../../../x'], 'auxLosses[0].name: it is the name of a file; got "../../../x", wanted letters, digits, - _ and .'],
  [['a\0'], 'auxLosses[0].name: it is the name of a file'],
  [['a', 'a-optimizer'], 'auxLosses[1]: the name is there already; got "a"'],
  [['a-optimizer', 'a'], 'auxLosses[1]: the name is there already; got "a-optimizer"'],
])('names of losses that are no file names of their own are refused: %j', async (names, message) => {
  const w = variable(scalar(0));
  await expect(make({ auxLosses: names.map((name) => towards2(w, { name })) })).rejects.toThrow(message);
  w.dispose();
});
