// Other versions of Node, from npm.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { npmFlags } from '../packed/project.mjs';
import { root, run } from './run.mjs';

/**
 * The npm package that carries Node's binary for this machine. (The package `node` only fetches it in an install
 * script.)
 */
const { platform, arch } = process;
const carrier = `${platform === 'darwin' && arch === 'arm64' ? 'node-bin' : 'node'}-${platform === 'win32' ? 'win' : platform}-${arch}`;

/** Installs one version of Node under build/nodes and returns the path of its binary. */
export async function fetchNode(version) {
  const folder = join(root, 'build', 'nodes', version);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  const { ok, output } = await run(`npm install ${npmFlags} ${carrier}@${version}`, { cwd: folder });
  const binary = join(folder, 'node_modules', carrier, 'bin', platform === 'win32' ? 'node.exe' : 'node');
  if (!ok || !existsSync(binary)) throw new Error(`${carrier}@${version} could not be installed:\n${output}`);
  return binary;
}
