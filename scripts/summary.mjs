// The last line of CI: the sum over its runners.
// usage: node scripts/summary.mjs <runner>=<exit status> …
// A runner that failed without saying what (it could not even install) counts as one failure.
import { readResults } from './lib/results.mjs';

let passed = 0;
let failed = 0;
for (const argument of process.argv.slice(2)) {
  const [runner, status] = argument.split('=');
  const results = readResults(runner) ?? { passed: 0, failed: 0, failures: [] };
  const unexplained = status !== '0' && results.failed === 0;
  passed += results.passed;
  failed += results.failed + (unexplained ? 1 : 0);
  for (const name of results.failures) console.log(`✗ ${runner}: ${name}`);
  if (unexplained) console.log(`✗ ${runner}: ended with status ${status}`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
