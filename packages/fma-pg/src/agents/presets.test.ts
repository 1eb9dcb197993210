// The published numbers that presets stand for, and defaults that decide how well PPO learns.
import { flatten, type Params, rng, useBackend } from '@gimbal/tensor-core';
import { tensor1d, tidy } from '@tensorflow/tfjs-core';
import { Track } from '../../test/fixtures/track.ts';
import { linear, offPolicyPresets, onPolicyPresets, type Surrogate, tokenPresets } from '../index.ts';
import { learnerOf } from '../off-policy/learner-of.ts';
import { resolveOffPolicy } from '../off-policy/off-policy-options.ts';
import { ReplayBuffer } from '../replay/replay-buffer.ts';
import { actionSpec } from '../spaces/action-spec.ts';
import { observationSpec } from '../spaces/observation-spec.ts';
import { resolveOnPolicy } from './resolve-on-policy.ts';

beforeAll(() => useBackend('auto'));

const env = (): Track => new Track();

test.each(Object.entries(onPolicyPresets))('%s clips gradients at .5, and Adam’s ε is 1e-5', (name, preset) => {
  const { maxGradNorm, optimizer } = resolveOnPolicy({ ...preset(), env, seed: 1 });
  expect(maxGradNorm).toBe(0.5);
  // Baselines' and CleanRL's; with PyTorch's 1e-8 PPO learns otherwise. A2C has RMSProp
  expect(optimizer).toMatchObject({ name: name === 'a2c' ? 'rmsprop' : 'adam', epsilon: 1e-5 });
});

test('mdpo’s η falls from 1 almost to 0, as 1/t of its penalty does (arXiv 2005.09814)', () => {
  const { surrogate } = resolveOnPolicy({ ...onPolicyPresets.mdpo(), env, seed: 1 });
  expect([surrogate.surrogate, surrogate.options]).toEqual(['mdpo', { eta: { from: 1, to: 1e-3 } }]);
});

/** Losses of one entry with ρ = 2, once with Â = 1 and once with Â = −3: what ε, η, β and the clamp are by themselves. */
function lossesOf(surrogate: Surrogate): number[] {
  return [1, -3].map((advantage) =>
    tidy(() => {
      const [logProbs, oldLogProbs] = [tensor1d([Math.LN2]), tensor1d([0])];
      const { loss } = surrogate({ logProbs, oldLogProbs, advantages: tensor1d([advantage]), progress: 0 });
      return loss.dataSync<'float32'>()[0] as number;
    }),
  );
}

interface Published {
  /** whose numbers they are */
  source: string;
  numbers: object;
  /** see `lossesOf`; none of a natural-gradient step, which needs no surrogate */
  losses?: readonly [number, number];
}

const { LN2 } = Math;
const always = { numEnvs: 1, gamma: 0.99, entropyCoef: 0 };
const continuous = {
  ...{ ...always, rollout: 2048, minibatches: 32, epochs: 10, learningRate: linear(3e-4, 0), gaeLambda: 0.95 },
  ...{ valueCoef: 0.5, normalizeAdvantage: 'minibatch', normalize: { obs: true, reward: true }, method: 'gradient' },
};
const natural = {
  ...{ ...always, rollout: 2048, gaeLambda: 0.95, normalizeAdvantage: 'batch' },
  trustRegion: { delta: 0.01, cgIterations: 15, damping: 0.1, shrink: 0.8, backtracks: 10 },
  critic: { epochs: 10, batchSize: 128, learningRate: 1e-3 },
};

// k3 of ρ = 2 is 1 − ln 2, the reverse KL's estimate 2 ln 2 − 1
const onPolicy: Record<keyof typeof onPolicyPresets, Published> = {
  ppo: {
    source: 'CleanRL, ppo_continuous_action.py: ε .2, its value’s too',
    numbers: { ...continuous, valueClip: 0.2 },
    losses: [-1.2, 6],
  },
  ppoKl: {
    source: 'arXiv 1707.06347, §4: β 1 at first, d .01',
    numbers: { ...continuous, adaptiveKl: { target: 0.01 } },
    losses: [-2 + (1 - LN2), 6 + (1 - LN2)],
  },
  sppo: {
    source: 'arXiv 2108.05828 with CleanRL’s PPO: ε .2, pessimistic',
    numbers: { ...continuous, valueClip: 0.2 },
    losses: [-Math.log(1.2), 3 * LN2],
  },
  smdpo: {
    source: 'arXiv 2108.05828 with CleanRL’s PPO: η 1, Â at least −1/η',
    numbers: { ...continuous, valueClip: 0.2 },
    losses: [-LN2 + (1 - LN2), LN2 + (1 - LN2)],
  },
  spma: {
    source: 'arXiv 2411.12042: η 1, minibatches of 64, ten passes',
    numbers: continuous,
    losses: [-LN2 + (1 - LN2), 3 * LN2 + (1 - LN2)],
  },
  mdpo: {
    source: 'arXiv 2005.09814 and its code: ten steps on the whole batch, the critic five passes in parts of 128',
    numbers: {
      ...{ ...continuous, minibatches: 1, epochs: 10, normalizeAdvantage: 'batch', valueClip: 0.2 },
      critic: { epochs: 5, batchSize: 128 },
    },
    losses: [-2 + (2 * LN2 - 1), 6 + (2 * LN2 - 1)],
  },
  trpo: { source: 'arXiv 1502.05477, as sb3-contrib sets it', numbers: { ...natural, method: 'trpo' } },
  npg: { source: 'TRPO’s', numbers: { ...natural, method: 'npg' } },
  a2c: {
    source: 'Stable-Baselines3, whose vf_coef .5 is of the whole squared error, ours of the half',
    numbers: {
      ...{ ...always, rollout: 5, epochs: 1, minibatches: 1, gaeLambda: 1, learningRate: 7e-4, valueCoef: 1 },
      ...{ normalizeAdvantage: false, optimizer: { name: 'rmsprop', decay: 0.99, epsilon: 1e-5 } },
    },
    losses: [-LN2, 3 * LN2],
  },
  reinforce: {
    source: 'Williams 1992: one step a batch on returns to go, λ 1',
    numbers: { ...always, epochs: 1, minibatches: 1, gaeLambda: 1 },
    losses: [-LN2, 3 * LN2],
  },
};

