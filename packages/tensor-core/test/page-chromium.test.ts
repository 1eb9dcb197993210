/** Smoke test in a real browser: training gives Node's numbers, safetensors travel as bytes and by range requests. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import './helpers/cpu.ts';
import { LoopTrainer } from '../src/training/loop-trainer.ts';
import { bundleHelper } from './helpers/child.ts';
import { regression } from './helpers/regression.ts';

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const folder = mkdtempSync(join(tmpdir(), 'gimbal-page-'));
let server: Server | undefined;
afterAll(() => {
  server?.close();
  rmSync(folder, { recursive: true });
});

/** Serves the page, its script, and the golden file with ranges. */
async function serve(script: string): Promise<string> {
  const golden = readFileSync(new URL('golden/safetensors/mixed.safetensors', import.meta.url));
  server = createServer((request, response) => {
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    if (request.url === '/smoke.js') response.setHeader('content-type', 'text/javascript').end(readFileSync(script));
    else if (request.url === '/mixed.safetensors' && range) {
      const [start, end] = [Number(range[1]), Number(range[2])];
      response.writeHead(206, { 'content-range': `bytes ${start}-${end}/${golden.length}` });
      response.end(golden.subarray(start, end + 1));
    } else response.setHeader('content-type', 'text/html').end('<script type="module" src="/smoke.js"></script>');
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const withChromium = executablePath === undefined ? test.skip : test;
if (withChromium === test.skip) console.warn('skipped: there is no Chromium on this machine');

withChromium(
  'a page trains to the same losses and reads and writes safetensors',
  async () => {
    const url = await serve(bundleHelper('page-smoke.ts', folder, 'browser'));
    const browser = await chromium.launch({ executablePath: executablePath as string, args: ['--no-sandbox'] });
    try {
      const page = await browser.newPage();
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(error.message));
      await page.goto(url);
      await page.waitForFunction('globalThis.smoke !== undefined').catch(() => {});
      expect(errors).toEqual([]);
      const result = (await page.evaluate('globalThis.smoke()')) as Record<string, unknown>;
      const steps: number[] = [];
      for await (const { loss } of new LoopTrainer(regression()).train({ steps: 5 })) steps.push(loss);
      expect(result).toEqual({
        name: 'cpu',
        losses: steps,
        shapes: expect.arrayContaining([['hidden.weight', [2, 8]]]),
        values: [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5],
        folder: 'ERR_CONFIG',
      });
    } finally {
      await browser.close();
    }
  },
  60_000,
);
