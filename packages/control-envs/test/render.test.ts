// Pictures of known scenes: what is where, and what hides what; recordings and their files.
import { inflateSync } from 'node:zlib';
import type { Env } from '@gimbal/tensor-core';
import {
  ApngFilm,
  type Camera,
  compileMjcf,
  EpisodeRecorder,
  encodeApng,
  encodeGif,
  encodePng,
  GifFilm,
  type MujocoEnv,
  makeEnv,
  parseRecording,
  Rasterizer,
  recordEpisode,
} from '../src/index.ts';
import { recordedGeoms } from '../src/recording/shapes.ts';

/** From 4 m along −y, level, at the height of 1 m. */
const camera: Camera = { azimuth: Math.PI / 2, elevation: 0, distance: 4, lookat: [0, 0, 1], fovy: Math.PI / 4 };
const size = 64;

async function picture(geom: string, from: Camera = camera): Promise<(x: number, y: number) => number[]> {
  const model = await compileMjcf(`<mujoco><worldbody>${geom}</worldbody></mujoco>`);
  const sim = model.simulate();
  sim.forward();
  const rgb = new Rasterizer(model.info, size, size).render(sim, from);
  sim.close();
  model.close();
  return (x, y) => [...rgb.subarray(3 * (y * size + x), 3 * (y * size + x) + 3)];
}

const isRed = ([r = 0, g = 0, b = 0]: number[]): boolean => r > 60 && r > 2 * g && r > 2 * b;

/** Pixels from the centre to a red shape's edge, to the right and upwards. */
function reach(at: (x: number, y: number) => number[]): [number, number] {
  const c = size / 2;
  let [x, y] = [c, c - 1];
  while (x < size && isRed(at(x, c))) x++;
  while (y >= 0 && isRed(at(c, y))) y--;
  return [x - c, c - 1 - y];
}

test('shapes have the size that perspective gives them', async () => {
  // one pixel is 2 · 4 m · tan(22.5°) / 64 = 0.0518 m at 4 m
  const red = 'rgba="1 0 0 1" pos="0 0 1"';
  const metre = size / (2 * 4 * Math.tan(Math.PI / 8));
  const cases: [string, number, number][] = [
    // a sphere's outline is at tan(asin(r/d))
    [`<geom type="sphere" size="0.5" ${red}/>`, 4 * Math.tan(Math.asin(0.5 / 4)), 4 * Math.tan(Math.asin(0.5 / 4))],
    // the near face of a box is at 3.7 m
    [`<geom type="box" size="0.5 0.3 0.7" ${red}/>`, (0.5 * 4) / 3.7, (0.7 * 4) / 3.7],
    [
      `<geom type="capsule" size="0.2 0.5" ${red}/>`,
      4 * Math.tan(Math.asin(0.2 / 4)),
      0.5 + 4 * Math.tan(Math.asin(0.2 / 4)),
    ],
    [`<geom type="cylinder" size="0.3 0.6" ${red}/>`, 4 * Math.tan(Math.asin(0.3 / 4)), (0.6 * 4) / 3.7],
    [`<geom type="ellipsoid" size="0.6 0.3 0.4" ${red}/>`, 0.6, 0.4],
  ];
  for (const [geom, right, up] of cases) {
    const [x, y] = reach(await picture(geom));
    expect([geom, Math.abs(x - right * metre) < 1.2, Math.abs(y - up * metre) < 1.2]).toEqual([geom, true, true]);
  }
});

test('what is nearer hides what is farther, in any order', async () => {
  const near = '<geom type="sphere" size="0.3" pos="0 -1 1" rgba="1 0 0 1"/>';
  const far = '<geom type="box" size="0.6 0.1 0.6" pos="0 1 1" rgba="0 0 1 1"/>';
  for (const both of [near + far, far + near]) {
    const at = await picture(both);
    expect(isRed(at(32, 32))).toBe(true);
    const [, , blue = 0] = at(32, 23);
    expect(blue).toBeGreaterThan(60);
    expect(isRed(at(32, 23))).toBe(false);
  }
});

test('the ground is below the horizon, sky above; hidden groups and transparent shapes are left out', async () => {
  const at = await picture(
    `<geom type="plane" size="0 0 1" rgba="0 1 0 1"/><geom type="sphere" size="0.5" pos="0 0 1" rgba="1 0 0 1" group="3"/>
     <geom type="sphere" size="0.5" pos="0 0 1" rgba="1 0 0 0"/>`,
  );
  const [r = 0, g = 0] = at(32, 60);
  expect(g).toBeGreaterThan(r + 50);
  expect(isRed(at(32, 32))).toBe(false);
  const [, , sky = 0] = at(32, 4);
  expect(sky).toBeGreaterThan(150);
});

