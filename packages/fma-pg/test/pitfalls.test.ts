// What is easily mixed up about these methods, each mistake as a test that would see it.
import { flatten, useBackend } from '@gimbal/tensor-core';
import { type Tensor, tensor1d, tensor2d, zerosLike } from '@tensorflow/tfjs-core';
import type { ActorCritic } from '../src/agents/actor-critic.ts';
import type { MinibatchTensors } from '../src/agents/on-policy-batch.ts';
import { surrogateInput } from '../src/agents/on-policy-loss.ts';
import { etaBound, mdps, OnPolicyAgent, type Surrogate, surrogates, type TransitionBatch } from '../src/index.ts';
import { policyHead } from '../src/policies/head.ts';
import { Track } from './fixtures/track.ts';

beforeAll(() => useBackend('cpu'));

/** p_t and p_θ over two actions, a sample of ten actions with exactly p_t's shares, and x = log p_θ − log p_t of each. */
const [before, after] = [
  [0.7, 0.3],
  [0.4, 0.6],
] as const;
const klOf = (p: readonly number[], q: readonly number[]): number =>
  p.reduce((sum, v, i) => sum + v * Math.log(v / (q[i] as number)), 0);
const drawn = [0, 0, 0, 0, 0, 0, 0, 1, 1, 1];
const logRatios = drawn.map((a) => Math.log((after[a] as number) / (before[a] as number)));
const of = (per: readonly number[]): number[] => drawn.map((a) => per[a] as number);
const read = (t: Tensor): number => t.dataSync()[0] as number;

const loss = (s: Surrogate, x: readonly number[], A: readonly number[]): number => {
  const logProbs = tensor1d([...x]);
  return read(s({ logProbs, oldLogProbs: zerosLike(logProbs), advantages: tensor1d([...A]) }).loss);
};

describe('which way round a KL is', () => {
  test('estimates from samples of p_t: forward is KL(p_t ‖ p_θ), reverse is KL(p_θ ‖ p_t)', () => {
    const x = { logProbs: tensor1d(logRatios), oldLogProbs: tensor1d(of([0, 0])), advantages: tensor1d(of([1, -1])) };
    const { stats } = surrogates.ratio()(x);
    expect(read(stats.klForward)).toBeCloseTo(klOf(before, after), 6);
    expect(read(stats.klReverse)).toBeCloseTo(klOf(after, before), 6);
    expect(klOf(before, after)).not.toBeCloseTo(klOf(after, before), 3);
  });

  test.each([
    ['smdpo', klOf(before, after)],
    ['ppoKl', klOf(before, after)],
    ['mdpo', klOf(after, before)],
  ] as const)('%s is held by its own, in closed form', (name, wanted) => {
    const head = policyHead({ kind: 'discrete', nvec: [2], single: true, start: 0 });
    const logits = (p: readonly number[]) => tensor2d([p.map(Math.log)]);
    const net = {
      outputs: () => logits(after),
      distribution: (_: unknown, outputs: ReturnType<typeof logits>) => head.distribution(outputs, {}),
    } as unknown as ActorCritic;
    const batch = { oldOutputs: logits(before), actions: tensor1d([0], 'int32') } as unknown as MinibatchTensors;
    const { input } = surrogateInput(net, {}, {}, batch, surrogates[name](), 0);
    const { forward, reverse } = input.kl ?? {};
    expect([forward, reverse].map((kl) => kl && read(kl))).toEqual(
      name === 'mdpo' ? [undefined, expect.closeTo(wanted, 6)] : [expect.closeTo(wanted, 6), undefined],
    );
  });
});

describe('sMDPO’s weights 1 + ηÂ', () => {
  test('a negative one has no bound: kept, the loss falls for ever; clamped, the action’s probability only goes to 0', () => {
    // one action drawn, with Â = −3 and η = 1: log p_θ → −∞
    const at = (negativeWeight: 'keep' | 'clamp', x: number): number =>
      loss(surrogates.smdpo({ negativeWeight, klEstimator: 'k1' }), [x], [-3]);
    expect([-1, -5, -10].map((x) => at('keep', x))).toEqual([-2, -10, -20].map((v) => expect.closeTo(v, 5)));
    expect([-1, -5, -10].map((x) => at('clamp', x))).toEqual([0, 0, 0].map((v) => expect.closeTo(v, 5)));
  });

  test('merged, (Â + 1/η) log ρ, and split into Â log ρ − KL/η, the mean is the same; the merged one varies more', () => {
    // Â whose mean under p_t is not 0: .7 · 2 − .3 = 1.1
    const A = of([2, -1]);
    const merged = surrogates.smdpo({ eta: 0.5, klEstimator: 'k1' });
    const split = surrogates.smdpo({ eta: 0.5, klEstimator: 'k3' });
    expect(loss(merged, logRatios, A)).toBeCloseTo(loss(split, logRatios, A), 5);
    const spread = (s: Surrogate): number => {
      const each = drawn.map((_, i) => loss(s, [logRatios[i] as number], [0]));
      const mean = each.reduce((a, b) => a + b) / each.length;
      return each.reduce((sum, v) => sum + (v - mean) ** 2, 0) / each.length;
    };
    expect(spread(merged)).toBeGreaterThan(4 * spread(split));
  });
});

