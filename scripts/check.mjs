// Every check of the workspace, cheapest first, two at once where each keeps one core busy; once one fails, no further
// one starts.
// usage: npm test                             all of them
//        npm run check -- types floors        those named
import { onCores } from './lib/cores.mjs';
import { freshReport, jestCommand, jestCounts } from './lib/jest.mjs';
import { Results, readResults } from './lib/results.mjs';
import { run } from './lib/run.mjs';

const jestReport = freshReport('jest');

/** So many checks of one core run at once: memory is that of a machine of two. */
const cores = 2;

/**
 * One row a check. `cores`: how many it keeps busy, one by default. `turbo` names a task instead of a command: tasks
 * next to each other run as one command, so that two do not write one package's build at once. `stream` shows the
 * output as it comes; `counts` reads what the tool itself counted, which then replaces the single ✓ of the check in
 * the sum.
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
  { name: 'packages', what: 'build, declarations, publint, attw', turbo: 'check:package', cores: 2 },
  { name: 'site', what: 'docs build', turbo: 'build:site', cores: 2 },
  {
    name: 'tests',
    what: 'unit tests',
    command: jestCommand(jestReport),
    cores: 2,
    stream: true,
    counts: unitTests,
  },
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

/** What is run: a command for each check, one for those of turbo that are next to each other. */
function jobs(chosen) {
  const groups = [];
  for (const check of chosen) {
    if (check.turbo && groups.at(-1)?.[0].turbo) groups.at(-1).push(check);
    else groups.push([check]);
  }
  return groups.map((group) => {
    const [{ turbo, command, cores: needed = 1 }] = group;
    const tasks = group.map((check) => check.turbo).join(' ');
    return {
      group,
      cores: needed,
      command: turbo ? `turbo run ${tasks} --log-prefix=none --concurrency=${cores}` : command,
    };
  });
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
const left = await onCores(jobs(chosen), cores, async ({ group, command }) => {
  const [{ stream = false, counts }] = group;
  if (stream) console.log(`… ${group[0].what}`);
  const { ok, output, seconds } = await run(command, { stream, env: { TURBO_TELEMETRY_DISABLED: '1' } });
  let counted;
  try {
    counted = counts?.();
  } catch {
    // the tool ended before it counted anything: its exit status alone decides
  }
  if (counted) results.add(counted);
  const again = `again: npm run check -- ${group.map(({ name }) => name).join(' ')}`;
  if (ok) for (const { what } of group) results.pass(what, seconds, { count: !counted });
  else {
    const what = group.map((check) => check.what).join('; ');
    results.fail(what, seconds, { output, advice: again, count: !counted?.failed });
  }
  return ok;
});
if (left.length > 0)
  console.log(
    `not reached: ${left
      .flatMap(({ group }) => group)
      .map(({ name }) => name)
      .join(', ')}`,
  );
results.finish();
