// A user's MJCF in a scene moves, weighs and is named as it does by itself; what would be lost is refused.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Env } from '@gimbal/tensor-core';
import {
  compileMjcf,
  encodePng,
  type MujocoEnv,
  makeEnv,
  makeScene,
  type SceneEnv,
  sceneFromJson,
  sceneToJson,
  totalMass,
} from '../src/index.ts';

/** The text in a scene of its own, beside a ball that stands still far away. */
const inScene = (mjcf: string): Promise<SceneEnv> =>
  makeScene({
    components: {
      mine: { use: 'mjcf', params: { mjcf } },
      ball: { use: 'sphere', pos: [9, 0, 0], frozen: true },
    },
    resetNoiseScale: 0,
  });

const model = (bodies: string, rest = '', before = ''): string =>
  `<mujoco>${before}<worldbody><body name="base" pos="0 0 2"><geom size=".05"/>${bodies}</body></worldbody>
   <actuator><motor name="push" joint="b"/></actuator>${rest}</mujoco>`;
const rod = '<geom type="capsule" fromto="0 0 0 .3 0 0" size=".02"/>';
const hinges = `<body><joint name="a" axis="0 1 0"/>${rod}</body><body pos="0 .3 0"><joint name="b" axis="0 1 0"/>${rod}</body>`;
/** two balls whose rails are one line: the second is pushed through the first, or against it */
const rails = `<body name="one" pos=".2 0 0"><joint type="slide" axis="1 0 0"/><geom name="g1" size=".1"/></body>
  <body name="two" pos=".05 0 .15"><joint name="b" type="slide" axis="1 0 0"/><geom name="g2" size=".1"/></body>`;
const sled = `<geom type="box" size="2 2 .05" pos="0 0 -.5"/><body><joint name="b" axis="0 1 0"/>${rod}</body>`;
const box = '<body name="box" pos="0 .8 1.61"><freejoint/><geom type="box" size=".1 .1 .1"/></body>';

/** Classes in classes: angles in degrees, a rail in metres, shapes that are looked at only, a mesh in centimetres. */
const classes = `<default><geom friction=".5"/><mesh scale=".01 .01 .01"/><motor gear="3"/>
  <default class="bent"><joint axis="0 1 0" range="-20 5" damping=".02"/><default class="rail"><joint type="slide" axis="1 0 0"
    range="-.04 .04"/></default></default>
  <default class="seen"><geom contype="0" conaffinity="0"/></default></default>
  <asset><mesh name="m" vertex="0 0 0  9 0 0  0 9 0  0 0 9"/></asset>`;
const nested = `<body pos="0 0 .2" childclass="bent"><joint/><geom type="mesh" mesh="m"/>
    <body pos="0 0 .1"><joint name="b" class="rail"/><geom name="g1" size=".1"/></body></body>
  <body pos=".12 0 .3" childclass="rail"><joint/><geom class="seen" size=".1"/><geom size=".01"/></body>`;

test.each([
  ['nothing special', model(hinges)],
  ['joints coupled by an equality', model(hinges, '<equality><joint joint1="a" joint2="b"/></equality>')],
  ['parts that touch', model(rails)],
  [
    'parts that an exclusion keeps from touching',
    model(rails, '<contact><exclude body1="one" body2="two"/></contact>'),
  ],
  ['a pair of its own', model(rails, '<contact><pair geom1="g1" geom2="g2" solref=".2 1"/></contact>')],
  ['shapes that are visual by default', model(rails, '', '<default><geom contype="0" conaffinity="0"/></default>')],
  ['nested default classes', model(nested, '', classes)],
  [
    'an option of MuJoCo’s',
    model(sled, '', '<option cone="elliptic" wind="2 1 0" density="1.2"/>').replace(
      '</worldbody>',
      `${box}</worldbody>`,
    ),
  ],
] as const)('%s', async (_, text) => {
  const env = await inScene(text);
  const alone = await compileMjcf(text);
  const sim = alone.simulate();
  env.reset({ seed: 0 });
  if (text.includes('freejoint')) for (const qvel of [env.sim.qvel, sim.qvel]) qvel.set([1, 0.5], 1); // the box slides
  for (let t = 0; t < 60; t++) {
    sim.ctrl[0] = 0.7;
    sim.step(env.frameSkip);
    env.step(Float32Array.of(0.7));
  }
  expect(Math.max(...sim.qvel.map(Math.abs))).toBeGreaterThan(0.05);
  for (const [i, q] of sim.qpos.entries()) expect(env.sim.qpos[i]).toBeCloseTo(q, 6);
  sim.close();
  alone.close();
  env.close();
});

test.each(['auto', 'true', 'false'])('masses with inertiafromgeom="%s" are MuJoCo’s', async (from) => {
  const heavy = `<body><inertial pos=".1 0 0" mass="3" diaginertia=".1 .2 .3"/><joint name="b" axis="0 1 0"/>${rod}</body>`;
  const text = model(heavy, '', `<compiler inertiafromgeom="${from}"/>`);
  const [env, alone] = [await inScene(text), await compileMjcf(text)];
  const { names, bodyMass } = env.model.info;
  const mine = names.body.reduce((sum, name, i) => sum + (name.startsWith('mine/') ? (bodyMass[i] as number) : 0), 0);
  expect(mine).toBeCloseTo(totalMass(alone.info), 9);
  expect(mine > 3).toBe(from === 'auto');
  env.close();
  alone.close();
});

