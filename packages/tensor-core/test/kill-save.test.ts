/** kill -9 at random moments of a save: the newest checkpoint that was announced always loads, complete. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import './helpers/cpu.ts';
import { loadCheckpoint } from '../src/checkpoint/load.node.ts';
import { rng } from '../src/random/rng.ts';
import { disposeTree } from '../src/tree/memory.ts';
import { flatten } from '../src/tree/params.ts';

const kills = 24;
const folder = mkdtempSync(join(tmpdir(), 'gimbal-kill-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Node 20 runs no TypeScript: the child is bundled first, by the esbuild that tsup brings. */
function bundle(): string {
  const require = createRequire(createRequire(import.meta.url).resolve('tsup'));
  const esbuild = join(dirname(require.resolve('esbuild/package.json')), 'bin', 'esbuild');
  const entry = fileURLToPath(new URL('helpers/save-loop.ts', import.meta.url));
  const outfile = join(folder, 'save-loop.mjs');
  const banner =
    "--banner:js=import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
  execFileSync(process.execPath, [
    esbuild,
    entry,
    '--bundle',
    '--platform=node',
    '--format=esm',
    '--ignore-annotations', // tfjs-backend-cpu says that importing it does nothing
    banner,
    `--outfile=${outfile}`,
    '--log-level=error',
  ]);
  return outfile;
}

/** Lets the child save, kills it `ms` after its second save, and returns the last step it announced. */
function saveAndKill(script: string, checkpoints: string, ms: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, checkpoints], { stdio: ['ignore', 'pipe', 'inherit'] });
    let last = 0;
    let saves = 0;
    child.stdout.on('data', (text: Buffer) => {
      const steps = text.toString().trim().split('\n').map(Number);
      last = steps.at(-1) as number;
      const before = saves;
      saves += steps.length;
      if (before < 2 && saves >= 2) setTimeout(() => child.kill('SIGKILL'), ms);
    });
    child.on('error', reject);
    child.on('exit', (code, signal) =>
      signal === 'SIGKILL' ? resolve(last) : reject(new Error(`the child ended by itself: ${code}`)),
    );
  });
}

test(`${kills} kills during saves lose nothing that was announced`, async () => {
  const script = bundle();
  const checkpoints = join(folder, 'checkpoints');
  const stream = rng(1);
  let interrupted = 0;
  for (let i = 0; i < kills; i++) {
    const announced = await saveAndKill(script, checkpoints, stream.uniform() * 30);
    if (readdirSync(checkpoints).some((name) => name.startsWith('.'))) interrupted++;
    const warnings: string[] = [];
    const loaded = await loadCheckpoint(checkpoints, { warn: (m) => warnings.push(m) });
    expect(warnings).toEqual([]);
    expect(loaded.step).toBeGreaterThanOrEqual(announced);
    expect(loaded.state).toEqual({ step: loaded.step });
    for (const name of ['params', 'optimizer']) {
      const tree = await loaded.tree(name);
      for (const [, t] of flatten(tree)) expect(new Set(t.dataSync())).toEqual(new Set([loaded.step]));
      disposeTree(tree);
    }
  }
  // most kills hit a save half-way, or the test says nothing
  expect(interrupted).toBeGreaterThan(kills / 2);
}, 120000);