test('a tetrahedron of triangles is drawn where its vertices are', async () => {
  const mesh = `<mujoco><asset><mesh name="m" vertex="0 0 0  1 0 0  0 1 0  0 0 1"/></asset><worldbody>
    <geom type="mesh" mesh="m" pos="0 0 1" rgba="1 0 0 1"/></worldbody></mujoco>`;
  const model = await compileMjcf(mesh);
  const sim = model.simulate();
  sim.forward();
  const rgb = new Rasterizer(model.info, size, size).render(sim, camera);
  const red = (x: number, y: number): boolean => isRed([...rgb.subarray(3 * (y * size + x), 3 * (y * size + x) + 3)]);
  expect(red(36, 28)).toBe(true); // inside: 0.2 m right, 0.2 m up
  expect(red(28, 28)).toBe(false);
  expect(red(50, 12)).toBe(false); // beyond the slanted edge
  sim.close();
  model.close();
});

test('a height field is drawn as it is felt: a ball rests on its hill', async () => {
  // 3 × 3 heights: a hill of 0.5 m in the middle of a field of 2 × 2 m
  const field = `<mujoco><asset><hfield name="h" nrow="3" ncol="3" size="1 1 .5 .1" elevation="0 0 0  0 1 0  0 0 0"/></asset>
    <worldbody><geom type="hfield" hfield="h" rgba="1 0 0 1"/>
    <body pos="0.5 0 1"><joint type="slide" axis="0 0 1"/><geom size=".05" rgba="0 0 1 1"/></body></worldbody></mujoco>`;
  const model = await compileMjcf(field);
  const sim = model.simulate();
  sim.step(1000);
  sim.forward();
  // the slope of one half: the ball's centre is √1.25 radii above it
  const [x = 0, , z = 0] = sim.geomXpos.subarray(3, 6);
  expect([x, z]).toEqual([expect.closeTo(0.5, 9), expect.closeTo(0.25 + 0.05 * Math.sqrt(1.25), 2)]);
  const rgb = new Rasterizer(model.info, size, size).render(sim, { ...camera, lookat: [0, 0, 0.25] });
  const red = (x: number): number =>
    Array.from({ length: size }, (_, y) => 3 * (y * size + x)).filter((at) => isRed([...rgb.subarray(at, at + 3)]))
      .length;
  // a pixel is 0.0518 m at 4 m: the top is 4.8 above the middle, the near edge, at 3 m, 6.4 below
  expect(Math.abs(red(size / 2) - 11.2)).toBeLessThan(1.5);
  expect(Math.abs(red(size / 2 + 10) - 6.4)).toBeLessThan(1.5);
  expect(red(0)).toBe(0);
  expect(recordedGeoms(model.info)[0]).toMatchObject({ type: 1, mesh: 0 });
  sim.close();
  model.close();
});

/** A square of 2 × 2 pixels: red, green / blue, white. */
const square = encodePng(Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255), 2, 2);
const textured = (geom: string): string => `<mujoco><asset><texture name="t" type="2d" file="t.png"/>
  <material name="m" texture="t" texrepeat="1 1"/><texture name="c" type="cube" file="t.png"/>
  <material name="cube" texture="c"/><mesh name="wall" vertex="-1 0 -1  1 0 -1  1 0 1  -1 0 1  0 1 0"
    texcoord="0 0  1 0  1 1  0 1  .5 .5" face="0 1 2  0 2 3  0 3 4  3 2 4  2 1 4  1 0 4"/></asset>
  <worldbody>${geom}</worldbody></mujoco>`;

/** Which of red, green and blue is strongest; 'w' for none. */
const hue = (at: number[]): string => {
  const [r = 0, g = 0, b = 0] = at;
  const most = Math.max(r, g, b);
  return Math.min(r, g, b) > 0.8 * most ? 'w' : (['r', 'g', 'b'][[r, g, b].indexOf(most)] as string);
};

async function texturedPicture(geom: string, from: Camera): Promise<(x: number, y: number) => string> {
  const model = await compileMjcf(textured(geom), { files: { 't.png': square } });
  const sim = model.simulate();
  sim.forward();
  const rgb = new Rasterizer(model.info, size, size).render(sim, from);
  sim.close();
  model.close();
  return (x, y) => hue([...rgb.subarray(3 * (y * size + x), 3 * (y * size + x) + 3)]);
}

