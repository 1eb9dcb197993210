import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useBackend } from '@gimbal/tensor-core';
import { Track } from '../../test/fixtures/track.ts';
import { OnPolicyAgent, type OnPolicyOptions, surrogates } from '../index.ts';
import { boundedRate, nextPenalty, nextRateFactor } from './adaptive.ts';

beforeAll(() => useBackend('auto'));

test('rules by hand', () => {
  expect([0.005, 0.01, 0.02].map((kl) => nextPenalty(1, kl, 0.01))).toEqual([0.5, 1, 2]);
  const next = (finalKl: number, learningRate = 1e-3): number =>
    nextRateFactor(1, { finalKl, learningRate }, { kl: 0.01 });
  expect([0.004, 0.005, 0.02, 0.021].map((kl) => next(kl))).toEqual([1.5, 1, 1, 1 / 1.5]);
  // at its bound it stands
  expect([next(0.004, 1e-2), next(0.021, 1e-5)]).toEqual([1, 1]);
  expect([1e-9, 0.5, 1e9].map((factor) => boundedRate(1e-3, factor, { kl: 0.01 }))).toEqual([1e-5, 5e-4, 1e-2]);
  expect(boundedRate(7, 3, undefined)).toBe(7);
});

const create = (o: Partial<OnPolicyOptions>): Promise<OnPolicyAgent> =>
  OnPolicyAgent.create({ env: () => new Track(), numEnvs: 2, rollout: 32, hidden: [16], seed: 1, ...o });

test('a rate that is far too small or large is brought to where updates move as wanted, and a resumed run knows it', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'adaptive-'));
  try {
    for (const learningRate of [1e-5, 1e-2]) {
      const adaptiveRate = { kl: 0.003, max: 0.1 };
      using agent = await create({ learningRate, adaptiveRate });
      const seen: { rate: number; kl: number }[] = [];
      for await (const m of agent.train({ steps: 64 * 40 })) seen.push({ rate: m.learningRate, kl: m.finalKl });
      expect(seen[0]?.rate).toBeCloseTo(learningRate, 12);
      for (const [i, { rate, kl }] of seen.slice(0, -1).entries()) {
        const by = kl > 0.006 ? 1 / 1.5 : kl < 0.0015 ? 1.5 : 1;
        expect((seen[i + 1]?.rate as number) / rate).toBeCloseTo(by, 6);
      }
      const late = seen.slice(-10).map(({ kl }) => kl);
      const mean = late.reduce((a, b) => a + b) / late.length;
      expect(mean).toBeGreaterThan(0.003 / 4);
      expect(mean).toBeLessThan(0.003 * 4);
      const at = join(dir, String(learningRate));
      await agent.save(at);
      using again = await OnPolicyAgent.resume(at, { env: () => new Track() });
      const [a, b] = [await agent.run({ steps: 64 * 41 }), await again.run({ steps: 64 * 41 })];
      expect(b?.learningRate).toBe(a?.learningRate);
    }
  } finally {
    await rm(dir, { recursive: true });
  }
});

test('PPO-KL’s penalty goes by how far the whole update moved the policy, not by its way there', async () => {
  const target = 0.003;
  using agent = await create({ surrogate: surrogates.ppoKl(), adaptiveKl: { target }, learningRate: 3e-3 });
  let [before, apart] = [1, 0];
  for await (const m of agent.train({ steps: 64 * 30 })) {
    const { klCoef, finalKl, klForward } = m as unknown as { klCoef: number; finalKl: number; klForward: number };
    expect(klCoef).toBe(nextPenalty(before, finalKl, target));
    if (nextPenalty(before, klForward, target) !== klCoef) apart++;
    before = klCoef;
  }
  expect(apart).toBeGreaterThan(0); // the mean over the passes would have said otherwise
});

test('what cannot be is refused', async () => {
  await expect(create({ adaptiveRate: { kl: 0 } })).rejects.toThrow('adaptiveRate.kl: out of range; got 0');
  await expect(create({ adaptiveRate: { kl: 0.01, min: 1, max: 0.1 } })).rejects.toThrow('adaptiveRate.max');
  await expect(create({ adaptiveRate: { kl: 0.01 }, method: 'trpo' })).rejects.toThrow(
    'adaptiveRate is of gradient steps',
  );
  await expect(create({ adaptiveRate: { target: 0.01 } as never })).rejects.toThrow('adaptiveRate');
});
