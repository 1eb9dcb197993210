// What environments say of allowed actions comes through vector environments, worker threads included.
import type { Env, VectorStep } from '@gimbal/tensor-core';
import { box, checkEnv, discrete, makeVectorEnv, registerEnv } from '../src/index.ts';

interface Change {
  action?: Env['actionSpace'];
  maskOf?: (t: number) => unknown;
  name?: string;
}

const fixture = new URL('./fixtures/masked-env.mjs', import.meta.url);
const { maskedEnv, maskedRegistration } = (await import(fixture.href)) as {
  maskedEnv: (lib: object, change?: Change) => Env;
  maskedRegistration: (lib: object) => Parameters<typeof registerEnv>[0];
};
registerEnv(maskedRegistration({ box, discrete }));

const actions = new Int32Array(3);
/** of observation t */
const allowed = (t: number): Uint8Array => Uint8Array.from([0, 1, 2], (a) => (a === t % 3 ? 0 : 1));
const none = new Uint8Array(3);

describe.each([0, 2, 'auto'] as const)('%s workers', (workers) => {
  const make = (autoresetMode: 'same-step' | 'next-step', buffers: 'copy' | 'shared' = 'copy') =>
    makeVectorEnv('test/Masked-v0', { numEnvs: 3, workers, autoresetMode, buffers, modules: [fixture] });

  test.each(['copy', 'shared'] as const)(
    'masks of a same-step reset, and of the end before it (%s)',
    async (buffers) => {
      const envs = await make('same-step', buffers);
      try {
        expect((await envs.reset()).infos).toEqual(actions.reduce<object[]>((all) => [...all, of(0)], []));
        for (const t of [1, 2, 3]) expect((await envs.step(actions)).infos).toEqual([of(t), of(t), of(t)]);
        const { infos } = (await envs.step(actions)) as VectorStep;
        const ended = { ...of(0), finalInfo: { actionMask: none }, episode: { return: 4, length: 4 } };
        expect(infos).toEqual([0, 1, 2].map(() => ({ ...ended, truncatedReason: 'time limit' })));
        expect((await envs.step(actions)).infos).toEqual([of(1), of(1), of(1)]);
      } finally {
        envs.close();
      }
    },
  );

  test('masks of an end, and of the next step that resets', async () => {
    const envs = await make('next-step');
    try {
      await envs.reset();
      for (let t = 1; t < 4; t++) await envs.step(actions);
      const [end] = (await envs.step(actions)).infos;
      expect(end).toMatchObject({ actionMask: none, episode: { length: 4 } });
      expect(end).not.toHaveProperty('finalInfo');
      expect((await envs.step(actions)).infos).toEqual([of(0), of(0), of(0)]);
    } finally {
      envs.close();
    }
  });
});

const of = (t: number): { actionMask: Uint8Array } => ({ actionMask: allowed(t) });

test.each<[string, Change, string]>([
  ['what is no mask', { maskOf: () => [1, 0] }, 'copy 0: info.actionMask: wrong length; got 2, wanted 3'],
  ['one of a box', { action: box(-1, 1, [1]) }, 'info.actionMask: it masks an action without choices'],
  ['a mask that allows nothing', { maskOf: () => [0, 0, 0] }, 'every action of component 0 is masked'],
  ['the name that Gymnasium has', { name: 'action_mask' }, 'got "info.action_mask". Name it actionMask'],
])('%s is refused, here and by checkEnv', async (_, change, message) => {
  const make = (): Env => maskedEnv({ box, discrete }, change);
  const envs = await makeVectorEnv(make, { numEnvs: 1 });
  await expect(envs.reset()).rejects.toMatchObject({ code: 'ERR_CONFIG', message: expect.stringContaining(message) });
  envs.close();
  const told = checkEnv(make()).map(({ what, fix }) => `${what}. ${fix}`);
  expect(told.join('\n')).toContain(message.replace('copy 0: ', ''));
});
