// What an install downloads, by the user's own npm and pip, each file checked against its pinned hash.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BackendError } from '@gimbal/tensor-core';
import { lastLines } from './compile.ts';
import { nvidia, tarballs, tensorflow, type Wheel } from './recipe.ts';
import type { System } from './system.ts';
import { untar } from './untar.ts';

const where = 'gimbal doctor --install';

/** Unpacks tfjs-node, its protobuf library and Node's headers: `<folder>/{tfjs-node,google-protobuf,node-api-headers}`. */
export async function fetchPackages(folder: string, system: System, signal: AbortSignal): Promise<void> {
  await mkdir(folder, { recursive: true });
  // a project of its own: npm would ask the workspace around it
  await writeFile(join(folder, 'package.json'), '{ "private": true }');
  const specs = tarballs.map((one) => one.spec);
  const { code, stderr } = await system.run('npm', ['pack', '--silent', ...specs], { cwd: folder, signal });
  if (code !== 0) throw failed('npm could not fetch tfjs-node', stderr, signal);
  for (const { spec, file, sha512 } of tarballs) {
    const path = join(folder, file);
    await check(path, 'sha512', 'base64', sha512, spec);
    await untar(path, join(folder, spec.replace(/^@tensorflow\//, '').replace(/@[^@]+$/, '')));
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

/** Unpacks TensorFlow's two libraries and the headers of their C interface to `<folder>/tensorflow`. */
export async function fetchTensorFlow(
  folder: string,
  wheel: Wheel,
  system: System,
  signal: AbortSignal,
): Promise<void> {
  const downloads = join(folder, 'wheel');
  await mkdir(downloads, { recursive: true });
  const spec = `${wheel.name}==${tensorflow}`;
  const pip = ['-m', 'pip', 'download', '-q', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:'];
  const tags = ['--python-version', '3.11', '--platform', wheel.platform, '-d', downloads];
  const { code, stderr } = await system.run('python3', [...pip, ...tags, spec], { signal });
  if (code !== 0) throw failed(`pip could not fetch ${spec}`, stderr, signal);
  const [file] = (await readdir(downloads)).filter((name) => name.endsWith('.whl'));
  if (file === undefined) throw failed(`pip fetched no wheel of ${spec}`, stderr, signal);
  await check(join(downloads, file), 'sha256', 'hex', wheel.sha256, spec);
  const unpacked = await system.run('python3', ['-c', unpack, join(downloads, file), folder], { signal });
  if (unpacked.code !== 0) throw failed('the wheel could not be unpacked', unpacked.stderr, signal);
  await rm(downloads, { recursive: true });
}

/** Installs NVIDIA's libraries to `<folder>/nvidia`, as pip lays them out. */
export async function fetchNvidia(folder: string, system: System, signal: AbortSignal): Promise<void> {
  const pip = ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', '--no-deps', '--no-compile'];
  const { code, stderr } = await system.run('python3', [...pip, '--only-binary=:all:', '--target', folder, ...nvidia], {
    signal,
  });
  if (code !== 0) throw failed("pip could not install NVIDIA's libraries", stderr, signal);
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

function failed(what: string, output: string, signal: AbortSignal): Error {
  signal.throwIfAborted();
  return new BackendError({
    where,
    what: `${what}:\n${lastLines(output)}\n`,
    fix: 'try again when the network is back',
  });
}
