// Packs every package and installs each alone, with those of ours it needs, into an empty project: imported from ES
// modules, CommonJS and TypeScript, its README's quick start executed as it stands.
// usage: node scripts/packed.mjs [package …]       short names; all by default
// The projects stay (build/packed.json says where) until the next run: `npm run test:nodes -- --reuse` tries them on
// other versions of Node.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { needs } from './lib/packages.mjs';
import { Results } from './lib/results.mjs';
import { root } from './lib/run.mjs';
import { faultsOfContents } from './packed/contents.mjs';
import { packAll } from './packed/pack.mjs';
import { compilers, install, trials, tryOne, writePrograms } from './packed/project.mjs';

const results = new Results('packed');
const record = join(root, 'build', 'packed.json');
if (existsSync(record)) rmSync(JSON.parse(readFileSync(record, 'utf8')).folder, { recursive: true, force: true });
const folder = mkdtempSync(join(tmpdir(), 'gimbal-packed-'));
const wanted = process.argv.slice(2);

const tsc = await compilers();
const { packed, platform } = await packAll(join(folder, 'tarballs'));
if (!platform) results.skip('the native binary', 'none was compiled here; the packages run on wasm');
for (const one of packed) {
  const faults = faultsOfContents(one);
  const what = `${one.name}: ${one.files.length} files in its tarball`;
  if (faults.length > 0) results.fail(what, 0, { output: faults.join('\n') });
  else results.pass(what, 0);
}

/** Each package once; tensor-core also without its optional native part, as on a machine nothing is prebuilt for. */
const projects = packed
  .filter((one) => wanted.length === 0 || wanted.includes(one.short))
  .flatMap((one) => [
    { one, label: one.name, path: join(folder, one.short), optional: true },
    ...(one.short === 'tensor-core'
      ? [{ one, label: `${one.name} without native`, path: join(folder, `${one.short}-alone`), optional: false }]
      : []),
  ]);

for (const { one, label, path, optional } of projects) {
  const names = needs(one, packed, { optional });
  const tarballs = packed.filter((p) => names.includes(p.name)).map((p) => p.tarball);
  if (platform && names.includes('@gimbal/tensor-native')) tarballs.push(platform.tarball);
  const installed = await install(path, tarballs, { withoutOptional: !optional });
  if (!installed.ok) {
    results.fail(`${label}: npm install`, installed.seconds, { output: installed.output });
    continue;
  }
  results.pass(
    `${label}: npm install of ${tarballs.length} tarball${tarballs.length > 1 ? 's' : ''}`,
    installed.seconds,
  );
  const usesNative = names.includes('@gimbal/tensor-native');
  const { hasQuickStart, leftOut } = writePrograms(path, one, {
    native: optional ? (usesNative && platform ? true : undefined) : false,
  });
  if (!hasQuickStart)
    results.fail(`${label}: README quick start`, 0, {
      output: `${one.short}/README.md has no code under "Quick start"`,
    });
  if (leftOut) results.skip(`${label}: README quick start`, leftOut);
  for (const trial of trials(path, { tsc })) {
    const { ok, output, seconds } = await tryOne(path, trial);
    if (ok) results.pass(`${label}: ${trial.what}`, seconds);
    else results.fail(`${label}: ${trial.what}`, seconds, { output: `${trial.command}\n${output}`, advice: path });
  }
}
writeFileSync(record, JSON.stringify({ folder, projects: projects.map(({ label, path }) => ({ label, path })) }));
results.finish();
