// Updates that are captured and replayed must be the updates as they are, to the bit.
import { flatten, useBackend } from '@gimbal/tensor-core';
import { tensor, tidy, type Variable } from '@tensorflow/tfjs-core';
import { Track, type TrackOptions } from '../../test/fixtures/track.ts';
import {
  linear,
  mdpo,
  OnPolicyAgent,
  type OnPolicyOptions,
  type OnPolicyStep,
  type Surrogate,
  surrogates,
} from '../index.ts';

beforeAll(() => useBackend('auto'));

/** The same loss, which does not say that it can be replayed: its steps run as they are. */
const asItIs = (s: Surrogate): Surrogate =>
  Object.assign((x: Parameters<Surrogate>[0]) => s(x), { surrogate: s.surrogate, options: s.options });

async function rows(
  options: Partial<OnPolicyOptions>,
  track: TrackOptions,
  between: (agent: OnPolicyAgent) => void,
): Promise<object[]> {
  using agent = await OnPolicyAgent.create({
    env: () => new Track(track),
    ...{ numEnvs: 3, rollout: 15, epochs: 3, minibatches: 4, hidden: [8], learningRate: 0.01, seed: 1 },
    ...options,
  });
  const all: OnPolicyStep[] = [];
  for (const steps of [180, 360]) {
    for await (const s of agent.train({ steps })) all.push(s);
    between(agent);
  }
  return all.map((s) => ({ ...s, stepsPerSecond: 0 }));
}

const cases: [string, Surrogate, Partial<OnPolicyOptions>, TrackOptions][] = [
  ['rollouts that split unevenly', surrogates.ppoClip(), { valueClip: 0.2 }, { actions: 'continuous' }],
  [
    'a clip and an entropy bonus that fall',
    surrogates.ppoClip({ clipEpsilon: linear(0.2, 0) }),
    { entropyCoef: linear(0.1, 0) },
    {},
  ],
  ['masks', surrogates.sppo(), {}, { masks: true }],
  ['several choices', surrogates.smdpo(), {}, { actions: 'multi-discrete' }],
  ['a penalty that is adapted', surrogates.ppoKl(), { adaptiveKl: { target: 1e-4 } }, {}],
  ['a critic of its own', surrogates.mdpo(), { ...mdpo(), rollout: 15, critic: { epochs: 2, batchSize: 16 } }, {}],
  ['a KL that ends updates', surrogates.ppoClip(), { targetKl: 2e-4 }, {}],
  ['a KL that ends most of them at once', surrogates.ppoClip(), { targetKl: 1e-9 }, {}],
  ['a KL, and weight decay', surrogates.sppo(), { targetKl: 2e-4, optimizer: { name: 'adamw' } }, {}],
  ['a guard that takes back', surrogates.smdpo({ eta: 0.1 }), { innerGuard: 'restore', learningRate: 1 }, {}],
];

test.each(cases)('%s', async (_, surrogate, options, track) => {
  const none = (): void => undefined;
  const wanted = await rows({ ...options, surrogate: asItIs(surrogate) }, track, none);
  expect(await rows({ ...options, surrogate }, track, none)).toEqual(wanted);
});

test('parameters that are assigned between two updates are those that are trained and acted with', async () => {
  const halve = (agent: OnPolicyAgent): void => {
    for (const [, v] of flatten(agent.params))
      tidy(() =>
        (v as Variable).assign(
          tensor(
            v.dataSync<'float32'>().map((x) => x / 2),
            v.shape,
          ),
        ),
      );
  };
  const surrogate = surrogates.ppoClip();
  expect(await rows({ surrogate }, {}, halve)).toEqual(await rows({ surrogate: asItIs(surrogate) }, {}, halve));
});