test('what has no name is observed, moved and owned all the same', async () => {
  const text = `<mujoco><worldbody><body name="base" pos="0 0 2"><geom size=".05"/>
    <body><joint name="joint1" axis="0 1 0"/>${rod}<body pos=".3 0 0"><joint axis="0 1 0"/>${rod}
      <body pos=".3 0 0"><joint axis="0 1 0"/>${rod}</body></body></body></body></worldbody>
    <actuator><motor joint="joint1"/><position joint="joint1" kp="2"/></actuator></mujoco>`;
  const env = await inScene(text);
  const { names } = env.model.info;
  for (const kind of ['body', 'joint', 'geom', 'actuator'] as const) {
    const strange = names[kind].filter((name) => !/^(mine|ball)\/|^world$|^floor$/.test(name));
    expect([kind, strange]).toEqual([kind, []]);
  }
  const { obs } = env.reset({ seed: 0 });
  const [from, to] = env.spec.layout?.slice('mine.qpos') ?? [0, 0];
  expect([to - from, (obs as Float32Array).length]).toEqual([3, 6 + 10]);
  expect(env.agents[0]?.actions).toEqual([0, 1]);
  env.close();
});

test('what would be lost is refused by name', async () => {
  const bad: [string, string][] = [
    [model(hinges, '', '<compiler settotalmass="3"/>'), 'settotalmass cannot be attached. Give the geoms their mass'],
    [model(hinges, '', '<compiler eulerseq="zyx"/>'), 'eulerseq="zyx" of <compiler> cannot be attached'],
    [model(hinges, '', '<compiler autolimits="false"/>'), 'autolimits="false" of <compiler> cannot be attached'],
    [model(hinges, '', '<option><flag contact="disable"/></option>'), '<flag> cannot be attached'],
    [
      model(hinges, '', '<include file="x.xml"/>'),
      '<include file="x.xml"> cannot be attached. Name the model by xmlFile, or give its files',
    ],
    [model(hinges, '<extension/>'), '<extension> cannot be attached'],
    [model(hinges, '', '<default class="x"/>'), 'the name "x" of the main default class cannot be attached'],
    [
      model(hinges).replace('<worldbody>', '<worldbody><frame><body name="lost"><geom size="1"/></body></frame>'),
      '<frame> in the world cannot be attached',
    ],
  ];
  for (const [text, message] of bad) await expect(inScene(text)).rejects.toThrow(message);
});

test('a composed swimmer swims as Swimmer-v5 does: its shapes touch nothing', async () => {
  const composed = await makeScene({ components: { a: { use: 'swimmer' } }, frameSkip: 4 });
  const task = (await makeEnv('Swimmer-v5')) as Env as MujocoEnv;
  for (const env of [composed, task]) {
    env.reset({ seed: 0 });
    env.setPose(new Float64Array(5), new Float64Array(5));
  }
  for (let t = 0; t < 50; t++) {
    const action = Float32Array.of(Math.sin(0.3 * t), Math.sin(0.3 * t + 1));
    composed.step(action);
    task.step(action);
  }
  expect(task.sim.qpos[0]).not.toBeCloseTo(0, 2);
  for (const [i, q] of task.sim.qpos.entries()) expect(composed.sim.qpos[i]).toBeCloseTo(q, 9);
  composed.close();
  task.close();
});

test('a model from its folder, with an included file, a mesh and a texture, is a component by its path', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'scene-'));
  const home = join(folder, 'robot');
  for (const name of ['assets', 'robot']) await mkdir(join(folder, name));
  const pyramid = 'v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n';
  await writeFile(join(folder, 'assets', 'pyramid.obj'), pyramid);
  await writeFile(join(folder, 'assets', 'dots.png'), encodePng(new Uint8Array(12).fill(200), 2, 2));
  const parts = `<mujocoinclude><asset><mesh file="pyramid.obj"/><texture name="t" type="2d" file="dots.png"/>
    <material name="m" texture="t"/></asset></mujocoinclude>`;
  await writeFile(join(home, 'parts.xml'), parts);
  const text = `<mujoco><compiler meshdir="../assets" texturedir="../assets/"/><include file="parts.xml"/><worldbody>
    <body name="base" pos="0 0 2"><geom type="mesh" mesh="pyramid" material="m" mass="2"/>
      <body><joint name="b" axis="0 1 0"/>${rod}</body></body></worldbody>
    <actuator><motor joint="b"/></actuator></mujoco>`;
  await writeFile(join(home, 'robot.xml'), text);
  const robot = { use: 'mjcf', params: { xmlFile: join(home, 'robot.xml') } };
  const scene = sceneFromJson(sceneToJson({ components: { one: robot, two: { ...robot, pos: [3, 0, 0] } } }));
  const env = await makeScene(scene);
  const { info } = env.model;
  expect(info.meshes).toHaveLength(2);
  for (const name of ['one/base', 'two/base']) {
    expect(info.bodyMass[info.names.body.indexOf(name)]).toBeCloseTo(2, 9);
  }
  env.close();
  await rm(join(folder, 'assets', 'pyramid.obj'));
  await expect(makeScene(scene)).rejects.toThrow(/a file that the model names is missing; got ".*pyramid\.obj"/);
  await rm(folder, { recursive: true });
  await expect(makeScene(scene)).rejects.toThrow('the model cannot be read');
  // in a page there are no folders: the files are given
  const files = {
    'parts.xml': new TextEncoder().encode(parts),
    '../assets/pyramid.obj': new TextEncoder().encode(pyramid),
  };
  const given = { ...files, '../assets/dots.png': encodePng(new Uint8Array(12), 2, 2) };
  const page = await makeScene({ components: { one: { use: 'mjcf', params: { mjcf: text, files: given } } } });
  expect(page.model.info.meshes).toHaveLength(1);
  page.close();
  await expect(inScene(text)).rejects.toThrow(
    '<include file="parts.xml"> cannot be attached. Name the model by xmlFile',
  );
});
