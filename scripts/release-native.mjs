// Builds what a release of tensor-native publishes: the addon compiled for all eight platforms on this one machine,
// a package for each, and tensor-native's own tarball that names them as optional dependencies.
// usage: npm run release:native [-- platform …]        e.g. linux-x64; all by default
// Needs Python 3 (Zig comes from PyPI) or ZIG=<path of zig>. Takes about a minute for each platform on two cores, and
// for the first Windows one a few more: Zig builds its C runtime once. Everything lands in build/release/.
import { mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { build } from '../packages/tensor-native/scripts/toolchain.mjs';
import { packages } from './lib/packages.mjs';
import { Results } from './lib/results.mjs';
import { quote, root, run } from './lib/run.mjs';
import { pack, withOptional } from './packed/pack.mjs';
import { faultsOfBinary } from './release/inspect.mjs';
import { platformPackage, platforms, thisPlatform, writePlatformPackage } from './release/platforms.mjs';
import { zigCommand, zigTarget } from './release/zig.mjs';

const wanted = process.argv.slice(2);
const unknown = wanted.filter((id) => !platforms.some((p) => p.id === id));
if (unknown.length > 0) {
  console.error(
    `release:native: no platform ${unknown.join(', ')}; there are: ${platforms.map((p) => p.id).join(', ')}`,
  );
  process.exit(2);
}

const results = new Results('release');
const folder = join(root, 'build', 'release');
const tarballs = join(folder, 'tarballs');
rmSync(tarballs, { recursive: true, force: true });
mkdirSync(tarballs, { recursive: true });
const native = packages().find((p) => p.short === 'tensor-native');
const { version } = native.manifest;
const zig = await zigCommand();

/** @type {Record<string, string>} the packages made, with their version */
const optional = {};
for (const platform of platforms.filter((p) => wanted.length === 0 || wanted.includes(p.id))) {
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const binary = join(folder, 'binaries', platform.id, 'tensor-native.node');
  try {
    await build(await zigTarget(zig, platform), binary);
  } catch (error) {
    results.fail(platform.id, seconds(), { output: error.message });
    continue;
  }
  const faults = faultsOfBinary(readFileSync(binary), platform);
  if (platform.id === thisPlatform()?.id) {
    const load = `require(${JSON.stringify(binary)}).info()`;
    const { ok, output } = await run(`${quote(process.execPath)} -e ${quote(load)}`);
    if (!ok) faults.push(`does not load here:\n${output}`);
  }
  if (faults.length > 0) {
    results.fail(platform.id, seconds(), { output: faults.join('\n') });
    continue;
  }
  const stage = join(folder, 'packages', platform.id);
  rmSync(stage, { recursive: true, force: true });
  writePlatformPackage(stage, platform, { version, binary, license: join(root, 'LICENSE') });
  await pack('npm pack', stage, tarballs);
  optional[platformPackage(platform)] = version;
  results.pass(`${platform.id.padEnd(18)} ${(statSync(binary).size / 1024).toFixed(0).padStart(6)} KB`, seconds());
}

const missing = platforms.length - Object.keys(optional).length;
if (missing === 0) {
  const plain = await pack('pnpm pack', native.folder, tarballs);
  await withOptional(plain, optional, tarballs);
  rmSync(join(tarballs, 'stage-optional'), { recursive: true });
  console.log(`Nine tarballs in ${tarballs}. Publish those of the platforms first.`);
} else console.log(`Without ${missing} of ${platforms.length} platforms: no tarball of tensor-native itself.`);
results.finish();
