// Losses of one's own that fail: said by their name, with what was thrown, and nothing is left in memory.
import { ConfigError, useBackend } from '@gimbal/tensor-core';
import { memory, type Scalar, scalar, square, type Variable, variable } from '@tensorflow/tfjs-core';
import { Track } from '../../test/fixtures/track.ts';
import { type AuxLoss, OnPolicyAgent } from '../index.ts';

beforeAll(() => useBackend('auto'));

const own = new ConfigError({ where: 'mine', what: 'no data' });
const thrown = new Error('no such column');

test.each<[string, () => unknown, object]>([
  [
    'throws',
    () => {
      throw thrown;
    },
    { code: 'ERR_CONFIG', where: 'auxLosses, mine', what: 'loss threw: no such column', cause: thrown },
  ],
  [
    'throws what is no error',
    () => {
      throw 'no';
    },
    { code: 'ERR_CONFIG', what: 'loss threw: no', cause: 'no' },
  ],
  [
    'throws a typed error',
    () => {
      throw own;
    },
    { code: 'ERR_CONFIG', where: 'mine', what: 'no data' },
  ],
  ['gives a promise', async () => Promise.reject(thrown), { code: 'ERR_CONFIG', what: 'loss gave a promise' }],
  ['gives nothing', () => undefined, { code: 'ERR_SHAPE' }],
])('a loss that %s', async (_, fail, wanted) => {
  const start = memory().numTensors;
  const zero = scalar(1);
  const w = variable(zero);
  zero.dispose();
  let calls = 0;
  const mine: AuxLoss = {
    name: 'mine',
    params: { w },
    loss: (params) => {
      calls++;
      return calls === 1 ? (square((params as { w: Variable }).w) as Scalar) : (fail() as Scalar);
    },
  };
  {
    using agent = await OnPolicyAgent.create({
      ...{ env: () => new Track(), numEnvs: 1, rollout: 16, hidden: [4], seed: 1 },
      auxLosses: [mine],
    });
    await expect(agent.run({ steps: 64 })).rejects.toMatchObject(wanted);
    expect(calls).toBe(2);
  }
  w.dispose();
  expect(memory().numTensors).toBe(start);
});