test('a mesh has its picture where its texture coordinates say', async () => {
  // a wall facing the camera: u to the right, v upwards, so the picture's first row is at the bottom
  const at = await texturedPicture('<geom type="mesh" mesh="wall" material="m" pos="0 0 1"/>', camera);
  expect([at(24, 24), at(40, 24), at(24, 40), at(40, 40)]).toEqual(['b', 'w', 'r', 'g']);
});

test('a plane repeats its picture; other shapes have its mean colour', async () => {
  const above: Camera = { azimuth: Math.PI / 2, elevation: -1.5, distance: 4, lookat: [0, 0, 0], fovy: Math.PI / 4 };
  const at = await texturedPicture('<geom type="plane" size="1 1 1" material="m"/>', above);
  const corners = [at(24, 24), at(40, 24), at(24, 40), at(40, 40)];
  expect(new Set(corners)).toEqual(new Set(['r', 'g', 'b', 'w']));
  const model = await compileMjcf(textured('<geom type="box" size=".5 .5 .5" material="cube"/>'), {
    files: { 't.png': square },
  });
  // (255 + 255) / 4 of each channel
  const [r, g, b] = model.info.geomRgba;
  for (const c of [r, g, b]) expect(c).toBeCloseTo(0.5, 2);
  expect(model.info.geomTexture[0]).toBe(-1);
  model.close();
});

test('environments render where their bodies are, into the array given, without changing what follows', async () => {
  const env = (await makeEnv('Ant-v5')) as Env as MujocoEnv;
  env.reset({ seed: 0 });
  const state = env.getState();
  const a = env.step(new Float32Array(8));
  env.setState(state);
  const out = new Uint8Array(size * size * 3);
  expect(env.render({ width: size, height: size, out })).toBe(out);
  expect(new Set(out).size).toBeGreaterThan(20);
  expect(env.step(new Float32Array(8))).toEqual(a);
  expect(() => env.render({ width: 0, height: 8 })).toThrow('render: bad width; got 0');
  env.close();
});

test('PNG: rows come back as they were', () => {
  const rgb = Uint8Array.from({ length: 4 * 3 * 3 }, (_, i) => (i * 37) % 256);
  const png = encodePng(rgb, 4, 3);
  expect([...png.subarray(0, 8)]).toEqual([137, 80, 78, 71, 13, 10, 26, 10]);
  const view = new DataView(png.buffer);
  expect([view.getUint32(16), view.getUint32(20)]).toEqual([4, 3]);
  const at = Buffer.from(png).indexOf('IDAT');
  const rows = inflateSync(png.subarray(at + 4, at + 4 + view.getUint32(at - 4)));
  for (let y = 0; y < 3; y++) {
    for (let i = 0; i < 12; i++) {
      const above = y === 0 ? 0 : (rgb[12 * (y - 1) + i] as number);
      expect(((rows[13 * y + 1 + i] as number) + above) & 255).toBe(rgb[12 * y + i]);
    }
  }
  const film = encodeApng([rgb, rgb], 4, 3, 0.04);
  expect(
    Buffer.from(film)
      .toString('latin1')
      .match(/acTL|fcTL|IDAT|fdAT|IEND/g),
  ).toEqual(['acTL', 'fcTL', 'IDAT', 'fcTL', 'fdAT', 'IEND']);
});

/** The colours of a GIF's first frame, by a decoder of its own. */
function decodeGif(gif: Uint8Array, count: number): number[] {
  let at = 13 + 768 + 19 + 8 + 10 + 1;
  const data: number[] = [];
  while (gif[at] !== 0) {
    data.push(...gif.subarray(at + 1, at + 1 + (gif[at] as number)));
    at += 1 + (gif[at] as number);
  }
  let [bit, width] = [0, 9];
  const read = (): number => {
    let code = 0;
    for (let i = 0; i < width; i++, bit++) code |= (((data[bit >> 3] as number) >> (bit & 7)) & 1) << i;
    return code;
  };
  let table: number[][] = [];
  const reset = (): void => {
    table = Array.from({ length: 258 }, (_, i) => [i]);
    width = 9;
  };
  const out: number[] = [];
  let previous: number[] | undefined;
  for (let code = read(); code !== 257; code = read()) {
    if (code === 256) {
      reset();
      previous = undefined;
      continue;
    }
    const entry = table[code] ?? [...(previous as number[]), (previous as number[])[0] as number];
    out.push(...entry);
    if (previous !== undefined && table.length < 4096) table.push([...previous, entry[0] as number]);
    if (table.length === 1 << width && width < 12) width++;
    previous = entry;
  }
  expect(out).toHaveLength(count);
  return out.map((i) => gif[13 + 3 * i] as number);
}

