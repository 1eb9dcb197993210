// What holds whatever the numbers are: surrogates at the policy that acted, advantages at λ = 1, baselines.
import { useBackend } from '@gimbal/tensor-core';
import { grad, type Tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { baselineAdvantages, gae, type Surrogate, surrogates, vtrace } from '../src/index.ts';

beforeAll(() => useBackend('auto'));

const finite = { noNaN: true, noDefaultInfinity: true };
const numbers = (least: number, most: number, length = 12) =>
  fc.array(fc.float({ min: Math.fround(-most), max: Math.fround(most), ...finite }), {
    minLength: least,
    maxLength: length,
  });

test('at the policy that acted every surrogate has the policy gradient −Â/n, whatever its options', () => {
  const made: fc.Arbitrary<Surrogate> = fc.oneof(
    fc.constantFrom(surrogates.reinforce(), surrogates.ratio()),
    fc
      .double({ min: 0.01, max: 0.99, ...finite })
      .chain((clipEpsilon) =>
        fc.constantFrom(
          surrogates.ppoClip({ clipEpsilon }),
          surrogates.ppoClip({ clipEpsilon: { low: clipEpsilon, high: 1 - clipEpsilon } }),
          surrogates.sppo({ clipEpsilon }),
          surrogates.sppo({ clipEpsilon, pessimistic: false }),
        ),
      ),
    fc
      .double({ min: 0.05, max: 20, ...finite })
      .chain((eta) =>
        fc.constantFrom(
          surrogates.mdpo({ eta }),
          surrogates.spma({ eta }),
          surrogates.ppoKl({ klCoef: eta }),
          surrogates.smdpo({ eta, negativeWeight: 'keep' }),
          surrogates.smdpo({ eta, klEstimator: 'k3', negativeWeight: 'keep' }),
        ),
      ),
  );
  fc.assert(
    fc.property(made, numbers(1, 5), (surrogate, advantages) => {
      tidy(() => {
        const before = advantages.map((a) => -Math.abs(a));
        const [A, old, now] = [tensor1d(advantages), tensor1d(before), tensor1d(before)];
        const loss = (logProbs: Tensor) => surrogate({ logProbs, oldLogProbs: old, advantages: A }).loss;
        const slope = grad(loss)(now).dataSync<'float32'>();
        advantages.forEach((a, i) => {
          expect(slope[i]).toBeCloseTo(-a / advantages.length, 5);
        });
      });
    }),
    { numRuns: 60 },
  );
});

/** A rollout of two copies; ends of either kind where the dice say so. */
const rollouts = fc.integer({ min: 1, max: 8 }).chain((T) => {
  const each = (most: number) => numbers(2 * T, most, 2 * T).map((x) => Float32Array.from(x));
  const flags = fc.array(
    fc.nat(5).map((x) => (x === 0 ? 1 : 0)),
    { minLength: 2 * T, maxLength: 2 * T },
  );
  return fc.record({
    numEnvs: fc.constant(2),
    rewards: each(10),
    values: each(10),
    finalValues: each(10),
    lastValues: numbers(2, 10, 2).map((x) => Float32Array.from(x)),
    terminated: flags.map((x) => Uint8Array.from(x)),
    truncated: flags.map((x) => Uint8Array.from(x)),
  });
});

test('with λ = 1 returns are the discounted rewards to the end of an episode, with what its last value stands for', () => {
  fc.assert(
    fc.property(rollouts, fc.double({ min: 0, max: 1, ...finite }), (b, gamma) => {
      const { advantages, returns } = gae(b, { gamma, lambda: 1 });
      const size = b.rewards.length;
      const ahead = Array.from(b.lastValues);
      for (let i = size - 1; i >= 0; i--) {
        const n = i % 2;
        if (b.terminated[i] === 1) ahead[n] = 0;
        else if (b.truncated[i] === 1) ahead[n] = b.finalValues[i] as number;
        ahead[n] = (b.rewards[i] as number) + gamma * (ahead[n] as number);
        expect(Math.abs((returns[i] as number) - ahead[n])).toBeLessThan(1e-4);
        expect(Math.abs((advantages[i] as number) - (ahead[n] - (b.values[i] as number)))).toBeLessThan(1e-4);
      }
      // V-trace of the policy that acted is just that
      const still = vtrace(b, new Float32Array(size), { gamma, lambda: 1 });
      still.returns.forEach((v, i) => {
        expect(Math.abs(v - (returns[i] as number))).toBeLessThan(1e-4);
      });
    }),
  );
});

test('advantages of a group sum to 0 and do not see a shift of its rewards; those that abstain change nothing', () => {
  const rewards = numbers(2, 100, 8);
  fc.assert(
    fc.property(rewards, fc.float({ min: -50, max: 50, ...finite }), (given, shift) => {
      const of = (list: (number | null)[], baseline: 'group' | 'leave-one-out') =>
        Array.from(baselineAdvantages(list, new Int32Array(list.length), { baseline }));
      for (const baseline of ['group', 'leave-one-out'] as const) {
        const plain = of(given, baseline);
        expect(Math.abs(plain.reduce((a, b) => a + b, 0))).toBeLessThan(1e-3);
        of(
          given.map((r) => r + shift),
          baseline,
        ).forEach((a, i) => {
          expect(Math.abs(a - (plain[i] as number))).toBeLessThan(1e-3);
        });
        expect(of([...given, null], baseline)).toEqual([...plain, 0]);
      }
    }),
  );
});
