// A surrogate of the user's own: what it gives is looked at before anything is learnt from it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useBackend } from '@gimbal/tensor-core';
import { zeros } from '@tensorflow/tfjs-core';
import { Track } from '../../test/fixtures/track.ts';
import {
  OnPolicyAgent,
  type OnPolicyOptions,
  type Surrogate,
  type SurrogateResult,
  smdpo,
  surrogates,
} from '../index.ts';

beforeAll(() => useBackend('auto'));

const base = { env: () => new Track(), rollout: 8, minibatches: 2, epochs: 1, hidden: [4], seed: 1 };
const make = (o: Partial<OnPolicyOptions>): Promise<OnPolicyAgent> => OnPolicyAgent.create({ ...base, ...o });
const plain = surrogates.ppoClip();

/** The clipped one, changed. */
const mine = (change: (r: SurrogateResult) => unknown): Surrogate =>
  Object.assign(((x) => change(plain(x))) as typeof plain, { surrogate: 'mine', options: {} });

test.each<[string, (r: SurrogateResult) => unknown, string]>([
  ['nothing', () => undefined, 'surrogate mine: it gave no loss; wanted { loss, stats: { klForward,'],
  ['no stats', ({ loss }) => ({ loss }), 'surrogate mine: it gave no stats.klForward'],
  [
    'some stats',
    ({ loss, stats }) => ({ loss, stats: { ...stats, ratioMax: undefined } }),
    'it gave no stats.ratioMax',
  ],
  ['a number as its loss', (r) => ({ ...r, loss: 3 }), 'surrogate mine: its loss is no tensor; got "number"'],
  ['a vector as its loss', (r) => ({ ...r, loss: zeros([4]) }), 'surrogate mine: its loss is no scalar; got [4]'],
  ['a promise', async (r) => r, 'surrogate mine: it gave a promise'],
  [
    'an error',
    () => {
      throw new Error('no data');
    },
    'surrogate mine: it threw: no data',
  ],
])('one that gives %s is refused', async (_, change, message) => {
  using agent = await make({ surrogate: mine(change) });
  await expect(agent.run({ steps: 8 })).rejects.toMatchObject({
    code: expect.stringMatching(/^ERR_/),
    message: expect.stringContaining(message),
  });
});

test('one without options is refused, and one that was saved is wanted again', async () => {
  const bare = Object.assign(((x) => plain(x)) as typeof plain, { surrogate: 'mine' });
  await expect(make({ surrogate: bare as Surrogate })).rejects.toThrow('surrogate mine: it has no options');
  const dir = await mkdtemp(join(tmpdir(), 'own-surrogate-'));
  try {
    const surrogate = mine((r) => r);
    using agent = await make({ surrogate });
    await agent.run({ steps: 8 });
    await agent.save(join(dir, 'x'));
    await expect(OnPolicyAgent.resume(join(dir, 'x'), { env: base.env })).rejects.toThrow('Give surrogate again');
    (await OnPolicyAgent.resume(join(dir, 'x'), { env: base.env, surrogate })).dispose();
  } finally {
    await rm(dir, { recursive: true });
  }
});

test('what changes over a run is logged where it has its default, too', async () => {
  using agent = await OnPolicyAgent.create({ ...base, ...smdpo(), rollout: 8, minibatches: 2 });
  expect((await agent.run({ steps: 8 }))?.eta).toBe(1);
  using clipped = await make({});
  expect((await clipped.run({ steps: 8 }))?.clipEpsilon).toBe(0.2);
});
