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
  const env = await makeEnv('Hopper-v5');
  const seen = [[...env.reset({ seed: 3 }).obs]];
  for (let t = 0; t < 10; t++) seen.push([...env.step(Float32Array.of(0.1, -0.2, 0.3)).obs]);
  const envs = await makeVectorEnv('CartPole-v1', { numEnvs: 2 });
  await envs.reset();
  const { reward } = await envs.step(Int32Array.of(0, 1));
  const refused = await makeVectorEnv('CartPole-v1', { numEnvs: 2, workers: 1 }).catch((error) => error.message);
  globalThis.result = { seen, reward: [...reward], refused };
`;

withBrowser(
  'a Hopper moves in Chromium as it does in Node, to the bit',
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
          : ['text/html', '<script type="module" src="/script.js"></script>'];
      response.setHeader('content-type', type);
      response.end(body);
    }).listen(0);
    const browser = await chromium.launch({ executablePath: executablePath as string, args: ['--no-sandbox'] });
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
      expect(errors).toEqual([]);
    } finally {
      await browser.close();
      server.close();
    }
  },
  120_000,
);
