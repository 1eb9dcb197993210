// What an install downloads, by the user's own npm and pip, each file checked against its pinned hash.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BackendError } from '@gimbal/tensor-core';
import { failed, where } from './failure.ts';
import { nvidiaSha256, tarballs, tensorflow, type Wheel } from './recipe.ts';
import type { System } from './system.ts';
import { untar } from './untar.ts';

/** Unpacks tfjs-node, its protobuf library and Node's headers: `<folder>/{tfjs-node,google-protobuf,node-api-headers}`. */
export async function fetchPackages(folder: string, system: System, signal: AbortSignal): Promise<void> {
  await mkdir(folder, { recursive: true });
  // a project of its own: npm would ask the workspace around it
  await writeFile(join(folder, 'package.json'), '{ "private": true }');
  const specs = tarballs.map((one) => one.spec);
  // settings of the user's that would put the files elsewhere, or nowhere; --silent would keep npm's reasons too
  const here = ['--loglevel=error', '--pack-destination=.', '--no-dry-run'];
  // npm's own patience is five minutes, three times: long for packages of a megabyte, behind a proxy that says nothing
  const env = { npm_config_fetch_timeout: process.env.npm_config_fetch_timeout ?? '60000' };
  const { code, stderr } = await system.run('npm', ['pack', ...here, ...specs], { cwd: folder, signal, env });
  // a reason, then a stack and where the log lies
  const said = stderr.trim().split('\n').slice(0, 8).join('\n');
  if (code !== 0) throw failed('npm could not fetch tfjs-node', said, offline('npm'), signal);
  for (const { spec, file, sha512 } of tarballs) {
    const path = join(folder, file);
    await check(path, 'sha512', 'base64', sha512, spec);
    await untar(path, join(folder, spec.replace(/^@tensorflow\//, '').replace(/@[^@]+$/, '')));
  }
}

/** Downloads TensorFlow's wheel, checked. @returns its path, in `<folder>/wheel` */
export async function fetchTensorFlow(
  folder: string,
  wheel: Wheel,
  system: System,
  signal: AbortSignal,
): Promise<string> {
  const downloads = join(folder, 'wheel');
  const spec = `${wheel.name}==${tensorflow}`;
  const args = ['download', ...quiet, '--no-deps', '--only-binary=:all:'];
  const tags = ['--python-version', '3.11', '--platform', wheel.platform, '-d', downloads];
  const attempt = async (...more: string[]): Promise<string> => {
    await rm(downloads, { recursive: true, force: true });
    await mkdir(downloads, { recursive: true });
    await pip([...args, ...tags, ...more, spec], folder, `pip could not fetch ${spec}`, system, signal);
    const [file] = (await readdir(downloads)).filter((name) => name.endsWith('.whl'));
    if (file === undefined) throw failed(`pip fetched no wheel of ${spec}`, '', offline('pip'), signal);
    await check(join(downloads, file), 'sha256', 'hex', wheel.sha256, spec);
    return join(downloads, file);
  };
  try {
    return await attempt();
  } catch (error) {
    // pip keeps what it has downloaded in a cache of its own, which may be damaged
    if (!/checksum|do not match the hashes|not a zip|badzipfile|invalid wheel/i.test((error as Error).message))
      throw error;
    return await attempt('--no-cache-dir');
  }
}

const unpack = `
import sys, zipfile
wheel, folder = sys.argv[1:]
wanted = ('tensorflow/libtensorflow', 'tensorflow/include/tensorflow/c/', 'tensorflow/include/xla/tsl/c/',
          'tensorflow/include/tensorflow/core/platform/ctstring', 'tensorflow/include/tsl/platform/ctstring')
with zipfile.ZipFile(wheel) as z:
    z.extractall(folder, [n for n in z.namelist() if n.startswith(wanted)])
`;

/** Unpacks TensorFlow's two libraries and the headers of their C interface to `<folder>/tensorflow`; the wheel goes. */
export async function unpackTensorFlow(
  wheel: string,
  folder: string,
  system: System,
  signal: AbortSignal,
): Promise<void> {
  const cwd = (await temporary(folder)).TMPDIR;
  const { code, stderr } = await system.run('python3', ['-c', unpack, wheel, folder], { cwd, signal });
  if (code !== 0) throw failed('the wheel could not be unpacked', stderr, 'try again', signal);
  await rm(dirname(wheel), { recursive: true });
}

/** Installs NVIDIA's libraries to `<folder>/nvidia`, as pip lays them out; pip checks each wheel. */
export async function fetchNvidia(folder: string, system: System, signal: AbortSignal): Promise<void> {
  const { TMPDIR } = await temporary(folder);
  const wanted = join(TMPDIR, 'nvidia.txt');
  const lines = Object.entries(nvidiaSha256).map(([spec, sha256]) => `${spec} --hash=sha256:${sha256}\n`);
  await writeFile(wanted, lines.join(''));
  // no cache: it would take as much again as the space that was asked for
  const args = ['install', ...quiet, '--no-deps', '--no-compile', '--no-cache-dir', '--only-binary=:all:'];
  const all = [...args, '--require-hashes', '--target', folder, '-r', wanted];
  await pip(all, folder, "pip could not install NVIDIA's libraries", system, signal);
}

const quiet = ['-q', '--disable-pip-version-check'];
const offline = (program: 'npm' | 'pip'): string =>
  `try again when the network is back; if it is, look at the settings of ${program} (${program} config list)`;

/**
 * Runs pip with its temporary files where the install goes: elsewhere there may be no room for them. It runs among them too,
 * since Python takes a pip.py or a random.py of the folder that it runs in for its own.
 */
async function pip(
  args: readonly string[],
  folder: string,
  what: string,
  system: System,
  signal: AbortSignal,
): Promise<void> {
  const env = { ...(await temporary(folder)), PIP_USER: 'false', PIP_REQUIRE_VIRTUALENV: 'false' };
  const { code, stderr } = await system.run('python3', ['-m', 'pip', ...args], { cwd: env.TMPDIR, signal, env });
  if (code !== 0) throw failed(what, stderr, offline('pip'), signal);
}

/** The environment of programs whose temporary files lie in `<folder>/tmp`. */
export async function temporary(folder: string): Promise<{ TMPDIR: string }> {
  const TMPDIR = join(folder, 'tmp');
  await mkdir(TMPDIR, { recursive: true });
  return { TMPDIR };
}

async function check(
  path: string,
  algorithm: 'sha256' | 'sha512',
  encoding: 'hex' | 'base64',
  wanted: string,
  name: string,
): Promise<void> {
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  const got = hash.digest(encoding);
  if (got === wanted) return;
  throw new BackendError({
    where,
    what: `${name}: wrong checksum`,
    got,
    wanted: `${algorithm} ${wanted}`,
    fix: 'what was downloaded is thrown away; try again, and if it stays so do not trust the mirror in use',
  });
}