describe('the unit of η', () => {
  test.each(['smdpo', 'mdpo', 'spma'] as const)(
    '%s: advantages c times as large want an η c times as small',
    (name) => {
      const A = of([0.5, -0.4]);
      const scaled = A.map((a) => 3 * a);
      expect(loss(surrogates[name]({ eta: 1 / 3 }), logRatios, scaled)).toBeCloseTo(
        3 * loss(surrogates[name]({ eta: 1 }), logRatios, A),
        5,
      );
    },
  );

  test('its bound knows the range of the rewards, not their size', () => {
    const mdp = mdps.cliffWorld();
    const shifted = { ...mdp, r: mdp.r.map((x) => x + 1000) };
    for (const representation of ['softmax', 'direct'] as const)
      expect(etaBound(shifted, representation)).toBeCloseTo(etaBound(mdp, representation), 12);
    expect(etaBound(mdp, 'softmax')).toBeCloseTo((1 - mdp.gamma) / 101, 12);
  });

  test('a schedule that ends in a step size of 0, a penalty without bound, is refused', () => {
    for (const make of [surrogates.mdpo, surrogates.smdpo, surrogates.spma])
      expect(() => make({ eta: { from: 1, to: 0 } })).toThrow(/eta: out of range; got 0, wanted a finite number > 0/);
  });
});

describe('what decides how PPO performs', () => {
  const create = (o: object = {}): Promise<OnPolicyAgent> =>
    OnPolicyAgent.create({
      ...{ surrogate: surrogates.ppoClip(), rollout: 32, minibatches: 1, epochs: 1, hidden: [16, 16], seed: 3 },
      env: () => new Track({ actions: 'continuous' }),
      ...o,
    });

  test('first weights are orthogonal: gain √2 inside, .01 of the policy’s output, 1 of the value’s; biases are 0', async () => {
    using agent = await create();
    const gains: Record<string, number> = {};
    for (const [path, t] of flatten(agent.params)) {
      const values = t.dataSync();
      if (path.endsWith('bias') || path.endsWith('logStd')) {
        expect([...values].every((v) => v === 0)).toBe(true);
        continue;
      }
      const [rows, columns] = t.shape as [number, number];
      // of the shorter side every pair is at right angles and every length is the gain
      const short = Math.min(rows, columns);
      const row = (i: number): number[] =>
        Array.from({ length: Math.max(rows, columns) }, (_, j) =>
          Number(rows <= columns ? values[i * columns + j] : values[j * columns + i]),
        );
      const dot = (i: number, j: number): number => row(i).reduce((sum, v, k) => sum + v * (row(j)[k] as number), 0);
      const gain = Math.sqrt(dot(0, 0));
      for (let i = 0; i < short; i++)
        for (let j = 0; j < short; j++) expect(dot(i, j)).toBeCloseTo(i === j ? gain ** 2 : 0, 4);
      gains[path.replace(/\.weight$/, '')] = gain;
    }
    expect(gains).toEqual({
      'policy.network.0': expect.closeTo(Math.SQRT2, 4),
      'policy.network.1': expect.closeTo(Math.SQRT2, 4),
      'policy.network.2': expect.closeTo(0.01, 5),
      'value.0': expect.closeTo(Math.SQRT2, 4),
      'value.1': expect.closeTo(Math.SQRT2, 4),
      'value.2': expect.closeTo(1, 4),
    });
  });

  test('an action is learnt from as it was sampled; only the environment gets it clipped to its box', async () => {
    const got: number[] = [];
    const learnt: number[] = [];
    class Seen extends Track {
      override step(action: number | Float32Array) {
        got.push((action as Float32Array)[0] as number);
        return super.step(action);
      }
    }
    using agent = await create({
      env: () => new Seen({ actions: 'continuous' }),
      initialLogStd: 1, // wide: most actions are outside ±1
      rewardSource: {
        reward({ actions, rewards }: TransitionBatch) {
          learnt.push(...actions);
          return rewards;
        },
      },
    });
    await agent.run({ steps: 32 });
    expect(learnt.some((a) => Math.abs(a) > 1)).toBe(true);
    expect(got).toEqual(learnt.map((a) => Math.min(Math.max(a, -1), 1)));
  });
});
