// A TensorFlow library that the user has already: `--tensorflow` names its folder, a site-packages or the environment.
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { BackendError } from '@gimbal/tensor-core';
import { accepted, buildOf, type Target } from './recipe.ts';

const where = 'gimbal doctor --tensorflow';

export interface GivenLibrary {
  /** The folder `tensorflow`, with the libraries and their headers. */
  folder: string;
  version: string;
}

/** On Linux and on macOS. */
const libraries = ['libtensorflow_cc.so.2', 'libtensorflow_cc.2.dylib'];

/** @throws BackendError where there is no library, one that the binding does not fit, or for a GPU one without CUDA */
export function givenLibrary(path: string, target: Target): GivenLibrary {
  const folder = candidates(path).find((one) => libraries.some((file) => existsSync(join(one, file))));
  if (folder === undefined) {
    const fix = 'name the site-packages of an environment with `pip install tensorflow` (or tensorflow[and-cuda])';
    throw new BackendError({ where, what: 'there is no TensorFlow library here', got: path, fix });
  }
  if (!existsSync(join(folder, 'include', 'tensorflow', 'c', 'c_api.h'))) {
    const fix = 'take the folder as pip installs it';
    throw new BackendError({ where, what: 'its headers are missing (include/tensorflow/c)', got: folder, fix });
  }
  const version = versionOf(folder);
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number);
  const [low, high] = [accepted.from.join('.'), accepted.to.join('.')];
  if (version === undefined || major !== 2 || minor < accepted.from[1] || minor > accepted.to[1]) {
    const got = version ?? 'an unknown version';
    throw new BackendError({
      where,
      what: 'the binding does not fit this TensorFlow',
      got,
      wanted: `${low} to ${high}`,
      fix: 'name another environment, or leave --tensorflow out: the fitting library is downloaded',
    });
  }
  if (buildOf(target) === 'cuda' && isWithoutCuda(folder)) {
    const fix = "pip install 'tensorflow[and-cuda]' there, or gimbal doctor --install node";
    throw new BackendError({ where, what: 'this TensorFlow is built without CUDA', got: folder, fix });
  }
  return { folder: realpathSync(folder), version };
}

function candidates(path: string): string[] {
  const lib = join(path, 'lib');
  const pythons = namesIn(lib).filter((name) => /^python3\.\d+$/.test(name));
  return [path, join(path, 'tensorflow'), ...pythons.map((name) => join(lib, name, 'site-packages', 'tensorflow'))];
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** TensorFlow's own record of its build says so; where there is none, the smoke test will tell. */
function isWithoutCuda(folder: string): boolean {
  const file = join(folder, 'python', 'platform', 'build_info.py');
  return existsSync(file) && /['"]is_cuda_build['"]\s*[,:]\s*False/.test(readFileSync(file, 'utf8'));
}

/** From the metadata that pip leaves beside the package, else from TensorFlow's own header. */
function versionOf(folder: string): string | undefined {
  const pattern = /^(?:tensorflow|tensorflow_cpu|intel_tensorflow)-(\d+\.\d+[\w.]*)\.dist-info$/;
  const told = namesIn(join(folder, '..'))
    .map((name) => pattern.exec(name)?.[1])
    .find((version) => version !== undefined);
  if (told !== undefined) return told;
  for (const header of ['release_version.h', 'version.h']) {
    const file = join(folder, 'include', 'tensorflow', 'core', 'public', header);
    if (!existsSync(file)) continue;
    const text = readFileSync(file, 'utf8');
    const part = (name: string): string | undefined => new RegExp(`#define TF_${name}_VERSION (\\d+)`).exec(text)?.[1];
    if (part('MAJOR') !== undefined) return `${part('MAJOR')}.${part('MINOR')}.${part('PATCH')}`;
  }
  return undefined;
}
