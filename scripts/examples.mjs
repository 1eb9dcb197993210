// Runs the examples of every package against the built packages, as a reader would: each is one file that imports
// public names only, ends by itself within a minute, and exits 0.
// usage: node scripts/examples.mjs [package …]
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packages } from './lib/packages.mjs';
import { Results } from './lib/results.mjs';
import { quote, run } from './lib/run.mjs';
import { toJavaScript } from './packed/quick-start.mjs';

const wanted = process.argv.slice(2);
const results = new Results('examples');
for (const { short, folder } of packages()) {
  const examples = join(folder, 'examples');
  if ((wanted.length > 0 && !wanted.includes(short)) || !existsSync(examples)) continue;
  // inside the package, so that Node resolves what the package itself depends on, and its own name
  const built = join(folder, 'build', 'examples');
  rmSync(built, { recursive: true, force: true });
  mkdirSync(built, { recursive: true });
  for (const file of readdirSync(examples).filter((name) => /\.(ts|mjs)$/.test(name))) {
    const source = readFileSync(join(examples, file), 'utf8');
    const program = join(built, file.replace(/\.ts$/, '.mjs'));
    writeFileSync(program, file.endsWith('.ts') ? toJavaScript(source) : source);
    const { ok, output, seconds } = await run(`${quote(process.execPath)} ${quote(program)}`, {
      cwd: built,
      timeoutMs: 60_000,
    });
    if (ok) results.pass(`${short}/examples/${file}`, seconds);
    else results.fail(`${short}/examples/${file}`, seconds, { output });
  }
}
results.finish();
