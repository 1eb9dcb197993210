/** Child processes that are killed at a moment of the test's choice. */
import { execFileSync, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Bundles a helper, because Node 20 and pages run no TypeScript, with the esbuild that tsup brings.
 * @param name a file of this folder
 * @param folder where the bundle goes
 * @returns the script's path
 */
export function bundleHelper(name: string, folder: string, platform: 'node' | 'browser' = 'node'): string {
  const require = createRequire(createRequire(import.meta.url).resolve('tsup'));
  const esbuild = join(dirname(require.resolve('esbuild/package.json')), 'bin', 'esbuild');
  const entry = fileURLToPath(new URL(name, import.meta.url));
  const script = join(folder, name.replace(/\.ts$/, '.mjs'));
  const banner = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
  execFileSync(process.execPath, [
    esbuild,
    entry,
    '--bundle',
    `--platform=${platform}`,
    '--format=esm',
    '--ignore-annotations', // tfjs-backend-cpu says that importing it does nothing
    ...(platform === 'node' ? [`--banner:js=${banner}`] : []),
    `--outfile=${script}`,
    '--log-level=error',
  ]);
  return script;
}

/**
 * Runs a script that prints a number a line, and kills it (SIGKILL) some time after it has printed enough.
 * @param lines so many are waited for
 * @param ms and then so long
 * @returns the last number it printed
 */
export function runAndKill(script: string, argument: string, lines: number, ms: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, argument], { stdio: ['ignore', 'pipe', 'inherit'] });
    let last = 0;
    let seen = 0;
    let isDue = false;
    child.stdout.on('data', (text: Buffer) => {
      const numbers = text.toString().trim().split('\n').map(Number);
      last = numbers.at(-1) as number;
      seen += numbers.length;
      if (isDue || seen < lines) return;
      isDue = true;
      setTimeout(() => child.kill('SIGKILL'), ms);
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (signal === 'SIGKILL') resolve(last);
      else reject(new Error(`the child ended by itself: ${code}`));
    });
  });
}
