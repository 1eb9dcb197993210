// Packs the workspace's packages into the tarballs that a release would publish.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packages } from '../lib/packages.mjs';
import { quote, root, run } from '../lib/run.mjs';
import { platformPackage, thisPlatform, writePlatformPackage } from '../release/platforms.mjs';

/**
 * @typedef {import('../lib/packages.mjs').Package & { tarball: string, files: string[] }} Packed a package with its
 *   tarball and the paths in it
 */

/**
 * Packs every package into `folder`. tensor-native gets the package of this machine's binary as an optional dependency,
 * as releases give it those of all platforms; without a compiled binary it is packed as it is.
 *
 * @param {string} folder
 * @returns {Promise<{ packed: Packed[], platform?: { name: string, tarball: string } }>}
 * @throws {Error} when a package cannot be packed, with what the tool said
 */
export async function packAll(folder) {
  mkdirSync(folder, { recursive: true });
  const packed = [];
  let platform;
  for (const one of packages()) {
    // pnpm replaces `workspace:` and `catalog:` by versions and adds the workspace's LICENSE
    let tarball = await pack('pnpm pack', one.folder, folder);
    if (one.short === 'tensor-native') {
      platform = await packPlatform(one, folder);
      if (platform) tarball = await withOptional(tarball, { [platform.name]: one.manifest.version }, folder);
    }
    packed.push({ ...one, tarball, files: await listFiles(tarball) });
  }
  return { packed, ...(platform && { platform }) };
}

/** Runs `npm pack` or `pnpm pack` and returns the tarball's path. */
export async function pack(command, cwd, folder) {
  const { ok, output } = await run(`${command} --json --pack-destination ${quote(folder)}`, { cwd });
  const written = ok && /"filename":\s*"([^"]+\.tgz)"/.exec(output)?.[1];
  if (!written) throw new Error(`${command} failed in ${cwd}:\n${output}`);
  // pnpm prints the path, npm the name (and with `/` and `@` where the file has `-`)
  const name = written.split(/[\\/]/).pop();
  const path = join(folder, name);
  if (existsSync(path)) return path;
  const scoped = written.replace(/^@/, '').replace('/', '-');
  if (existsSync(join(folder, scoped))) return join(folder, scoped);
  throw new Error(`${command} in ${cwd} wrote no ${path}`);
}

/** The package of this machine's binary; undefined when the build found no compiler. */
async function packPlatform(native, folder) {
  const platform = thisPlatform();
  const binary = platform && join(native.folder, 'prebuilds', platform.id.replace('-musl', ''), 'tensor-native.node');
  if (!platform || !existsSync(binary)) return undefined;
  const stage = join(folder, 'stage-platform');
  writePlatformPackage(stage, platform, {
    version: native.manifest.version,
    binary,
    license: join(root, 'LICENSE'),
  });
  return { name: platformPackage(platform), tarball: await pack('npm pack', stage, folder) };
}

/**
 * Rewrites a tarball's manifest: adds optional dependencies. In the source tree they would be names that no registry
 * has yet, and every install would ask for them.
 *
 * @param {string} tarball
 * @param {Record<string, string>} optionalDependencies
 * @param {string} folder where the new tarball goes, in place of the old one
 * @returns {Promise<string>}
 */
export async function withOptional(tarball, optionalDependencies, folder) {
  const stage = join(folder, 'stage-optional');
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(stage, { recursive: true });
  const { ok, output } = await run(`tar -xzf ${quote(tarball)} -C ${quote(stage)}`);
  if (!ok) throw new Error(`tar could not read ${tarball}:\n${output}`);
  const path = join(stage, 'package', 'package.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8'));
  manifest.optionalDependencies = { ...manifest.optionalDependencies, ...optionalDependencies };
  delete manifest.scripts; // nothing in a published package runs
  writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`);
  rmSync(tarball);
  return pack('npm pack', join(stage, 'package'), folder);
}

/** The paths in a tarball, without the leading `package/`. */
async function listFiles(tarball) {
  const { ok, output } = await run(`tar -tzf ${quote(tarball)}`);
  if (!ok) throw new Error(`tar could not list ${tarball}:\n${output}`);
  return output
    .split('\n')
    .map((line) => line.trim().replace(/^package\//, ''))
    .filter(Boolean);
}
