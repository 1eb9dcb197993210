// How the addon is compiled: which files, at which instruction-set levels, with which flags, for which target.
// Used by compile.mjs (this machine) and by the release build (every target).
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import headers from 'node-api-headers';

export const packageRoot = dirname(dirname(fileURLToPath(import.meta.url)));
const sourceRoot = join(packageRoot, 'cc');

/** Flags of every object. No exceptions, run-time types or guarded statics: nothing of the C++ runtime is linked. */
export const common = [
  '-std=c++17',
  '-O3',
  '-fno-exceptions',
  '-fno-rtti',
  '-fno-threadsafe-statics',
  '-fno-math-errno',
  '-fno-trapping-math',
  '-ffp-contract=fast',
  '-fvisibility=hidden',
  '-Wall',
  '-Wextra',
  '-DNAPI_VERSION=8',
  '-DNODE_GYP_MODULE_NAME=tensor_native',
];

const avx512 = ['-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl', '-mfma', '-mf16c', '-mprefer-vector-width=512'];

/** Instruction-set levels of x64: a family is compiled once at each of `base`, `avx2`, `avx512`. */
const x64Levels = {
  base: [],
  avx2: ['-mavx2', '-mfma', '-mf16c'],
  avx512,
};

/** Levels beyond, in the order in which processors gained them: only files named `<family>.<level>.cc` are compiled for them, x64 only. */
const x64Extras = {
  avx512bf16: [...avx512, '-mavx512bf16'],
  amx: [...avx512, '-mavx512bf16', '-mamx-tile', '-mamx-bf16'],
};

/**
 * Flags of single kernels. The inner loops of products are longer than a line of the instruction cache and run for most of
 * a training step: begun at the start of one, wherever the linker puts them, 256³ and 512³ are 1 to 2 % faster.
 */
const kernelFlags = { 'gemm.cc': ['-falign-loops=64'] };

/** One instruction of each level: an assembler may be older than the compiler before it, and not know what that writes. */
const instructions = {
  avx2: 'vpaddd %ymm0, %ymm1, %ymm2',
  avx512: 'vpaddd %zmm0, %zmm1, %zmm2',
  avx512bf16: 'vdpbf16ps %zmm0, %zmm1, %zmm2',
  amx: 'tdpbf16ps %tmm0, %tmm1, %tmm2',
};

/**
 * The levels that a compiler or its assembler does not know, such as AMX for one of 2020. The binary is made without
 * them, and a processor that has them runs the level below.
 * @returns names; where a level is missing, so are those above it
 */
export async function missingLevels({ compiler: [compiler, ...prefix], arch }) {
  if (arch !== 'x64') return [];
  const all = Object.entries({ ...x64Levels, ...x64Extras });
  const folder = join(packageRoot, 'build');
  mkdirSync(folder, { recursive: true });
  const [source, object] = ['cc', 'o'].map((end) => join(folder, `probe.${process.pid}.${end}`));
  const knows = async (levels) => {
    const lines = levels.filter(([name]) => name in instructions).map(([name]) => `asm("${instructions[name]}");\n`);
    writeFileSync(source, lines.join(''));
    const flags = levels.flatMap(([, some]) => some);
    return (await execute(compiler, [...prefix, ...flags, '-c', source, '-o', object])).status === 0;
  };
  try {
    // nearly always one question is enough
    if (await knows(all)) return [];
    for (const [i, level] of all.entries()) if (!(await knows([level]))) return all.slice(i).map(([name]) => name);
    return [];
  } finally {
    for (const file of [source, object]) rmSync(file, { force: true });
  }
}

/** An empty source file. */
export const nothing = process.platform === 'win32' ? 'NUL' : '/dev/null';

/** The objects of a target: `{ source, level, flags }`. */
export function units(arch, without = []) {
  const x64 = arch === 'x64';
  const list = [];
  for (const file of readdirSync(sourceRoot).filter((f) => f.endsWith('.cc'))) {
    // dispatch.cc alone names the levels
    const flags = file === 'dispatch.cc' ? without.map((level) => `-DGIMBAL_WITHOUT_${level.toUpperCase()}`) : [];
    list.push({ source: join(sourceRoot, file), level: '', flags });
  }
  const kernels = join(sourceRoot, 'kernels');
  for (const file of readdirSync(kernels).filter((f) => f.endsWith('.cc'))) {
    const source = join(kernels, file);
    const extra = /\.(\w+)\.cc$/.exec(file)?.[1];
    const levels = extra ? (x64 ? { [extra]: x64Extras[extra] } : {}) : x64 ? x64Levels : { base: [] };
    const own = kernelFlags[file] ?? [];
    for (const [level, flags] of Object.entries(levels).filter(([name]) => !without.includes(name))) {
      const names = [`-DGIMBAL_ISA=${level}`, `-DGIMBAL_ISA_${level.toUpperCase()}=1`];
      list.push({ source, level, flags: [...names, ...flags, ...own] });
    }
  }
  return list;
}

