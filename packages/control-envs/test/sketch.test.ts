import type { Env } from '@gimbal/tensor-core';
import { makeEnv, parseRecording, recordEpisode, TabularEnv } from '../src/index.ts';
import { liveSource } from '../src/viewer/live.ts';

const size = 96;
const picture = (env: Env): Uint8Array => env.render?.({ width: size, height: size }) as Uint8Array;

/** Mean column and row of the pixels whose colour is most like this one; the picture's middle is 0, up is positive. */
function whereIs(rgb: Uint8Array, like: (r: number, g: number, b: number) => boolean): [number, number, number] {
  let [n, x, y] = [0, 0, 0];
  for (let i = 0; i < size * size; i++) {
    if (!like(rgb[3 * i] as number, rgb[3 * i + 1] as number, rgb[3 * i + 2] as number)) continue;
    n++;
    x += (i % size) - size / 2;
    y += size / 2 - Math.floor(i / size);
  }
  return [n, x / n, y / n];
}
const isOrange = (r: number, g: number, b: number): boolean => r > 1.25 * g && g > 1.2 * b;
const isRed = (r: number, g: number, b: number): boolean => r > 1.8 * g && r > 1.8 * b;

test.each([
  'Acrobot-v1',
  'CartPole-v1',
  'MountainCar-v0',
  'MountainCarContinuous-v0',
  'Pendulum-v1',
  'CliffWalking-v1',
  'DeepSea-v0',
  'FrozenLake-v1',
  'FrozenLake8x8-v1',
])('%s is drawn and recorded; a picture changes with the state', async (id) => {
  const env = await makeEnv(id);
  const pictures: Uint8Array[] = [];
  const onFrame = (body: { render(o: object): Uint8Array }) =>
    pictures.push(body.render({ width: size, height: size }));
  const recording = recordEpisode(env, { steps: 12, onFrame });
  expect(parseRecording(JSON.stringify(recording))).toEqual(recording);
  expect([recording.env, recording.frames, pictures.length]).toEqual([id, 13, 13]);
  expect(new Set(pictures.map((p) => p.join())).size).toBeGreaterThan(1);
  expect(new Set(pictures[0]).size).toBeGreaterThan(8);
  // a step that lasts no time of its own is shown for less than a second
  expect(recording.dt).toBeLessThan(0.5);
  env.close();
});

test('a pole that leans to the right is drawn to the right, a cart on the right is drawn there', async () => {
  const env = await makeEnv('CartPole-v1');
  env.reset({ seed: 0 });
  const pole = (x: number, theta: number): number => {
    env.setState?.(Float64Array.of(x, 0, theta, 0));
    const [n, column] = whereIs(picture(env), isOrange);
    expect(n).toBeGreaterThan(4);
    return column;
  };
  const upright = pole(0, 0);
  expect(pole(0, 0.6)).toBeGreaterThan(upright + 2);
  expect(pole(0, -0.6)).toBeLessThan(upright - 2);
  expect(pole(1.5, 0)).toBeGreaterThan(upright + 5);
});

test("a pendulum's angle grows against the clock from the top", async () => {
  const env = await makeEnv('Pendulum-v1');
  env.reset({ seed: 0 });
  const rod = (theta: number): [number, number] => {
    env.setState?.(Float64Array.of(theta, 0));
    const [, x, y] = whereIs(picture(env), isRed);
    return [Math.sign(Math.round(x / 6)) + 0, Math.sign(Math.round(y / 6)) + 0];
  };
  expect(rod(0)).toEqual([0, 1]);
  expect(rod(Math.PI / 2)[0]).toBe(-1);
  expect(rod(-Math.PI / 2)[0]).toBe(1);
  expect(rod(Math.PI)[1]).toBe(-1);
});

test('poses are hand-computed places: the tip of an acrobot, a cell of a lake', async () => {
  const acrobot = await makeEnv('Acrobot-v1');
  acrobot.reset({ seed: 0 });
  // θ₁ = 90°: the first link lies along +x; θ₂ = 90°: the second points up from its end
  acrobot.setState?.(Float64Array.of(Math.PI / 2, Math.PI / 2, 0, 0));
  const drawing = (acrobot as unknown as { drawing(): { geomXpos: Float64Array } }).drawing();
  const centre = (i: number) =>
    [...drawing.geomXpos.subarray(3 * i, 3 * i + 3)].map((x) => Math.round(100 * x) / 100 + 0);
  expect(centre(2)).toEqual([0.5, 0, 0]);
  expect(centre(3)).toEqual([1, -0.1, 0.5]);
  const live = liveSource(await makeEnv('FrozenLake-v1'), { policy: 'zero' });
  // the agent, last of 17 shapes, starts in the first cell
  expect([...live.poses(0).subarray(7 * 16, 7 * 16 + 3)].map((x) => Math.round(10 * x) / 10 + 0)).toEqual([0, -0.3, 0]);
  expect(live.dt).toBe(0.25);
});

test('a table without a grid has nothing to show, and says what would give it a picture', () => {
  const table = [[[{ probability: 1, next: 0, reward: 0, terminated: false }]]];
  const env = new TabularEnv({ id: 'Mine-v0', maxSteps: 5, table, starts: [0] });
  expect(() => recordEpisode(env)).toThrow('Mine-v0: nothing to show. Give it a grid');
});