test('GIF: decoded colours are near the picture’s, also where the table overflows', () => {
  const side = 160;
  let state = 1;
  const noise = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  };
  const rgb = Uint8Array.from({ length: side * side * 3 }, noise);
  const gif = encodeGif([rgb], side, side, 0.05);
  const reds = decodeGif(gif, side * side);
  let worst = 0;
  for (let i = 0; i < reds.length; i++) worst = Math.max(worst, Math.abs((reds[i] as number) - (rgb[3 * i] as number)));
  expect(worst).toBeLessThan(45); // steps of 51, and dithering
});

test('a recording that is made step by step can end anywhere, and its film takes pictures as they come', async () => {
  const env = await makeEnv('Hopper-v5');
  const whole = recordEpisode(env, { steps: 12, seed: 3 });
  const recorder = new EpisodeRecorder(env, { steps: 12, seed: 3 });
  const [gif, apng, pictures] = [new GifFilm(32, 32, 0.05), new ApngFilm(32, 32, 0.05), [] as Uint8Array[]];
  const out = new Uint8Array(32 * 32 * 3);
  do {
    for (const film of [gif, apng]) film.add(recorder.render({ width: 32, height: 32, out }));
    pictures.push(out.slice());
  } while (recorder.taken < 5 && recorder.advance());
  const part = recorder.finish();
  expect([part.frames, part.actions]).toEqual([6, whole.actions.slice(0, 5)]);
  expect(parseRecording(JSON.stringify(part))).toEqual(part);
  while (recorder.advance());
  expect(recorder.finish()).toEqual(whole);
  expect([gif.finish(), apng.finish()]).toEqual([
    encodeGif(pictures, 32, 32, 0.05),
    encodeApng(pictures, 32, 32, 0.05),
  ]);
  env.close();
});

test('a recording holds what happened, as JSON, and refuses other files', async () => {
  const env = await makeEnv('Hopper-v5');
  const pictures: Uint8Array[] = [];
  const onFrame = (body: { render(o: { width: number; height: number }): Uint8Array }) =>
    pictures.push(body.render({ width: 32, height: 32 }));
  const recording = recordEpisode(env, { steps: 40, seed: 3, onFrame });
  expect(pictures).toHaveLength(41);
  expect(recording).toMatchObject({ env: 'Hopper-v5', frames: 41, dt: 0.008, seed: 3 });
  expect(recording.rewards).toHaveLength(40);
  expect(recording.episodes.length).toBeGreaterThan(1);
  expect(parseRecording(JSON.stringify(recording))).toEqual(recording);
  // recorded actions give the same episode again
  expect(recordEpisode(env, { steps: 40, seed: 3, policy: recording.actions }).rewards).toEqual(recording.rewards);
  expect(() => parseRecording('{"format":"x"}', 'a.json')).toThrow('a.json: not a recording; got "x"');
  expect(() => parseRecording('nope', 'a.json')).toThrow('a.json: no JSON');
  const damaged: [object, string][] = [
    [{ frames: 50 }, 'poses are incomplete'],
    [{ poses: '§' }, 'poses are incomplete'],
    [{ poses: undefined }, 'poses are incomplete'],
    [{ geoms: undefined }, 'geoms are missing'],
    [{ actions: 'none' }, 'actions are missing; got "none"'],
  ];
  for (const [change, message] of damaged) {
    expect(() => parseRecording(JSON.stringify({ ...recording, ...change }), 'a.json')).toThrow(message);
  }
  for (const steps of [-1, 1.5, 1e8, Number.NaN]) {
    expect(() => recordEpisode(env, { steps })).toThrow('record Hopper-v5: bad steps');
  }
  expect(() => recordEpisode(env, { policy: 'randm' as 'random' })).toThrow('no such policy; got "randm"');
  const { drawing: _, ...own } = { ...(await makeEnv('CartPole-v1')), drawing: 0 };
  expect(() => recordEpisode(own as Env)).toThrow('record CartPole-v1: nothing to show');
  env.close();
});