/** A source and what it includes with quotes, recursively: the files an object depends on. */
function dependencies(file, seen = new Set()) {
  if (seen.has(file) || !existsSync(file)) return seen;
  seen.add(file);
  for (const [, name] of readFileSync(file, 'utf8').matchAll(/^\s*#\s*include\s+"([^"]+)"/gm))
    dependencies(join(dirname(file), name), seen);
  return seen;
}

/** Runs a command; resolves to its exit status and what it said. */
export function execute(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (text) => (output += text));
    child.stderr.on('data', (text) => (output += text));
    child.on('error', (error) => resolve({ status: 127, output: error.message }));
    child.on('close', (status) => resolve({ status, output }));
  });
}

/**
 * Compiles and links the addon.
 * @param target `{ compiler: string[], identity, arch, compileFlags, linkFlags, without? }`: `identity` names the
 *   compiler and its version, so that another one compiles anew; `without` are levels to leave out.
 * @param out the binary's path, written under a temporary name and renamed (a running process keeps the old file).
 * @returns `{ compiled, total }` object counts; throws with the compiler's words.
 */
export async function build(target, out) {
  const objectDir = join(packageRoot, 'build', 'objects');
  mkdirSync(objectDir, { recursive: true });
  mkdirSync(dirname(out), { recursive: true });
  const [compiler, ...prefix] = target.compiler;
  const jobs = units(target.arch, target.without).map((unit) => {
    const flags = [...common, ...target.compileFlags, ...unit.flags];
    const hash = createHash('sha256').update(
      JSON.stringify([target.identity, flags, unit.source.slice(packageRoot.length)]),
    );
    for (const file of dependencies(unit.source)) hash.update(readFileSync(file));
    const key = hash.digest('hex').slice(0, 24);
    return {
      ...unit,
      flags,
      object: join(objectDir, `${basename(unit.source, '.cc')}-${unit.level || 'any'}-${key}.o`),
    };
  });

  const pending = jobs.filter((job) => !existsSync(job.object));
  if (pending.length > 0)
    console.log(`tensor-native: compiling ${pending.length} of ${jobs.length} objects; the first time takes minutes`);
  const failures = [];
  let done = 0;
  const worker = async (queue) => {
    for (let job = queue.shift(); job; job = queue.shift()) {
      const temporary = `${job.object}.${process.pid}`;
      const args = [...prefix, ...job.flags, '-I', headers.include_dir, '-c', job.source, '-o', temporary];
      const { status, output } = await execute(compiler, args);
      if (status === 0) renameSync(temporary, job.object);
      if (++done % 10 === 0 && done < pending.length) console.log(`tensor-native: ${done} of ${pending.length}`);
      if (output) (status === 0 ? console.warn : (text) => failures.push(text))(output);
    }
  };
  const queue = [...pending];
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, () => worker(queue)));
  if (failures.length > 0) throw new Error(failures.join('\n'));

  // up to date: linked from exactly these objects
  const key = createHash('sha256')
    .update(JSON.stringify([jobs.map((job) => job.object), target.linkFlags]))
    .digest('hex');
  const stamp = join(packageRoot, 'build', `${basename(dirname(out))}.${key.slice(0, 24)}.linked`);
  if (pending.length === 0 && existsSync(out) && existsSync(stamp))
    return { compiled: 0, total: jobs.length, linked: false };
  const temporary = `${out}.${process.pid}`;
  const objects = jobs.map((job) => job.object);
  const link = await execute(compiler, [...prefix, '-shared', ...objects, ...target.linkFlags, '-o', temporary]);
  if (link.status !== 0) throw new Error(link.output);
  renameSync(temporary, out);
  for (const old of readdirSync(join(packageRoot, 'build')).filter(
    (f) => f.startsWith(`${basename(dirname(out))}.`) && f.endsWith('.linked'),
  ))
    rmSync(join(packageRoot, 'build', old));
  writeFileSync(stamp, '');
  return { compiled: pending.length, total: jobs.length, linked: true };
}
