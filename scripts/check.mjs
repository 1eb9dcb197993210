// Every check of the workspace, cheapest first; stops at the first that fails.
// usage: npm test                             all of them
//        npm run check -- types floors        those named
import { freshReport, jestCommand, jestCounts } from './lib/jest.mjs';
import { Results, readResults } from './lib/results.mjs';
import { run } from './lib/run.mjs';

const jestReport = freshReport('jest');

/**
 * One row a check. `stream` shows the output as it comes; `counts` reads what the tool itself counted, which then
 * replaces the single ✓ of the check in the sum.
 */
const checks = [
  { name: 'lint', what: 'format and lint', command: 'biome ci . --colors=off --max-diagnostics=20' },
  { name: 'types', what: 'types', command: 'tsc --noEmit' },
  {
    name: 'floors',
    what: 'imports point down, no cycles, no file too long',
    command: 'node scripts/floors.mjs',
  },
  { name: 'unused', what: 'no unused file, export or dependency', command: 'knip' },
  {
    name: 'docstrings',
    what: 'every public name says what it is, and a README tells of it',
    command: 'node scripts/docstrings.mjs',
  },
  { name: 'packages', what: 'build, declarations, publint, attw', command: turbo('check:package') },
  { name: 'site', what: 'docs build', command: turbo('build:site') },
  { name: 'tests', what: 'unit tests', command: jestCommand(jestReport), stream: true, counts: unitTests },
  {
    name: 'examples',
    what: 'examples run',
    command: 'node scripts/examples.mjs',
    stream: true,
    counts: () => readResults('examples'),
  },
  {
    name: 'packed',
    what: 'packages packed and installed alone, README quick starts',
    command: 'node scripts/packed.mjs',
    stream: true,
    counts: () => readResults('packed'),
  },
];

function turbo(task) {
  return `turbo run ${task} --log-prefix=none`;
}

/** Jest's own counts. */
function unitTests() {
  const { skipped, ...counted } = jestCounts(jestReport);
  if (skipped > 0) console.log(`unit tests: ${skipped} skipped (reasons above)`);
  return counted;
}

const wanted = process.argv.slice(2);
const names = checks.map((check) => check.name);
const unknown = wanted.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`check: no check named ${unknown.join(', ')}; there are: ${names.join(', ')}`);
  process.exit(2);
}

const results = new Results('check');
const chosen = checks.filter((check) => wanted.length === 0 || wanted.includes(check.name));
for (const { name, what, command, stream = false, counts } of chosen) {
  if (stream) console.log(`… ${what}`);
  const { ok, output, seconds } = await run(command, { stream, env: { TURBO_TELEMETRY_DISABLED: '1' } });
  let counted;
  try {
    counted = counts?.();
  } catch {
    // the tool ended before it counted anything: its exit status alone decides
  }
  if (counted) results.add(counted);
  const again = `again: npm run check -- ${name}`;
  if (ok) results.pass(what, seconds, { count: !counted });
  else results.fail(what, seconds, { output, advice: again, count: !counted?.failed });
  if (!ok) break;
}
const left = chosen.length - results.lines;
if (left > 0)
  console.log(
    `not reached: ${chosen
      .slice(-left)
      .map((check) => check.name)
      .join(', ')}`,
  );
results.finish();
