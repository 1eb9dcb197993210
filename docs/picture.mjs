// The picture of the start page: the top of a report, as Chromium shows it.
// usage: npm start && node docs/picture.mjs runs/align-1/report.html
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const report = process.argv[2];
if (report === undefined) throw new Error('which report? For example runs/align-1/report.html');
const out = join(import.meta.dirname, 'images', 'report.png');
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const page = await browser.newPage({ viewport: { width: 1100, height: 1000 } });
await page.goto(pathToFileURL(resolve(report)).href);
// down to the end of the first sample
const samples = page.locator('section', { hasText: 'What it writes' }).first();
const bottom = await samples.evaluate((node) => {
  const first = node.querySelector('article, .sample') ?? node;
  return first.getBoundingClientRect().bottom + 12;
});
await page.screenshot({ path: out, clip: { x: 0, y: 20, width: 1100, height: Math.min(bottom, 1000) - 20 } });
await browser.close();
console.log(`written to ${out}`);
