// In the page: the browser build loads MuJoCo and gives the numbers that Node gives.
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { makeEnv } from '../src/index.ts';

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const withBrowser = executablePath === undefined ? test.skip : test;
if (executablePath === undefined) console.warn('page: skipped, no Chromium is installed');

const program = `
  import { makeEnv, makeVectorEnv } from './browser.js';
  import { createViewer, liveSource } from './viewer.js';
  const env = await makeEnv('Hopper-v5');
  const seen = [[...env.reset({ seed: 3 }).obs]];
  for (let t = 0; t < 10; t++) seen.push([...env.step(Float32Array.of(0.1, -0.2, 0.3)).obs]);
  const envs = await makeVectorEnv('CartPole-v1', { numEnvs: 2 });
  await envs.reset();
  const { reward } = await envs.step(Int32Array.of(0, 1));
  const refused = await makeVectorEnv('CartPole-v1', { numEnvs: 2, workers: 1 }).catch((error) => error.message);
  const five = await makeEnv('AntRun-v0', { legs: 5 });
  const live = { steps: 0 };
  const options = { seed: 1, onStep: () => live.steps++ };
  live.viewer = createViewer(document.getElementById('viewer'), liveSource(five, options));
  globalThis.live = live;
  globalThis.result = { seen, reward: [...reward], refused };
`;

withBrowser(
  'a Hopper moves in Chromium as it does in Node, to the bit; an ant is watched while it steps',
  async () => {
    const dist = fileURLToPath(new URL('../dist', import.meta.url));
    const { outputFiles } = await build({
      stdin: { contents: program, resolveDir: dist },
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'browser',
      // MuJoCo's script asks for these only in Node
      external: ['module', 'node:*', 'fs', 'path', 'worker_threads'],
    });
    const script = outputFiles[0]?.text ?? '';
    const wasm = join(dirname(createRequire(import.meta.url).resolve('@mujoco/mujoco')), 'mujoco.wasm');
    const server = createServer(({ url }, response) => {
      const [type, body] = url?.includes('.wasm')
        ? ['application/wasm', readFileSync(wasm)]
        : url === '/script.js'
          ? ['text/javascript', script]
          : [
              'text/html',
              '<div id="viewer" style="width: 400px; height: 300px"></div><script type="module" src="/script.js"></script>',
            ];
      response.setHeader('content-type', type);
      response.end(body);
    }).listen(0);
    const browser = await chromium.launch({
      executablePath: executablePath as string,
      args: ['--no-sandbox', '--enable-unsafe-swiftshader'],
    });
    try {
      const page = await browser.newPage();
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(error.message));
      await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
      await page.waitForFunction('globalThis.result', null, { timeout: 60_000 });
      const result = (await page.evaluate('result')) as { seen: number[][]; reward: number[]; refused: string };
      const env = await makeEnv('Hopper-v5');
      const seen = [[...(env.reset({ seed: 3 }).obs as Float64Array)]];
      for (let t = 0; t < 10; t++) seen.push([...(env.step(Float32Array.of(0.1, -0.2, 0.3)).obs as Float64Array)]);
      env.close();
      expect(result.seen).toEqual(seen);
      expect(result.reward).toEqual([1, 1]);
      expect(result.refused).toContain('no worker threads in a page');
      // a five-legged ant steps while it is watched, and waits while it is paused
      await page.waitForFunction('live.steps > 3', null, { timeout: 60_000 });
      const picture = await page
        .locator('#viewer canvas')
        .screenshot(process.env.GIMBAL_SHOTS ? { path: join(process.env.GIMBAL_SHOTS, 'live.png') } : {});
      expect(picture.length).toBeGreaterThan(5000); // not one colour
      expect(await page.locator('#viewer strong').textContent()).toBe('AntRun-v0, live');
      await page.evaluate(`document.querySelector('[aria-label="play or pause"]').click()`);
      const paused = await page.evaluate('live.steps');
      await page.waitForTimeout(300);
      expect(await page.evaluate('live.steps')).toBe(paused);
      expect(errors).toEqual([]);
    } finally {
      await browser.close();
      server.close();
    }
  },
  120_000,
);
