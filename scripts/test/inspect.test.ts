import { faultsOfBinary } from '../release/inspect.mjs';
import { platforms } from '../release/platforms.mjs';

const linux = platforms.find((p) => p.id === 'linux-x64');
if (!linux) throw new Error('linux-x64 is one of the platforms');

/** The first bytes of an ELF library for a processor, and the names in it. */
function elf(machine: number, ...names: string[]): Buffer {
  const header = Buffer.alloc(64);
  header.write('\x7fELF', 'latin1');
  header.writeUInt16LE(machine, 18);
  return Buffer.concat([header, Buffer.from(names.join('\0'))]);
}

test('eight platforms, each with its own package name', () => {
  expect(new Set(platforms.map((p) => p.id)).size).toBe(8);
});

test('a library of the right kind has no fault', () => {
  expect(faultsOfBinary(elf(62, 'napi_register_module_v1', 'libc.so.6', 'GLIBC_2.2.5', 'GLIBC_2.17'), linux)).toEqual(
    [],
  );
});

test('another processor, no entry point, a C++ runtime and a young glibc are each named', () => {
  expect(faultsOfBinary(elf(183, 'libstdc++.so.6', 'GLIBC_2.34'), linux)).toEqual([
    'not a library for linux-x64',
    'does not export napi_register_module_v1',
    'needs libstdc++',
    'needs glibc 2.34, wanted 2.17 or older',
  ]);
});
