// Zig as a cross-compiler: one download from PyPI compiles for every platform, C libraries included.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import headers from 'node-api-headers';
import { quote, root, run } from '../lib/run.mjs';

/** Pinned: another version may link against other system libraries. */
const version = '0.17.1';

/**
 * The command that starts Zig: `$ZIG` when set (an installed one, with its first arguments), else the PyPI package `ziglang` in a virtual
 * environment under build/.
 *
 * @returns {Promise<string[]>} the command and its first arguments
 * @throws {Error} without Python, or when the package cannot be fetched
 */
export async function zigCommand() {
  if (process.env.ZIG) return process.env.ZIG.split(' ');
  const folder = join(root, 'build', `zig-${version}`);
  const python = join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const ready = async () =>
    existsSync(python) && (await run(`${quote(python)} -m ziglang version`)).output.trim() === version;
  if (!(await ready())) {
    const host = process.platform === 'win32' ? 'python' : 'python3';
    for (const command of [
      `${host} -m venv ${quote(folder)}`,
      `${quote(python)} -m pip install --quiet --disable-pip-version-check ziglang==${version}`,
    ]) {
      const { ok, output } = await run(command);
      if (!ok)
        throw new Error(`Zig could not be fetched: ${command}\n${output}\nOr set ZIG to an installed zig ${version}.`);
    }
    if (!(await ready())) throw new Error(`ziglang ${version} does not start`);
  }
  return [python, '-m', 'ziglang'];
}

/**
 * How `build()` of tensor-native's toolchain compiles for a platform.
 *
 * @param {string[]} zig
 * @param {import('./platforms.mjs').Platform} platform
 * @returns {Promise<object>} its `target`
 */
export async function zigTarget(zig, platform) {
  const linkFlags = {
    linux: ['-pthread', '-lm'],
    darwin: ['-undefined', 'dynamic_lookup'],
    // WaitOnAddress, on which the thread pool sleeps
    win32: platform.os === 'win32' ? [await importLibrary(zig, platform), '-lapi-ms-win-core-synch-l1-2-0'] : [],
  }[platform.os];
  return {
    compiler: [...zig, 'c++', '-target', platform.zig],
    identity: `zig ${version} ${platform.zig}`,
    arch: platform.cpu,
    compileFlags: platform.os === 'win32' ? ['-g0'] : ['-g0', '-fPIC', '-pthread'],
    // no C++ runtime: nothing in cc/ needs one, and Zig would first build it for minutes
    linkFlags: [...linkFlags, '-nostdlib++', '-s'],
  };
}

/** Windows resolves an addon's imports at link time: a library of node.exe's names, made from the headers' lists. */
async function importLibrary(zig, platform) {
  const folder = join(root, 'build', 'release', 'import');
  mkdirSync(folder, { recursive: true });
  const definition = join(folder, 'node.def');
  const names = Object.values(headers.def_paths).flatMap((path) =>
    readFileSync(path, 'utf8')
      .split(/\r?\n/)
      .filter((line) => /^\s*\w+\s*$/.test(line) && line.trim() !== 'EXPORTS'),
  );
  writeFileSync(definition, `LIBRARY node.exe\nEXPORTS\n${names.join('\n')}\n`);
  const library = join(folder, `node-${platform.cpu}.lib`);
  const machine = platform.cpu === 'arm64' ? 'arm64' : 'i386:x86-64';
  const command = [...zig, 'dlltool', '-m', machine, '-d', definition, '-l', library].map(quote).join(' ');
  const { ok, output } = await run(command);
  if (!ok) throw new Error(`no import library for ${platform.id}:\n${output}`);
  return library;
}
