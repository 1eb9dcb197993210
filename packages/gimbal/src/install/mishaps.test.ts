// What happens to installs: files that vanish, disks that fill up, programs that fail or hang, two at once.
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tensorflowInstalls } from '@gimbal/tensor-core';
import { absent, attempt, home, machine, type Reply, useOwnCache } from '../../test/simulated-machine.ts';
import { compile } from './compile.ts';
import { deviceOf } from './device.ts';
import { fetchNvidia, fetchPackages, fetchTensorFlow, unpackTensorFlow } from './download.ts';
import { inWords } from './failure.ts';
import { givenLibrary } from './given-library.ts';
import { existing, removeLeftovers, replace } from './install.ts';
import { recipeHash, type Wheel, wheelFor } from './recipe.ts';
import { removal } from './run.ts';
import { type System, thisSystem } from './system.ts';

useOwnCache();

const { signal } = new AbortController();
const cache = (): string => join(home(), 'gimbal');
const source = new URL('../../cc/tensorflow-binding.cc', import.meta.url);

/** An install that looks whole: its stamp and one file of 4 bytes. */
async function placed(bytes: number): Promise<string> {
  const folder = join(cache(), 'tensorflow-2.20.0-cpu');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'tfjs_binding.node'), 'four');
  const recipe = recipeHash('node', await readFile(source, 'utf8'), undefined);
  const stamp = { build: 'cpu', version: '2.20.0', recipe, bytes, installed: '2026-01-01T00:00:00.000Z' };
  await writeFile(join(folder, 'install.json'), JSON.stringify(stamp));
  return folder;
}

const offline = machine({}, { npm: async ([verb]) => (verb === 'pack' ? { code: 1, stderr: 'ENOTFOUND' } : {}) });

describe('an install that is there', () => {
  beforeEach(async () => {
    await mkdir(join(home(), 'install'));
    await writeFile(join(home(), 'install', 'smoke.js'), '');
  });
  const answering = (reply: Reply, o: Partial<System> = {}): System =>
    machine({
      run: (command, args, more) =>
        (command === process.execPath ? machine({}, { [command]: reply }) : offline).run(command, args, more),
      ...o,
    });

  test('is used as it is where it works', async () => {
    const folder = await placed(4);
    const works = { stdout: `${JSON.stringify({ isa: 'TensorFlow 2.20.0 on the CPU', gpu: false, wrong: [] })}\n` };
    const { report, text } = await attempt(answering(works));
    expect(report).toMatchObject({ installed: true, downloadBytes: 0, diskBytes: 4, folder });
    expect(text).toContain('is in');
  });

  test('is installed anew where a part of it was deleted', async () => {
    const folder = await placed(1e6);
    expect(await existing({ target: 'node', given: undefined, cache: cache() })).toBeUndefined();
    const { report } = await attempt(offline, { dryRun: true });
    expect(report).toMatchObject({ installed: false, downloadBytes: 260e6 });
    await expect(attempt(offline)).rejects.toThrow(/npm could not fetch/);
    expect(await readdir(folder)).toContain('install.json');
  });

  test('is installed anew where it does not load, and stays until the new one is whole', async () => {
    const folder = await placed(4);
    const broken = answering({ code: 1, stderr: 'invalid ELF header\n' });
    await expect(attempt(broken)).rejects.toThrow(/npm could not fetch/);
    expect(await readdir(folder)).toContain('tfjs_binding.node');
    expect(await readdir(cache())).toHaveLength(1);
  });

  test('is kept where it loads and computes wrongly', async () => {
    await placed(4);
    const wrong = { stdout: `${JSON.stringify({ isa: '', gpu: false, wrong: ['a gradient is 0'] })}\n` };
    await expect(attempt(answering(wrong))).rejects.toThrow(/a gradient is 0.*It is kept in/s);
  });
});

