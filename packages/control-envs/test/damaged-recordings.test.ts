// Recordings whose file was damaged: refused by the part that is, and a page that says so where it finds out itself.
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import {
  compileMjcf,
  encodeGif,
  encodePng,
  listEnvs,
  makeEnv,
  parseRecording,
  type Recording,
  recordEpisode,
  viewerHtml,
} from '../src/index.ts';

let recording: Recording;

beforeAll(async () => {
  const env = await makeEnv('Hopper-v5');
  recording = recordEpisode(env, { steps: 20, seed: 0 });
  env.close();
});

const bytes = (n: number): string => Buffer.alloc(n).toString('base64');
const damages: [string, (r: Recording) => object, string][] = [
  ['env', () => ({ env: 5 }), 'a.json: env is damaged; got 5, wanted an id'],
  ['dt', () => ({ dt: 0 }), 'a.json: dt is damaged; got 0, wanted seconds above 0'],
  ['frames', () => ({ frames: '21' }), 'a.json: frames is damaged; got "21"'],
  ['poses', ({ poses }) => ({ poses: bytes(atob(poses).length).replace(/^AAAAAA/, 'AADAfw') }), 'poses are damaged'],
  ['geoms', ({ geoms }) => ({ geoms: geoms.map(() => null) }), 'geoms[0] is damaged; got null'],
  ['type', ({ geoms }) => ({ geoms: geoms.map((g) => ({ ...g, type: 99 })) }), 'geoms[0] is damaged'],
  ['mesh', ({ geoms }) => ({ geoms: geoms.map((g) => ({ ...g, mesh: 0 })) }), 'geoms[0] is damaged'],
  ['vertices', () => ({ meshes: [{ vertices: '§', faces: [] }] }), 'meshes[0].vertices are damaged'],
  ['faces', () => ({ meshes: [{ vertices: bytes(12), faces: [0, 0, 1] }] }), 'meshes[0].faces are damaged'],
  ['textures', () => ({ textures: [{ width: 1e9, height: 1e9, rgb: '' }] }), 'textures[0] is damaged'],
  ['contacts', () => ({ contacts: [] }), 'contacts are incomplete; got 0, wanted 21'],
  ['points', ({ contacts }) => ({ contacts: contacts.map(() => [1]) }), 'contacts are damaged; got [1]'],
  ['rewards', ({ rewards }) => ({ rewards: rewards.map(() => 'x') }), 'rewards are damaged; got "x"'],
  ['actions', ({ actions }) => ({ actions: actions.map(() => null) }), 'actions[0] is damaged; got null'],
  ['number', ({ actions }) => ({ actions: actions.slice(1) }), 'actions are incomplete; got 19, wanted 20'],
  ['episodes', () => ({ episodes: [99] }), 'episodes are damaged; got [99], wanted frames below 21'],
];

test.each(damages)('%s', async (_, damage, message) => {
  const damaged = { ...recording, ...damage(recording) } as Recording;
  expect(() => parseRecording(JSON.stringify(damaged), 'a.json')).toThrow(message);
  await expect(viewerHtml(damaged)).rejects.toThrow(message.replace('a.json', 'viewerHtml'));
});

test('what is recorded of any environment, and of meshes and textures, is whole', async () => {
  for (const { id } of listEnvs().filter((e) => !/Ant(Hunt|Follow|Sumo)|Humanoid/.test(e.id))) {
    const env = await makeEnv(id);
    const made = recordEpisode(env, { steps: 2 });
    expect(parseRecording(JSON.stringify(made), id).frames).toBe(3);
    env.close();
  }
  const model = await compileMjcf('<mujoco/>');
  model.close();
  const xml = `<mujoco><asset><mesh name="m" vertex="0 0 0 1 0 0 0 1 0 0 0 1"/>
    <texture name="t" type="2d" builtin="checker" width="8" height="8"/><material name="t" texture="t"/></asset>
    <worldbody><geom type="plane" size="1 1 1" material="t"/><body name="torso" pos="0 0 1"><joint name="rootx" type="slide"/>
    <joint name="rooty" type="slide"/><geom type="mesh" mesh="m"/></body></worldbody>
    <actuator><motor joint="rootx"/></actuator></mujoco>`;
  const env = await makeEnv('HalfCheetah-v5', { xml });
  const made = recordEpisode(env, { steps: 2 });
  expect(made.meshes).toHaveLength(1);
  expect(made.textures).toHaveLength(1);
  expect(parseRecording(JSON.stringify(made)).frames).toBe(3);
  env.close();
}, 60_000);

test('actions that are no list, and pictures of another size, are refused', async () => {
  const env = await makeEnv('Hopper-v5');
  const policy = [null] as unknown as number[][];
  expect(() => recordEpisode(env, { policy })).toThrow('record: action 0 is no list of numbers');
  expect(() => encodePng(new Uint8Array(5), 8, 8)).toThrow('PNG: no picture of 8 × 8; got 5, wanted 192');
  expect(() => encodeGif([new Uint8Array(5)], 8, 8, 0.1)).toThrow('GIF: no picture of 8 × 8; got 5, wanted 192');
  env.close();
});

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const withBrowser = executablePath === undefined ? test.skip : test;

withBrowser(
  'a page whose recording is damaged, or without WebGL, says what is wrong',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'damaged-'));
    const html = await viewerHtml(recording);
    const pages = {
      'cut.html': html.replace(/("poses":")[^"]*/, '$1'),
      'json.html': html.replace('{"format"', '{"format'),
      'whole.html': html,
    };
    for (const [name, text] of Object.entries(pages)) await writeFile(join(folder, name), text);
    const said = async (name: string, args: string[]): Promise<string> => {
      const browser = await chromium.launch({
        executablePath: executablePath as string,
        args: ['--no-sandbox', ...args],
      });
      try {
        const page = await browser.newPage({ viewport: { width: 200, height: 150 } });
        await page.goto(pathToFileURL(join(folder, name)).href);
        return await page.evaluate(`document.querySelector('[role=alert]')?.textContent ?? 'shown'`);
      } finally {
        await browser.close();
      }
    };
    const gl = ['--enable-unsafe-swiftshader'];
    expect(await said('json.html', gl)).toMatch(/^This recording cannot be shown: .*JSON/);
    expect(await said('cut.html', gl)).toMatch(/^This recording cannot be shown: .*poses/);
    expect(await said('whole.html', ['--disable-3d-apis'])).toMatch(/^This recording cannot be shown: .*WebGL/);
    await rm(folder, { recursive: true });
  },
  90_000,
);
