// The eight machines that tensor-native is prebuilt for, and the package that carries each binary.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {object} Platform
 * @property {string} id `<platform>-<arch>[-musl]`, as Node names them: the end of the package's name
 * @property {string} os npm's `os` field
 * @property {string} cpu npm's `cpu` field
 * @property {'glibc' | 'musl'} [libc] npm's `libc` field
 * @property {string} zig the target triple of `zig c++`
 */

/** @type {Platform[]} */
export const platforms = [
  { id: 'linux-x64', os: 'linux', cpu: 'x64', libc: 'glibc', zig: 'x86_64-linux-gnu.2.17' },
  { id: 'linux-x64-musl', os: 'linux', cpu: 'x64', libc: 'musl', zig: 'x86_64-linux-musl' },
  { id: 'linux-arm64', os: 'linux', cpu: 'arm64', libc: 'glibc', zig: 'aarch64-linux-gnu.2.17' },
  { id: 'linux-arm64-musl', os: 'linux', cpu: 'arm64', libc: 'musl', zig: 'aarch64-linux-musl' },
  { id: 'darwin-x64', os: 'darwin', cpu: 'x64', zig: 'x86_64-macos.11.0' },
  { id: 'darwin-arm64', os: 'darwin', cpu: 'arm64', zig: 'aarch64-macos.11.0' },
  { id: 'win32-x64', os: 'win32', cpu: 'x64', zig: 'x86_64-windows-gnu' },
  { id: 'win32-arm64', os: 'win32', cpu: 'arm64', zig: 'aarch64-windows-gnu' },
];

/** The platform this process runs on; undefined when none of the eight. */
export function thisPlatform() {
  // Node's report names the C library it runs on only when that is glibc
  const musl = process.platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime;
  return platforms.find((p) => p.id === `${process.platform}-${process.arch}${musl ? '-musl' : ''}`);
}

/** The name of the package that carries a platform's binary. */
export const platformPackage = (platform) => `@gimbal/tensor-native-${platform.id}`;

/**
 * Writes the folder of a platform's package: the binary and a manifest. No script, no dependency.
 *
 * @param {string} folder where to write it
 * @param {Platform} platform
 * @param {{ version: string, binary: string, license: string }} options the version of tensor-native, and the paths of
 *   the compiled addon and of the licence's text
 */
export function writePlatformPackage(folder, platform, { version, binary, license }) {
  mkdirSync(folder, { recursive: true });
  copyFileSync(binary, join(folder, 'tensor-native.node'));
  copyFileSync(license, join(folder, 'LICENSE'));
  const name = platformPackage(platform);
  const manifest = {
    name,
    version,
    description: `The ${platform.id} binary of @gimbal/tensor-native.`,
    license: 'Apache-2.0',
    engines: { node: '>=20' },
    os: [platform.os],
    cpu: [platform.cpu],
    ...(platform.libc && { libc: [platform.libc] }),
    main: 'tensor-native.node',
    files: ['tensor-native.node'],
  };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  writeFileSync(
    join(folder, 'README.md'),
    `# ${name}\n\nThe compiled part of [@gimbal/tensor-native](https://www.npmjs.com/package/@gimbal/tensor-native) for ${platform.id}.\nInstall that package; npm chooses this one by itself.\n`,
  );
}
