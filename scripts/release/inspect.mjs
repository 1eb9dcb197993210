// Looks into a compiled addon without running it: right format and processor, the entry point that Node looks for, and
// no library that a bare system lacks.

/** Formats and processors: bytes that each platform's file begins with, and where its processor is named. */
const headers = {
  'linux-x64': (b) => b.toString('latin1', 0, 4) === '\x7fELF' && b.readUInt16LE(18) === 62,
  'linux-arm64': (b) => b.toString('latin1', 0, 4) === '\x7fELF' && b.readUInt16LE(18) === 183,
  'darwin-x64': (b) => b.readUInt32LE(0) === 0xfeedfacf && b.readUInt32LE(4) === 0x01000007,
  'darwin-arm64': (b) => b.readUInt32LE(0) === 0xfeedfacf && b.readUInt32LE(4) === 0x0100000c,
  'win32-x64': (b) => b.toString('latin1', 0, 2) === 'MZ' && b.readUInt16LE(b.readUInt32LE(60) + 4) === 0x8664,
  'win32-arm64': (b) => b.toString('latin1', 0, 2) === 'MZ' && b.readUInt16LE(b.readUInt32LE(60) + 4) === 0xaa64,
};

/**
 * @param {Buffer} binary
 * @param {import('./platforms.mjs').Platform} platform
 * @returns {string[]} one sentence a fault; empty when there is none
 */
export function faultsOfBinary(binary, platform) {
  const faults = [];
  if (!headers[`${platform.os}-${platform.cpu}`](binary)) faults.push(`not a library for ${platform.id}`);
  const text = binary.toString('latin1');
  if (!text.includes('napi_register_module_v1')) faults.push('does not export napi_register_module_v1');
  // a C++ runtime would have to be found on the user's machine
  for (const runtime of ['libstdc++', 'libc++', 'libgcc_s', 'libunwind'])
    if (text.includes(`${runtime}.`)) faults.push(`needs ${runtime}`);
  if (platform.libc === 'glibc') {
    const versions = [...text.matchAll(/GLIBC_2\.(\d+)/g)].map((m) => Number(m[1]));
    const newest = Math.max(0, ...versions);
    if (newest > 17) faults.push(`needs glibc 2.${newest}, wanted 2.17 or older`);
  }
  return faults;
}