describe('what lies in the cache', () => {
  test('an install takes the place of an older one, whole', async () => {
    const folder = join(cache(), 'tensorflow-2.20.0-cpu');
    for (const who of ['older', 'newer']) {
      const part = `${folder}.partial-${who}-1`;
      await mkdir(part, { recursive: true });
      await writeFile(join(part, who), '');
      await replace(folder, part);
    }
    expect(await readdir(folder)).toEqual(['newer']);
    expect(await readdir(cache())).toEqual(['tensorflow-2.20.0-cpu']);
  });

  test('leftovers of other machines stay for a day', async () => {
    const [young, old] = ['here', 'elsewhere'].map((host) =>
      join(cache(), `tensorflow-2.20.0-cpu.partial-${host}-1`),
    ) as [string, string];
    for (const path of [young, old]) await mkdir(path, { recursive: true });
    const longAgo = new Date(Date.now() - 2 * 24 * 3600 * 1000);
    await utimes(old, longAgo, longAgo);
    expect(await removeLeftovers(cache())).toEqual([old]);
    expect(await removeLeftovers(join(home(), 'nowhere'))).toEqual([]);
  });

  test('the command that removes it is understood by a shell', async () => {
    const folder = join(home(), "it's a ‘cache’ $HOME");
    await mkdir(folder);
    execFileSync('sh', ['-c', removal(folder)]);
    expect(await readdir(home())).toEqual([]);
  });

  test('stamps that are no stamps are no installs', async () => {
    for (const [i, text] of [
      'null',
      '[]',
      '{"build":"cpu"}',
      '{"build":"cpu","version":1,"recipe":"","installed":"","bytes":0}',
    ].entries()) {
      const folder = join(cache(), `tensorflow-2.${i}.0-cpu`);
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'install.json'), text);
    }
    expect(tensorflowInstalls()).toEqual([]);
  });
});

