// The commit a number was made at, where the code runs from a checkout.
import { execFileSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Short hash of the checkout this file lies in (`+` with uncommitted changes), or undefined for an installed package. */
export function commitOf(): string | undefined {
  const git = (...args: string[]): string =>
    execFileSync('git', args, {
      cwd: dirname(fileURLToPath(import.meta.url)),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    // an installed package below some other project's checkout is not of that commit
    if (import.meta.url.includes('/node_modules/')) return undefined;
    const changed = git('status', '--porcelain', '--untracked-files=no') !== '';
    return `${git('rev-parse', '--short=10', 'HEAD')}${changed ? '+' : ''}`;
  } catch {
    return undefined; // no git, or no checkout
  }
}
