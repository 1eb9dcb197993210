// Tries the installed packages on other versions of Node, each fetched from npm.
// usage: npm run test:nodes [-- --reuse] [version …]      by default 22, 24 and 26
//        --reuse takes the projects that `npm test` has just made; without it they are made anew
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fetchNode } from './lib/fetch-node.mjs';
import { Results } from './lib/results.mjs';
import { quote, root, run } from './lib/run.mjs';
import { clear, isReady, trials, tryOne } from './packed/project.mjs';

const argv = process.argv.slice(2);
const asked = argv.filter((a) => !a.startsWith('-'));
const versions = asked.length > 0 ? asked : ['22', '24', '26'];
const record = join(root, 'build', 'packed.json');
if (!argv.includes('--reuse') || !existsSync(record)) {
  const { ok } = await run('node scripts/packed.mjs', { stream: true });
  if (!ok) console.log('test:nodes: the packages do not pass on this Node; going on with what was installed');
}

const results = new Results('nodes');
const { projects } = existsSync(record) ? JSON.parse(readFileSync(record, 'utf8')) : { projects: [] };
if (projects.length === 0) results.fail('the packages could not be packed', 0);
for (const version of versions) {
  let node;
  try {
    node = await fetchNode(version);
  } catch (error) {
    results.fail(`Node ${version}`, 0, { output: error.message });
    continue;
  }
  const { output: full } = await run(`${quote(node)} --version`);
  const readsTypeScript = Number(/^v(\d+)/.exec(full)?.[1]) >= 24; // as the READMEs say
  for (const { label, path } of projects) {
    if (!isReady(path)) continue; // its install failed, and was counted there
    clear(path);
    for (const trial of trials(path, { node, readsTypeScript })) {
      const { ok, output, seconds } = await tryOne(path, trial, { node });
      const what = `Node ${full.trim()} ${label}: ${trial.what}`;
      if (ok) results.pass(what, seconds);
      else results.fail(what, seconds, { output: `${trial.command}\n${output}`, advice: path });
    }
  }
}
results.finish();