describe('a download', () => {
  const wheel = wheelFor('node', 'linux-x64') as Wheel;
  /** A pip that puts this into the folder after -d. */
  const pip = (content: (args: readonly string[]) => string): { asked: string[][]; system: System } => {
    const asked: string[][] = [];
    const python3: Reply = async (args, cwd, env) => {
      asked.push([...args]);
      // not where the user is, whose random.py Python would take for its own
      expect(cwd).toBe(join(home(), 'tmp'));
      expect(env).toMatchObject({ TMPDIR: join(home(), 'tmp'), PIP_USER: 'false' });
      await writeFile(join(args[args.indexOf('-d') + 1] as string, 'tensorflow_cpu-2.20.0.whl'), content(args));
      return {};
    };
    return { asked, system: machine({}, { python3 }) };
  };

  test('of a wheel with a wrong checksum is tried again without pip’s cache, then refused', async () => {
    const { asked, system } = pip(() => 'another wheel');
    await expect(fetchTensorFlow(home(), wheel, system, signal)).rejects.toMatchObject({
      code: 'ERR_BACKEND',
      what: 'tensorflow-cpu==2.20.0: wrong checksum',
      wanted: `sha256 ${wheel.sha256}`,
    });
    expect(asked.map((args) => args.includes('--no-cache-dir'))).toEqual([false, true]);
  });

  test('heals where only pip’s cache was damaged', async () => {
    const { system } = pip((args) => (args.includes('--no-cache-dir') ? '' : 'damaged'));
    const ofNothing = { ...wheel, sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' };
    await expect(fetchTensorFlow(home(), ofNothing, system, signal)).resolves.toBe(
      join(home(), 'wheel', 'tensorflow_cpu-2.20.0.whl'),
    );
  });

  test('of NVIDIA’s libraries is checked by pip, each against its hash', async () => {
    let lines: string[] = [];
    const python3: Reply = async (args) => {
      expect(args).toContain('--require-hashes');
      lines = (await readFile(args[args.indexOf('-r') + 1] as string, 'utf8')).trim().split('\n');
      return { code: 1, stderr: 'THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE' };
    };
    await expect(fetchNvidia(home(), machine({}, { python3 }), signal)).rejects.toMatchObject({
      code: 'ERR_BACKEND',
      what: expect.stringMatching(/^pip could not install NVIDIA's libraries:\nTHESE PACKAGES DO NOT MATCH THE HASHES/),
    });
    expect(lines).toHaveLength(11);
    for (const line of lines) expect(line).toMatch(/^nvidia-[a-z]+(-[a-z]+)?-cu12==[\d.]+ --hash=sha256:[\da-f]{64}$/);
    expect(lines).toContain(
      'nvidia-cuda-runtime-cu12==12.9.79 --hash=sha256:25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3',
    );
  });

  test.each([
    ['no network', 'ERROR: No matching distribution found', 'try again when the network is back'],
    ['a full disk', 'OSError: [Errno 28] No space left on device', 'the disk is full: free some space'],
  ])('that fails says what to do: %s', async (_, stderr, fix) => {
    const system = machine({}, { python3: { code: 1, stderr } });
    await expect(fetchTensorFlow(home(), wheel, system, signal)).rejects.toMatchObject({
      what: expect.stringContaining(`pip could not fetch tensorflow-cpu==2.20.0:\n${stderr}`),
      fix: expect.stringContaining(fix),
    });
    await expect(unpackTensorFlow(join(home(), 'a.whl'), home(), system, signal)).rejects.toMatchObject({
      what: expect.stringContaining('the wheel could not be unpacked'),
    });
  });
});

test('files of the folder that the user is in, and settings of npm, change nothing', async () => {
  const asked: string[] = [];
  const python3: Reply = async (args, cwd) => {
    asked.push(`${args.join(' ')} in ${cwd}`);
    return {};
  };
  const npm: Reply = async (args) => {
    if (args[0] !== 'pack') return {};
    asked.push(args.filter((one) => one.startsWith('--')).join(' '));
    return { code: 1 };
  };
  await expect(attempt(machine({}, { python3, npm }))).rejects.toThrow('npm could not fetch tfjs-node');
  expect(asked).toEqual(['-m pip --version in /', '--loglevel=error --pack-destination=. --no-dry-run']);
});

test('npm’s own reason is told where it cannot reach the registry', async () => {
  const before = { ...process.env };
  Object.assign(process.env, {
    npm_config_registry: 'http://127.0.0.1:9/',
    npm_config_cache: join(home(), 'npm'),
    npm_config_fetch_retries: '0',
  });
  try {
    await expect(fetchPackages(join(home(), 'packages'), thisSystem, signal)).rejects.toMatchObject({
      code: 'ERR_BACKEND',
      what: expect.stringMatching(/^npm could not fetch tfjs-node:\n.*ECONNREFUSED.*127\.0\.0\.1:9/s),
    });
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
  }
}, 60_000);

test('npm waits for a proxy that says nothing as long as the user wants, else a minute', async () => {
  const asked: (string | undefined)[] = [];
  const npm: Reply = async (_, _cwd, env) => {
    asked.push(env.npm_config_fetch_timeout);
    return { code: 1 };
  };
  const before = process.env.npm_config_fetch_timeout;
  try {
    for (const given of [undefined, '5000']) {
      if (given === undefined) delete process.env.npm_config_fetch_timeout;
      else process.env.npm_config_fetch_timeout = given;
      await expect(fetchPackages(home(), machine({}, { npm }), signal)).rejects.toThrow('npm could not fetch');
    }
  } finally {
    if (before === undefined) delete process.env.npm_config_fetch_timeout;
    else process.env.npm_config_fetch_timeout = before;
  }
  expect(asked).toEqual(['60000', '5000']);
});

describe('a compiler', () => {
  const files = (ours: string) => ({ binding: home(), nodeApi: home(), ours, library: home() });
  const withCompiler = async (run: (system: System) => Promise<void>, CXX?: string): Promise<void> => {
    const before = process.env.CXX;
    if (CXX === undefined) delete process.env.CXX;
    else process.env.CXX = CXX;
    try {
      await run(thisSystem);
    } finally {
      if (before === undefined) delete process.env.CXX;
      else process.env.CXX = before;
    }
  };

  test('that fails is quoted', async () => {
    const ours = join(home(), 'broken.cc');
    await writeFile(ours, '#error "nothing goes"\n');
    await withCompiler(async (system) => {
      if ((await system.run('g++', ['--version'])).code !== 0) {
        process.stdout.write('skipped: there is no g++\n');
        return;
      }
      await expect(compile(files(ours), join(home(), 'out.node'), system, signal)).rejects.toMatchObject({
        code: 'ERR_BACKEND',
        what: expect.stringMatching(/^the binding does not compile:\n.*nothing goes/s),
        fix: expect.stringContaining('CXX=<compiler>'),
      });
    });
  });

  test('that is stopped by Ctrl-C is not said to have failed', async () => {
    const control = new AbortController();
    const system = machine({
      run: async () => {
        control.abort();
        return { code: 1, stdout: '', stderr: 'g++: fatal error: Killed' };
      },
    });
    await expect(compile(files(''), 'out.node', system, control.signal)).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('may be given with arguments', async () => {
    const asked: string[] = [];
    const ccache: Reply = async (args) => {
      asked.push(args.slice(0, 2).join(' '));
      return {};
    };
    await withCompiler(async () => {
      await attempt(machine({}, { ccache }), { dryRun: true });
      await compile(files('x.cc'), 'out.node', machine({}, { ccache }), signal);
      expect(asked).toEqual(['g++ --version', 'g++ -std=gnu++17']);
      await expect(attempt(machine({}, { ccache: absent }), { dryRun: true })).rejects.toMatchObject({
        fix: 'CXX names none that works: ccache g++',
      });
    }, 'ccache g++');
  });
});

describe('this machine', () => {
  test('ends a program that hangs, and one that is told to, when it has ended', async () => {
    const sleep = ['-e', 'setTimeout(() => {}, 60_000)'];
    expect((await thisSystem.run(process.execPath, sleep, { timeoutMs: 200 })).code).not.toBe(0);
    const control = new AbortController();
    const running = thisSystem.run(process.execPath, sleep, { signal: control.signal });
    control.abort();
    expect((await running).stderr).toContain('SIGTERM');
    expect((await thisSystem.run('no-such-program', [])).code).toBe(127);
  });

  test('says why nothing can be put somewhere', async () => {
    await symlink(join(home(), 'nothing'), join(home(), 'link'));
    expect(thisSystem.unusable(join(home(), 'link', 'gimbal'))).toMatch(/link is a link to what is not there/);
    expect(thisSystem.unusable(join(home(), 'a', 'b'))).toBeUndefined();
  });

  test('full and read-only disks are said so, other errors stay', () => {
    const error = (code: string): Error => Object.assign(new Error(`${code}: write`), { code });
    expect(inWords(error('ENOSPC'))).toMatchObject({
      code: 'ERR_BACKEND',
      fix: expect.stringContaining('the disk is full'),
    });
    expect(inWords(error('EROFS'))).toMatchObject({
      code: 'ERR_BACKEND',
      fix: expect.stringContaining('XDG_CACHE_HOME'),
    });
    const other = error('EMFILE');
    expect(inWords(other)).toBe(other);
  });
});

test('a library without CUDA is refused for a GPU', async () => {
  const folder = join(home(), 'tensorflow');
  await mkdir(join(folder, 'include', 'tensorflow', 'c'), { recursive: true });
  await mkdir(join(folder, 'python', 'platform'), { recursive: true });
  await mkdir(join(home(), 'tensorflow_cpu-2.20.0.dist-info'));
  for (const file of ['libtensorflow_cc.so.2', 'include/tensorflow/c/c_api.h']) await writeFile(join(folder, file), '');
  await writeFile(
    join(folder, 'python/platform/build_info.py'),
    "build_info = collections.OrderedDict([('is_cuda_build', False)])\n",
  );
  const info = "build_info = collections.OrderedDict([('cpu_compiler', 'clang'), ('is_cuda_build', False)])\n";
  await writeFile(join(folder, 'python', 'platform', 'build_info.py'), info);
  expect(() => givenLibrary(home(), 'node-gpu')).toThrow(/built without CUDA.*pip install 'tensorflow\[and-cuda\]'/);
  expect(givenLibrary(home(), 'node')).toEqual({ folder, version: '2.20.0' });
});

test('what an install computes on', async () => {
  const gpus = machine({}, { 'nvidia-smi': { stdout: 'NVIDIA L4\nNVIDIA T4\n' } });
  const works = { works: true, detail: 'TensorFlow 2.20.0 on the GPU' };
  expect(await deviceOf({ build: 'cpu' }, works, gpus)).toBe('the CPU');
  expect(await deviceOf({ build: 'cuda' }, works, gpus)).toBe('the GPU (this machine has NVIDIA L4, NVIDIA T4)');
  expect(await deviceOf({ build: 'cuda' }, works, machine({}, { 'nvidia-smi': absent }))).toBe('the GPU');
  const no = { works: false, detail: 'TensorFlow finds no GPU (there is no NVIDIA driver)' };
  expect(await deviceOf({ build: 'cuda' }, no, gpus)).toBe(`no GPU here: ${no.detail}`);
});
