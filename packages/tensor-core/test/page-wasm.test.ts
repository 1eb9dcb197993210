// The built package in a real browser on WebAssembly: a gradient and AdamW steps give Node's numbers.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Scalar, tensor2d, losses as tfLosses } from '@tensorflow/tfjs-core';
import { chromium } from 'playwright-core';
import { createOptimizer, disposeTree, mlpModule, rng, useBackend, valueAndGrad, variables } from '../src/index.ts';
import { bundleHelper } from './helpers/child.ts';

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const isBuilt = existsSync(fileURLToPath(new URL('../dist/browser.js', import.meta.url)));
const folder = mkdtempSync(join(tmpdir(), 'gimbal-wasm-'));
let server: Server | undefined;
afterAll(() => {
  server?.close();
  rmSync(folder, { recursive: true });
});

/** The page, its script, and tfjs's three .wasm files under /wasm/. */
async function serve(script: string): Promise<string> {
  const backend = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'));
  server = createServer(({ url = '/' }, response) => {
    if (url === '/page.js') response.setHeader('content-type', 'text/javascript').end(readFileSync(script));
    else if (url.startsWith('/wasm/'))
      response.setHeader('content-type', 'application/wasm').end(readFileSync(join(backend, basename(url))));
    else response.setHeader('content-type', 'text/html').end('<script type="module" src="/page.js"></script>');
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** The same steps as helpers/page-wasm.ts, here. */
async function lossesInNode(): Promise<number[]> {
  await useBackend('wasm');
  const model = mlpModule({ sizes: [2, 8, 1], activation: 'tanh' });
  const params = variables(model.init(rng(3).split('init')));
  const optimizer = createOptimizer({ name: 'adamw' });
  const state = optimizer.init(params);
  const x = tensor2d([
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ]);
  const y = tensor2d([[0], [1], [1], [0]]);
  const out: number[] = [];
  for (let i = 0; i < 5; i++) {
    const { value, grads } = valueAndGrad(
      (p: typeof params): Scalar => tfLosses.meanSquaredError(y, model.apply(p, x)) as Scalar,
    )(params);
    optimizer.update(params, grads, state, 0.01);
    out.push(value.dataSync()[0] ?? Number.NaN);
    disposeTree(grads);
  }
  return out;
}

const missing =
  executablePath === undefined
    ? 'there is no Chromium on this machine'
    : isBuilt
      ? undefined
      : 'the package is not built (pnpm build)';
if (missing !== undefined) console.warn(`skipped: ${missing}`);

(missing === undefined ? test : test.skip)(
  'a page trains on wasm, from the built package, to the losses of Node',
  async () => {
    const url = await serve(bundleHelper('page-wasm.ts', folder, 'browser'));
    const browser = await chromium.launch({ executablePath: executablePath as string, args: ['--no-sandbox'] });
    try {
      const page = await browser.newPage();
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(error.message));
      await page.goto(url);
      await page.waitForFunction('globalThis.train !== undefined');
      const result = (await page.evaluate('globalThis.train()')) as {
        backend: string;
        losses: number[];
        tensors: number;
      };
      expect(errors).toEqual([]);
      const wanted = await lossesInNode();
      expect(result).toEqual({ backend: 'wasm', losses: wanted.map((loss) => expect.closeTo(loss, 6)), tensors: 0 });
      expect(wanted[4]).toBeLessThan(wanted[0] as number);
    } finally {
      await browser.close();
    }
  },
  60_000,
);
