// The self-contained page in headless Chromium: it draws the bodies, plays, pauses and seeks, and fetches nothing.
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inflateSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { makeEnv, recordEpisode, viewerHtml } from '../src/index.ts';

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const withBrowser = executablePath === undefined ? test.skip : test;
if (executablePath === undefined) console.warn('viewer: skipped, no Chromium is installed');

withBrowser(
  'the page shows the two ants of the chase, plays, pauses and seeks',
  async () => {
    const env = await makeEnv('AntChase-v0');
    const recording = recordEpisode(env, { steps: 120, seed: 1 });
    env.close();
    const folder = await mkdtemp(join(tmpdir(), 'viewer-'));
    const file = join(folder, 'chase.html');
    await writeFile(file, await viewerHtml(recording));
    const args = ['--no-sandbox', '--enable-unsafe-swiftshader'];
    const browser = await chromium.launch({ executablePath: executablePath as string, args });
    try {
      const page = await browser.newPage({ viewport: { width: 400, height: 300 } });
      page.setDefaultTimeout(30_000);
      const [errors, requests]: [string[], string[]] = [[], []];
      page.on('pageerror', (error) => errors.push(error.message));
      page.on('request', (request) => requests.push(request.url()));
      await page.goto(pathToFileURL(file).href);
      // what was asked for is in the picture once the page has drawn again, however long that takes
      const drawn = () =>
        page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))');
      const frame = (): Promise<number> => page.evaluate('viewer.frame') as Promise<number>;
      await page.waitForFunction('viewer.frame >= 2', null, { timeout: 60_000 });
      // clicked from inside: the page draws without a GPU, and is busy
      await page.evaluate(`document.querySelector('[aria-label="play or pause"]').click()`);
      const paused = await frame();
      await page.waitForTimeout(300);
      expect(await frame()).toBe(paused);
      await page.evaluate('viewer.seek(69)');
      await drawn();
      const without = count(await page.screenshot());
      // contacts appear while it is paused, too
      await page.evaluate(`document.querySelector('input[type=checkbox]').click()`);
      await drawn();
      expect(await page.evaluate(`document.querySelector('[aria-label=frame]').value`)).toBe('69');
      const png = await page.screenshot(
        process.env.GIMBAL_SHOTS ? { path: join(process.env.GIMBAL_SHOTS, 'chase.png') } : {},
      );
      // the two ants' skin, light and dark squares of the ground, and the sky
      const colours = count(png);
      expect(colours.skin).toBeGreaterThan(600);
      expect(colours.ground).toBeGreaterThan(15_000);
      const touching = (recording.contacts[69] as number[]).length / 4;
      expect(touching).toBeGreaterThan(0);
      expect(colours.red - without.red).toBeGreaterThan(3 * touching);
      expect(errors).toEqual([]);
      expect(requests).toEqual([pathToFileURL(file).href]);
    } finally {
      await browser.close();
      await rm(folder, { recursive: true });
    }
  },
  120_000,
);

/** Pixels of the bodies' orange, of the greenish ground and of red contact points in a screenshot (8-bit rgb or rgba PNG). */
function count(png: Buffer): { skin: number; ground: number; red: number } {
  const [width, height, channels] = [png.readUInt32BE(16), png.readUInt32BE(20), png[25] === 6 ? 4 : 3];
  const parts: Buffer[] = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  const rows = inflateSync(Buffer.concat(parts));
  const stride = width * channels;
  const out = new Uint8Array(height * stride);
  for (let y = 0; y < height; y++) {
    const filter = rows[y * (stride + 1)] as number;
    for (let i = 0; i < stride; i++) {
      const left = i < channels ? 0 : (out[y * stride + i - channels] as number);
      const up = y === 0 ? 0 : (out[(y - 1) * stride + i] as number);
      const corner = i < channels || y === 0 ? 0 : (out[(y - 1) * stride + i - channels] as number);
      const p = left + up - corner;
      const [a, b, c] = [Math.abs(p - left), Math.abs(p - up), Math.abs(p - corner)];
      const paeth = a <= b && a <= c ? left : b <= c ? up : corner;
      const predicted = [0, left, up, (left + up) >> 1, paeth][filter] as number;
      out[y * stride + i] = (rows[y * (stride + 1) + 1 + i] as number) + predicted;
    }
  }
  const found = { skin: 0, ground: 0, red: 0 };
  for (let i = 0; i < out.length; i += channels) {
    const [r, g, b] = [out[i] as number, out[i + 1] as number, out[i + 2] as number];
    if (r > 180 && g < 80 && b < 80) found.red++;
    else if (r > 1.3 * b && r > g + 15 && r > 70) found.skin++;
    else if (g >= r && g >= b && g > 60) found.ground++;
  }
  return found;
}
