// A TensorFlow library that the user has already: `--tensorflow` names its folder, a site-packages or the environment.
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { BackendError } from '@gimbal/tensor-core';
import { accepted } from './recipe.ts';

const where = 'gimbal doctor --tensorflow';

export interface GivenLibrary {
  /** The folder `tensorflow`, with the libraries and their headers. */
  folder: string;
  version: string;
}

/** @throws BackendError where there is no library, or one of a version that the binding does not fit */
export function givenLibrary(path: string): GivenLibrary {
  const folder = candidates(path).find((one) => existsSync(join(one, 'libtensorflow_cc.so.2')));
  if (folder === undefined) {
    const fix = 'name the site-packages of an environment with `pip install tensorflow` (or tensorflow[and-cuda])';
    throw new BackendError({ where, what: 'there is no TensorFlow library here', got: path, fix });
  }
  if (!existsSync(join(folder, 'include', 'tensorflow', 'c', 'c_api.h'))) {
    throw new BackendError({ where, what: 'its headers are missing (include/tensorflow/c)', got: folder });
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
    });
  }
  return { folder: realpathSync(folder), version };
}

function candidates(path: string): string[] {
  const lib = join(path, 'lib');
  const pythons = existsSync(lib) ? readdirSync(lib).filter((name) => /^python3\.\d+$/.test(name)) : [];
  return [path, join(path, 'tensorflow'), ...pythons.map((name) => join(lib, name, 'site-packages', 'tensorflow'))];
}

/** From the metadata that pip leaves beside the package, else from TensorFlow's own header. */
function versionOf(folder: string): string | undefined {
  const pattern = /^(?:tensorflow|tensorflow_cpu|intel_tensorflow)-(\d+\.\d+[\w.]*)\.dist-info$/;
  const names = existsSync(join(folder, '..')) ? readdirSync(join(folder, '..')) : [];
  const told = names.map((name) => pattern.exec(name)?.[1]).find((version) => version !== undefined);
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