test.each(Object.entries(onPolicy))('the numbers of %s are the published ones', (name, { numbers, losses }) => {
  const preset = onPolicyPresets[name as keyof typeof onPolicyPresets];
  const resolved = resolveOnPolicy({ ...preset(), env, seed: 1 });
  expect(resolved).toMatchObject(numbers);
  // of those that clip no values there is none
  expect(resolved.valueClip).toBe((numbers as { valueClip?: number }).valueClip);
  if (losses !== undefined) expect(lossesOf(resolved.surrogate)).toEqual(losses.map((x) => expect.closeTo(x, 5)));
});

const soft = { ...{ hidden: [256, 256], batchSize: 256, gamma: 0.99, learningRate: 3e-4 }, trainEvery: 1, updates: 1 };
const offPolicy: Record<keyof typeof offPolicyPresets, Published> = {
  sac: {
    source: 'Stable-Baselines3',
    numbers: { ...soft, learningStarts: 100, alpha: 1, learnAlpha: true, buffer: {} },
  },
  td3: {
    source: 'CleanRL, td3_continuous_action.py',
    numbers: {
      ...{ ...soft, learningStarts: 25_000, policyDelay: 2 },
      ...{ explorationNoise: 0.1, targetNoise: 0.2, targetNoiseClip: 0.5, buffer: {} },
    },
  },
  dqn: {
    source: 'RL Baselines3 Zoo, CartPole-v1; five steps, the double estimator and the rate’s fall are ours',
    numbers: {
      ...{ hidden: [256, 256], gamma: 0.99, learningRate: linear(2.3e-3, 0), batchSize: 64, learningStarts: 1000 },
      ...{ trainEvery: 256, updates: 128, targetEvery: 10, maxGradNorm: 10, double: true },
      ...{ exploration: linear(1, 0.04), explorationFraction: 0.16, buffer: { capacity: 100_000, nStep: 5 } },
    },
  },
  mdpoOffPolicy: {
    source: 'arXiv 2005.09814 and its code: λ .2, c 1',
    numbers: {
      ...{ ...soft, learningStarts: 10_000, targetEvery: 1000, alpha: 0.2, learnAlpha: false, proximal: 1, buffer: {} },
    },
  },
};

test.each(Object.entries(offPolicy))('the numbers of %s are the published ones', (name, { numbers }) => {
  const preset = offPolicyPresets[name as keyof typeof offPolicyPresets];
  expect(resolveOffPolicy({ ...preset(), env, seed: 1 })).toMatchObject(numbers);
});

test.each([
  ['sac', 0.005, 'critics', 'targets'],
  ['td3', 0.005, 'critics', 'targets'],
  ['mdpo', 0.005, 'critics', 'targets'],
  ['dqn', 1, 'q', 'target'],
] as const)('targets of %s go %d of the way', (algorithm, tau, learnt, followed) => {
  const track = new Track({ actions: algorithm === 'dqn' ? 'discrete' : 'continuous' });
  const options = resolveOffPolicy({ algorithm, hidden: [4], policyDelay: 1, env, seed: 1 });
  const spaces = [observationSpec(track.observationSpace), actionSpec(track.actionSpace)] as const;
  const learner = learnerOf(options, ...spaces, rng(1));
  const values = (tree: string): number[] =>
    flatten(learner.trees[tree] as Params).flatMap(([, t]) => [...t.dataSync<'float32'>()]);
  const before = values(followed);
  const ones = (n: number): Float32Array => new Float32Array(n).fill(1);
  const batch = { rows: 2, obs: ones(4), nextObs: ones(4), actions: ones(2), rewards: ones(2), discounts: ones(2) };
  const flags = { terminated: new Uint8Array(2), truncated: new Uint8Array(2) };
  learner.update({ ...batch, ...flags, weights: ones(2), indices: new Int32Array(2) }, 0.1, rng(2), 0).metrics();
  learner.copyTarget?.();
  const way = (tree: string): number =>
    values(tree).reduce((sum, x, i) => sum + Math.abs(x - (before[i] as number)), 0);
  expect(way(learnt)).toBeGreaterThan(0.2);
  expect(way(followed) / way(learnt)).toBeCloseTo(tau, 4);
  learner.dispose();
});

test('a buffer holds a million rows where nothing else is said (Stable-Baselines3’s)', () => {
  expect(new ReplayBuffer(1, 1, 1, 0.99, {}).capacity).toBe(1e6);
});

test('sppo on tokens is Trinity-RFT’s: ε .3, a plain clip', () => {
  // log 2 is beyond log 1.3 on both sides
  const { surrogate } = tokenPresets.sppo();
  expect(lossesOf(surrogate as Surrogate)).toEqual([-1, 3].map((x) => expect.closeTo(x * Math.log(1.3), 5)));
});
