// The build on machines whose compiler is missing, too old, or does not know the newest processors: scripts/compile.mjs
// in a copy of the package, with compilers that refuse one flag.
import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, linkSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nativeInfo } from '../src/index.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
// inside the package, so that Node finds its dependencies
const copy = join(root, 'build', 'compile-test');
const objects = join(root, 'build', 'objects');
const info = nativeInfo();
const canCompile = process.platform !== 'win32' && process.arch === 'x64' && existsSync(objects) && info !== undefined;
if (!canCompile) process.stdout.write('skipped: this machine has not compiled the addon, or not for x64\n');

beforeEach(() => {
  rmSync(copy, { recursive: true, force: true });
  for (const part of ['cc', 'scripts', 'dist', 'package.json'])
    if (existsSync(join(root, part))) cpSync(join(root, part), join(copy, part), { recursive: true });
  // what is compiled already need not be compiled again
  mkdirSync(join(copy, 'build', 'objects'), { recursive: true });
  if (canCompile)
    for (const name of readdirSync(objects).filter((file) => file.endsWith('.o')))
      linkSync(join(objects, name), join(copy, 'build', 'objects', name));
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs Node in the copy. */
function node(args: string[], env: Record<string, string>): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: copy, env: { ...process.env, ...env } }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : ((error.code as number | undefined) ?? 1), stdout, stderr });
    });
  });
}

/** A compiler that refuses one flag, as gcc does, and else is this machine's. */
function compilerWithout(flag: string): string {
  const path = join(copy, 'old-cc');
  const refusal = `echo "error: unrecognized command-line option '${flag}'" >&2; exit 1`;
  writeFileSync(
    path,
    `#!/bin/sh\nfor a in "$@"; do [ "$a" = "${flag}" ] && { ${refusal}; }; done\nexec ${process.env.CC ?? 'cc'} "$@"\n`,
  );
  chmodSync(path, 0o755);
  return path;
}

/** This machine's compiler over an assembler that does not know one instruction. */
function compilerOverAssemblerWithout(instruction: string): string {
  const folder = join(copy, 'old-as');
  mkdirSync(folder, { recursive: true });
  const script = (path: string, lines: string): string => {
    writeFileSync(path, `#!/bin/sh\n${lines}\n`);
    chmodSync(path, 0o755);
    return path;
  };
  const refusal = `{ echo "Error: no such instruction: \\\`${instruction}'" >&2; exit 1; }`;
  script(
    join(folder, 'as'),
    `for a in "$@"; do [ -f "$a" ] && grep -q ${instruction} "$a" && ${refusal}; done\nexec as "$@"`,
  );
  const cc = process.env.CC ?? 'cc';
  // clang assembles by itself unless told not to
  const outside = execFileSync(cc, ['--version'], { encoding: 'utf8' }).includes('clang') ? '-fno-integrated-as' : '';
  return script(join(copy, 'new-cc'), `exec ${cc} ${outside} -B "${folder}/" "$@"`);
}

const compile = (env: Record<string, string>): Promise<Ended> => node(['scripts/compile.mjs'], env);
const binary = join(copy, 'prebuilds', `${process.platform}-${process.arch}`, 'tensor-native.node');

test('without a compiler the build succeeds, says so in one line, and makes no binary', async () => {
  const env = { CC: '', PATH: '' };
  expect(await compile(env)).toEqual({
    code: 0,
    stdout: '',
    stderr: 'tensor-native: no C++17 compiler found (tried cc, gcc, clang); Gimbal will use the wasm backend.\n',
  });
  expect(existsSync(binary)).toBe(false);
  mkdirSync(join(binary, '..'), { recursive: true });
  writeFileSync(binary, '');
  expect((await compile(env)).stderr).toMatch(/; the binary made before stays\.\n$/);
});

(process.platform === 'win32' ? test.skip : test)('a first compilation says how far it is', async () => {
  const cc = join(copy, 'stub-cc');
  // makes empty objects, and an empty binary of them
  const made = `[ "$1" = --version ] && echo stub 1.0\nwhile [ $# -gt 0 ]; do [ "$1" = -o ] && : > "$2"; shift; done; exit 0`;
  writeFileSync(cc, `#!/bin/sh\n${made}\n`);
  chmodSync(cc, 0o755);
  const { code, stdout, stderr } = await compile({ CC: cc });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const [, total] = /compiling (\d+) of \1 objects/.exec(stdout) ?? [];
  const said = [...stdout.matchAll(/^tensor-native: (\d+) of (\d+)$/gm)].map(([, done, of]) => [Number(done), of]);
  expect(said).toEqual(Array.from({ length: Math.ceil(Number(total) / 10) - 1 }, (_, i) => [10 * (i + 1), total]));
});

(canCompile ? describe : describe.skip)('with a compiler that refuses a flag', () => {
  /** What the copy's binary says of itself. */
  const facts = async (): Promise<{ isa: string; bf16: boolean; amx: boolean; gemmBf16: boolean }> => {
    const script = `const a = require(${JSON.stringify(binary)});
      const { isa, bf16, amx } = a.info();
      console.log(JSON.stringify({ isa, bf16, amx, gemmBf16: a.opId('gemm_bf16') >= 0 }));`;
    const { code, stdout, stderr } = await node(['-e', script], {});
    if (code !== 0) throw new Error(stderr);
    return JSON.parse(stdout);
  };

  test('that every object needs: one line, no binary', async () => {
    const cc = compilerWithout('-std=c++17');
    const { code, stdout, stderr } = await compile({ CC: cc });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toBe(`tensor-native: no C++17 compiler found (tried ${cc}); Gimbal will use the wasm backend.\n`);
    expect(existsSync(binary)).toBe(false);
  });

  test.each([
    ['-mamx-bf16', 'amx', { amx: false }],
    ['-mavx512bf16', 'avx512bf16, amx', { amx: false, bf16: false }],
    ['-mavx512f', 'avx512, avx512bf16, amx', { amx: false, bf16: false, isa: info?.isa === 'base' ? 'base' : 'avx2' }],
    ['-mavx2', 'avx2, avx512, avx512bf16, amx', { amx: false, bf16: false, isa: 'base' }],
  ])(
    'of one level (%s): the binary is made without %s, and the level below runs',
    async (flag, missing, lacks) => {
      const { code, stdout, stderr } = await compile({ CC: compilerWithout(flag) });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain(`, which does not know ${missing}; `);
      const { isa, bf16 } = info as NonNullable<typeof info>;
      const wanted = { isa, bf16, ...lacks };
      expect(await facts()).toEqual({ ...wanted, gemmBf16: wanted.bf16 });
    },
    300_000,
  );

  test('a compiler that knows AMX over an assembler that does not: one level less, in one line', async () => {
    const { code, stdout, stderr } = await compile({ CC: compilerOverAssemblerWithout('tdpbf16ps') });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const said = stdout.split('\n').filter((line) => line.includes('does not know'));
    expect(said).toEqual([expect.stringContaining(', which does not know amx; ')]);
    const { isa, bf16 } = info as NonNullable<typeof info>;
    expect(await facts()).toEqual({ isa, bf16, amx: false, gemmBf16: bf16 });
  }, 300_000);
});
