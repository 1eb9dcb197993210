// Models whose contacts are listed move, to the bit, as the engine moves the text itself; others are left alone.
import type { Env } from '@gimbal/tensor-core';
import { rng } from '@gimbal/tensor-core';
import { compileMjcf, listEnvs, loadMujoco, type MujocoEnv, makeEnv } from '../src/index.ts';
import { withListedContacts } from '../src/mujoco/listed-contacts.ts';

/** Whether the model that simulations run on has its contacts listed. */
async function isListed(mjcf: string): Promise<boolean> {
  const { mj } = await loadMujoco();
  const compile = (text: string): ReturnType<typeof mj.MjModel.from_xml_string> => mj.MjModel.from_xml_string(text);
  const model = withListedContacts(compile(mjcf), mjcf, compile);
  const listed = model.npair > 0 && (model.geom_contype as Int32Array).every((bits) => bits === 0);
  model.delete();
  return listed;
}

/** Largest difference of positions and velocities to the engine's own model of the text, and contacts seen. */
async function compared(mjcf: string, steps: number, seed = 0): Promise<{ difference: number; contacts: number }> {
  const { mj } = await loadMujoco();
  const model = await compileMjcf(mjcf);
  const sim = model.simulate();
  const raw = mj.MjModel.from_xml_string(mjcf);
  raw.opt.disableflags |= 1 << 16; // as the package does: no silent reset
  const data = new mj.MjData(raw);
  const stream = rng(seed).split('controls');
  let [difference, contacts] = [0, 0];
  for (let t = 0; t < steps; t++) {
    if (t % 5 === 0) {
      for (let i = 0; i < sim.ctrl.length; i++) {
        sim.ctrl[i] = 2 * stream.uniform() - 1;
        data.ctrl[i] = sim.ctrl[i];
      }
    }
    sim.step(1);
    mj.mj_step(raw, data);
    for (const [a, b] of [
      [sim.qpos, data.qpos],
      [sim.qvel, data.qvel],
    ] as [Float64Array, Float64Array][]) {
      for (let i = 0; i < a.length; i++)
        difference = Math.max(difference, Math.abs((a[i] as number) - (b[i] as number)));
    }
    if (sim.contactCount !== data.ncon) throw new Error(`step ${t}: ${sim.contactCount} contacts, not ${data.ncon}`);
    contacts += data.ncon;
  }
  data.delete();
  raw.delete();
  sim.close();
  model.close();
  return { difference, contacts };
}

const bodies = listEnvs()
  .map(({ id }) => id)
  .filter((id) => /^(Ant|HalfCheetah|Hopper|Humanoid|Octopus|Pusher|Walker2d)/.test(id));

test.each(bodies)('%s moves as the engine moves its text, to the bit', async (id) => {
  const env = (await makeEnv(id)) as Env as MujocoEnv;
  const { mjcf } = env.model;
  env.close();
  // scenes of three ants have too many pairs, and a scene's ground is harder than a cheetah's feet
  if (id.endsWith('-v5')) expect(await isListed(mjcf)).toBe(true);
  const { difference, contacts } = await compared(mjcf, 400);
  expect(difference).toBe(0);
  expect(contacts).toBeGreaterThan(0);
});

const scene = ({ a = '', b = '', more = '' }): string =>
  `<mujoco>${more}<worldbody><geom name="ground" type="plane" size="0 0 1"/>
    <body name="lower" pos="0 0 .3"><freejoint/><geom name="one" type="box" size=".2 .2 .2" ${a}/>
      <body pos=".1 0 .5"><joint axis="1 0 0"/><geom name="two" type="capsule" size=".1 .2" ${b}/></body></body>
    <body pos=".1 0 1.3"><freejoint/><geom name="three" size=".15" friction=".3 .1 .2" margin=".01" gap=".002" condim="6"/></body>
    <body pos="-.1 .1 1.8"><freejoint/><geom name="four" type="ellipsoid" size=".1 .2 .15"/></body>
  </worldbody></mujoco>`;

test.each([
  ['mixed friction, margins and dimensions', {}, true],
  ['an exclusion', { more: '<contact><exclude body1="lower" body2="world"/></contact>' }, true],
  ['bits that meet one way', { a: 'contype="2" conaffinity="4"', b: 'contype="4" conaffinity="1"' }, true],
  ['another softness of one shape', { a: 'solref=".05 1"' }, false],
  ['a priority', { b: 'priority="1"' }, false],
  ['parents that touch their children', { more: '<option><flag filterparent="disable"/></option>' }, false],
  ['one margin for all', { more: '<option o_margin=".05"><flag override="enable"/></option>' }, false],
  ['pairs of its own', { more: '<contact><pair geom1="one" geom2="four" condim="1"/></contact>' }, false],
] as const)('%s', async (_, parts, listed) => {
  const mjcf = scene(parts);
  expect(await isListed(mjcf)).toBe(listed);
  const { difference, contacts } = await compared(mjcf, 1000);
  expect(difference).toBe(0);
  expect(contacts).toBeGreaterThan(0);
});

test('an end in a comment and defaults of pairs change nothing', async () => {
  const commented = `${scene({})}<!-- </mujoco> -->`;
  expect(await isListed(commented)).toBe(false);
  expect((await compared(commented, 200)).difference).toBe(0);
  const defaults = scene({
    more: '<default><pair condim="1" margin=".5" solref=".5 1" solreffriction=".1 1"/></default>',
  });
  expect(await isListed(defaults)).toBe(true);
  expect((await compared(defaults, 1000)).difference).toBe(0);
});
