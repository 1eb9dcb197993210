// Updates of SAC beside Stable-Baselines3's own, from equal weights, batches and noise (test/golden/sac_sb3.py).
import { readFileSync } from 'node:fs';
import { flatten, type Params, type Rng, rng, useBackend } from '@gimbal/tensor-core';
import { tensor, tidy, type Variable } from '@tensorflow/tfjs-core';
import { Sac } from './sac.ts';

type Layers = { weight: number[]; bias: number[] }[];
interface Trees {
  actor: Layers;
  critics: [Layers, Layers];
  targets: [Layers, Layers];
  logAlpha: number;
}
type Batch = { [x in 'obs' | 'actions' | 'rewards' | 'nextObs' | 'terminated' | 'noise' | 'nextNoise']: number[] };
interface Golden {
  sizes: { observation: number; action: number; hidden: number[]; rows: number };
  settings: { learningRate: number; gamma: number; tau: number; alpha: number };
  before: Trees;
  batches: Batch[];
  steps: { critic_loss: number; actor_loss: number; ent_coef: number }[];
  after: Trees;
}
const golden = JSON.parse(readFileSync(new URL('../../test/golden/sac-sb3.json', import.meta.url), 'utf8')) as Golden;

beforeAll(() => useBackend('auto'));

/** Their numbers under our names. */
function named({ actor, critics, targets, logAlpha }: Trees): { [tree: string]: { [path: string]: number[] } } {
  const net = (layers: Layers, under: string): [string, number[]][] =>
    layers.flatMap(({ weight, bias }, i) => [
      [`${under}${i}.weight`, weight],
      [`${under}${i}.bias`, bias],
    ]);
  const twins = ([first, second]: [Layers, Layers]) =>
    Object.fromEntries([...net(first, 'first.'), ...net(second, 'second.')]);
  return {
    actor: Object.fromEntries(net(actor, '')),
    critics: twins(critics),
    targets: twins(targets),
    temperature: { logAlpha: [logAlpha] },
  };
}

const leaves = (tree: Params) => flatten(tree).map(([path, t]) => [path, t as Variable] as const);

/** Draws what they drew. */
function given({ noise, nextNoise }: Batch, shape: [number, number]): Rng {
  const drawn = [noise, nextNoise];
  return { normalTensor: () => tensor(drawn.shift() as number[], shape) } as unknown as Rng;
}

test('four updates are those of Stable-Baselines3', () => {
  const { sizes, settings, before, batches, steps, after } = golden;
  const { rows, ...widths } = sizes;
  const { learningRate, gamma, tau, alpha } = settings;
  const sac = new Sac({ ...widths, gamma, tau, alpha, learnAlpha: true, targetEntropy: -widths.action }, rng(0));
  for (const [name, numbers] of Object.entries(named(before)))
    for (const [path, v] of leaves(sac.trees[name] as Params))
      tidy(() => v.assign(tensor(numbers[path] as number[], v.shape)));
  for (const [update, batch] of batches.entries()) {
    const { metrics } = sac.update(
      {
        rows,
        obs: Float32Array.from(batch.obs),
        actions: Float32Array.from(batch.actions),
        rewards: Float32Array.from(batch.rewards),
        nextObs: Float32Array.from(batch.nextObs),
        discounts: Float32Array.from(batch.terminated, (ended) => gamma * (1 - ended)),
        weights: new Float32Array(rows).fill(1),
        indices: new Int32Array(rows),
      },
      learningRate,
      given(batch, [rows, widths.action]),
      update,
    );
    const { criticLoss, actorLoss, alpha: now } = metrics();
    const theirs = steps[update] as Golden['steps'][number];
    expect((criticLoss as number) / 2).toBeCloseTo(theirs.critic_loss, 4); // theirs is half of it
    expect(actorLoss).toBeCloseTo(theirs.actor_loss, 4);
    expect(now).toBeCloseTo(theirs.ent_coef, 5);
  }
  const gaps = Object.entries(named(after)).flatMap(([name, numbers]) =>
    leaves(sac.trees[name] as Params).flatMap(([path, v]) => {
      const theirs = numbers[path] as number[];
      return [...v.dataSync<'float32'>()].map((x, i) => Math.abs(x - (theirs[i] as number)));
    }),
  );
  sac.dispose();
  gaps.sort((a, b) => a - b);
  // of steps of .01: Adam divides by a gradient's size, which is little but rounding where it is nearly 0
  expect(gaps[Math.floor(0.95 * gaps.length)]).toBeLessThan(1e-6);
  expect(gaps.at(-1)).toBeLessThan(5e-4);
});
