// Each cause of a refusal or a failure is simulated: another machine, another pip, another compiler. What can go wrong with
// files, disks and programs is in mishaps.test.ts.
import { existsSync } from 'node:fs';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { tensorflowInstalls } from '@gimbal/tensor-core';
import { absent, attempt, gpu, home, machine, type Reply, useOwnCache } from '../../test/simulated-machine.ts';
import { givenLibrary } from './given-library.ts';
import { removeLeftovers } from './install.ts';
import { smokeTest } from './smoke-test.ts';
import type { System } from './system.ts';
import { untar } from './untar.ts';

useOwnCache();

describe('an install is refused before any work', () => {
  const cases: [why: string, target: string, system: System, message: string][] = [
    ['node-gpu on arm64', 'node-gpu', machine({ arch: 'arm64' }), 'node-gpu needs Linux x64 (Windows: use WSL 2)'],
    ['node-gpu on macOS', 'node-gpu', machine({ platform: 'darwin' }), 'node-gpu needs Linux x64'],
    ['Windows', 'node', machine({ platform: 'win32' }), 'node needs Linux or macOS (Windows: use WSL 2)'],
    [
      'macOS on Intel',
      'node',
      machine({ platform: 'darwin', arch: 'x64', glibc: undefined }),
      'there is no pinned TensorFlow for darwin-x64. give one with --tensorflow <site-packages>',
    ],
    ['musl', 'node', machine({ glibc: undefined }), 'TensorFlow has no musl build; use a Debian-based image'],
    [
      'no pip',
      'node',
      machine({}, { python3: { code: 1, stderr: 'No module named pip' } }),
      'needs python3 with pip (apt install python3-pip) or --tensorflow <site-packages>',
    ],
    ['no Python', 'node', machine({}, { python3: absent }), 'needs python3 with pip'],
    [
      'a pip as old as that of Python 3.6',
      'node',
      machine({}, { python3: { stdout: 'pip 9.0.3 from /usr/lib/python3.6/site-packages (python 3.6)\n' } }),
      'needs pip >= 19.2, python3 has 9.0.3. python3 -m pip install --user --upgrade pip',
    ],
    ['no compiler', 'node', machine({}, { 'g++': absent }), 'needs a C++ compiler (apt install g++)'],
    ['no npm', 'node', machine({}, { npm: absent }), 'needs npm, which comes with Node'],
    [
      'too little space',
      'node',
      machine({ freeBytes: () => 1.2e9 }),
      'needs 1.5 GB, has 1.2 GB. free some, or set XDG_CACHE_HOME to a folder on another disk',
    ],
    ['too little space for CUDA', 'node-gpu', machine({ freeBytes: () => 5e9 }), 'needs 9 GB, has 5 GB'],
    [
      'no driver',
      'node-gpu',
      machine({}, { 'nvidia-smi': absent }),
      'no NVIDIA driver: install >= 525.60, or use `node`',
    ],
    ['an old driver', 'node-gpu', machine({}, { 'nvidia-smi': gpu('470.10', '8.6') }), '470.10 is too old'],
    [
      'a driver so old that it knows no compute_cap',
      'node-gpu',
      machine({}, { 'nvidia-smi': async ([query]) => (query?.includes('cap') ? { code: 2 } : { stdout: '470.10\n' }) }),
      '470.10 is too old',
    ],
    [
      'a driver without a GPU',
      'node-gpu',
      machine({}, { 'nvidia-smi': { stdout: 'No devices were found\n' } }),
      'no NVIDIA GPU answers: nvidia-smi says "No devices were found"',
    ],
    [
      'a driver without CUDA, as in a container',
      'node-gpu',
      machine({}, { 'nvidia-smi': gpu('550.54', '8.9'), [process.execPath]: { code: 3 } }),
      'no NVIDIA driver: libcuda.so.1 is missing. in a container, start it with NVIDIA_DRIVER_CAPABILITIES=compute,utility',
    ],
    [
      'a GPU of the newest kind',
      'node-gpu',
      machine({}, { 'nvidia-smi': gpu('570.86', '12.0') }),
      'TensorFlow 2.20 cannot run on this GPU (RTX 50); see tensorflow#89272',
    ],
  ];
  test.each(cases)('%s', async (_, target, system, message) => {
    await expect(attempt(system, { install: target })).rejects.toMatchObject({
      code: 'ERR_BACKEND',
      where: `gimbal doctor --install ${target}`,
      message: expect.stringContaining(message),
    });
    expect(await readdir(home())).toEqual([]);
  });

  test('a cache that is a file', async () => {
    const file = join(home(), 'file');
    await writeFile(file, '');
    process.env.XDG_CACHE_HOME = file;
    await expect(attempt(machine(), { dryRun: true })).rejects.toThrow(`${file} is a file. set XDG_CACHE_HOME`);
  });

  const withProc = existsSync('/proc/stat') ? test : test.skip;
  if (withProc === test.skip) console.warn('install: skipped, this system has no /proc');
  withProc('a cache where no files can be kept', async () => {
    process.env.XDG_CACHE_HOME = '/proc';
    await expect(attempt(machine(), { dryRun: true })).rejects.toThrow('/proc is on no disk');
  });

  test('a name that cannot be installed, with the nearest one', async () => {
    await expect(attempt(machine(), { install: 'node-gqu' })).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringContaining('did you mean node-gpu?'),
    });
  });

  test('without --yes where nobody can answer', async () => {
    const tty = process.stdin.isTTY;
    process.stdin.isTTY = false;
    await expect(attempt(machine(), { yes: false })).rejects.toMatchObject({ code: 'ERR_CONFIG' });
    process.stdin.isTTY = tty;
  });
});

describe('what it costs is said first', () => {
  test('--dry-run downloads nothing', async () => {
    const { report, text } = await attempt(machine(), { dryRun: true });
    expect(report).toMatchObject({ target: 'node', installed: false, downloadBytes: 260e6, diskBytes: 783e6 });
    expect(report.folder).toBe(join(home(), 'gimbal', 'tensorflow-2.20.0-cpu'));
    expect(text).toContain('download  260 MB');
    expect(await readdir(home())).toEqual([]);
  });

  test('with CUDA, and whose licence that is', async () => {
    const system = machine({}, { 'nvidia-smi': gpu('550.54', '8.9') });
    const { report, text } = await attempt(system, { install: 'node-gpu', dryRun: true });
    expect(report).toMatchObject({ downloadBytes: 3082e6, diskBytes: 5216e6 });
    expect(text).toContain("under NVIDIA's licence");
  });

  test('that a platform is untested', async () => {
    const arm = await attempt(machine({ arch: 'arm64' }), { dryRun: true });
    expect(arm.text).toContain('node is untested on linux-arm64');
    const mac = await attempt(machine({ platform: 'darwin', arch: 'arm64', glibc: undefined }), { dryRun: true });
    expect(mac.text).toContain('node is untested on darwin-arm64');
  });

  test('that one GPU of several is too new', async () => {
    const two = { stdout: '570.86, 8.9, NVIDIA L4\n570.86, 12.0, NVIDIA GeForce RTX 5090\n' };
    const { text } = await attempt(machine({}, { 'nvidia-smi': two }), { install: 'node-gpu', dryRun: true });
    expect(text).toContain('cannot run on the NVIDIA GeForce RTX 5090: show it another by CUDA_VISIBLE_DEVICES');
  });
});

describe('an install that fails leaves nothing', () => {
  const expectNothing = async (): Promise<void> => {
    expect(tensorflowInstalls()).toEqual([]);
    expect(await readdir(join(home(), 'gimbal'))).toEqual([]);
  };

  test('a wrong checksum', async () => {
    const npm: Reply = async (args, cwd) => {
      if (args[0] === 'pack') {
        for (const file of [
          'tensorflow-tfjs-node-4.22.0.tgz',
          'node-api-headers-1.9.0.tgz',
          'google-protobuf-3.21.4.tgz',
        ])
          await writeFile(join(cwd ?? '', file), 'something else');
      }
      return {};
    };
    await expect(attempt(machine({}, { npm }))).rejects.toMatchObject({
      code: 'ERR_BACKEND',
      message: expect.stringMatching(/tfjs-node@4\.22\.0: wrong checksum; got ".+", wanted sha512 uHrXeUlf/),
    });
    await expectNothing();
  });

  test('a registry that cannot be reached', async () => {
    const npm: Reply = async (args) => (args[0] === 'pack' ? { code: 1, stderr: 'ENOTFOUND' } : {});
    await expect(attempt(machine({}, { npm }))).rejects.toMatchObject({
      message: expect.stringMatching(/npm could not fetch tfjs-node:\nENOTFOUND/),
    });
    await expectNothing();
  });

  test('Ctrl-C', async () => {
    const control = new AbortController();
    const npm: Reply = async (args) => {
      if (args[0] === 'pack') control.abort();
      return { code: args[0] === 'pack' ? 1 : 0 };
    };
    await expect(attempt(machine({}, { npm }), {}, control.signal)).rejects.toMatchObject({
      code: 'ERR_STOPPED',
      what: 'nothing was installed',
    });
    await expectNothing();
  });

  test('what a killed one has left is no install, and the next removes it', async () => {
    const left = join(home(), 'gimbal', 'tensorflow-2.20.0-cpu.partial-999999999');
    await mkdir(left, { recursive: true });
    await writeFile(join(left, 'install.json'), '{ "build": "cpu" }');
    expect(tensorflowInstalls()).toEqual([]);
    expect(await removeLeftovers(join(home(), 'gimbal'))).toEqual([left]);
    expect(existsSync(left)).toBe(false);
  });
});

describe('a library that the user has', () => {
  async function library(dist: string): Promise<string> {
    const site = join(home(), 'venv', 'lib', 'python3.11', 'site-packages');
    await mkdir(join(site, 'tensorflow', 'include', 'tensorflow', 'c'), { recursive: true });
    await mkdir(join(site, dist));
    await writeFile(join(site, 'tensorflow', 'libtensorflow_cc.so.2'), '');
    await writeFile(join(site, 'tensorflow', 'include', 'tensorflow', 'c', 'c_api.h'), '');
    return site;
  }

  test('is found by its site-packages, its folder or its environment', async () => {
    const site = await library('tensorflow-2.19.1.dist-info');
    const wanted = { folder: join(site, 'tensorflow'), version: '2.19.1' };
    for (const path of [site, join(site, 'tensorflow'), join(home(), 'venv')])
      expect(givenLibrary(path, 'node')).toEqual(wanted);
  });

  test('of another version is refused', async () => {
    const site = await library('tensorflow-2.11.0.dist-info');
    expect(() => givenLibrary(site, 'node')).toThrow(/does not fit this TensorFlow; got "2.11.0", wanted 2.12 to 2.22/);
  });

  test('that is not there is refused', () => {
    expect(() => givenLibrary(home(), 'node')).toThrow(/there is no TensorFlow library here/);
  });

  test('needs no pip and little space', async () => {
    const site = await library('tensorflow_cpu-2.20.0.dist-info');
    const system = machine({ freeBytes: () => 20e6 }, { python3: absent });
    const { text } = await attempt(system, { tensorflow: site, dryRun: true });
    expect(text).toContain(`linked from ${join(site, 'tensorflow')}`);
  });

  test('stays as it is when the install fails', async () => {
    const site = await library('tensorflow_cpu-2.20.0.dist-info');
    await symlink(site, join(home(), 'link'));
    const npm: Reply = { code: 1, stderr: 'offline' };
    const only = machine({}, { npm: async (args) => (args[0] === 'pack' ? npm : {}) });
    await expect(attempt(only, { tensorflow: join(home(), 'link') })).rejects.toMatchObject({ code: 'ERR_BACKEND' });
    expect(existsSync(join(site, 'tensorflow', 'libtensorflow_cc.so.2'))).toBe(true);
  });
});

describe('an install that does not work', () => {
  const smoke = async (reply: Reply, target: 'node' | 'node-gpu' = 'node'): Promise<unknown> => {
    await mkdir(join(home(), 'install'), { recursive: true });
    await writeFile(join(home(), 'install', 'smoke.js'), '');
    const system = machine({}, { [process.execPath]: reply });
    const found = await smokeTest(
      '/somewhere',
      target,
      pathToFileURL(`${home()}/`),
      system,
      new AbortController().signal,
    );
    if ('error' in found) throw found.error;
    return found;
  };
  const answer = (o: object): Reply => ({
    stdout: `${JSON.stringify({ name: 'node', isa: 'TensorFlow 2.20.0', gpu: false, wrong: [], ...o })}\n`,
    stderr: 'Could not find cuda drivers\n',
  });

  test('says what TensorFlow said, and is kept', async () => {
    await expect(smoke({ code: 134, stderr: 'F tensorflow/x.cc Check failed\n' })).rejects.toMatchObject({
      message: expect.stringMatching(/status 134.*\nF tensorflow\/x\.cc Check failed\n.*kept in \/somewhere/s),
    });
  });

  test('is heard among what a program of NODE_OPTIONS says', async () => {
    const { stdout } = answer({}) as { stdout: string };
    await expect(smoke({ stdout: `loaded\n${stdout}bye\n` })).resolves.toEqual({
      isa: 'TensorFlow 2.20.0',
      gpu: false,
    });
    await expect(smoke({ stdout: 'bye\n' })).rejects.toMatchObject({
      what: expect.stringContaining('ended with status 0'),
    });
  });

  test('computes wrong numbers', async () => {
    const reply = answer({ wrong: ['a 2×2 product is 1,2,3,4'] });
    await expect(smoke(reply)).rejects.toMatchObject({ message: expect.stringContaining('product is 1,2,3,4') });
  });

  test('finds no GPU', async () => {
    await expect(smoke(answer({}), 'node-gpu')).rejects.toMatchObject({
      message: expect.stringMatching(/finds no GPU.*Could not find cuda drivers/s),
    });
    await expect(smoke(answer({ gpu: true }), 'node-gpu')).resolves.toMatchObject({ gpu: true });
  });
});

describe('a tarball', () => {
  function tar(name: string, content: string): Buffer {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write(content.length.toString(8).padStart(11, '0'), 124);
    header.write('0', 156);
    return gzipSync(Buffer.concat([header, Buffer.from(content.padEnd(512, '\0')), Buffer.alloc(1024)]));
  }

  test('is unpacked without its first folder', async () => {
    await writeFile(join(home(), 'a.tgz'), tar('package/dist/a.js', 'x'));
    await untar(join(home(), 'a.tgz'), join(home(), 'out'));
    expect(await readdir(join(home(), 'out', 'dist'))).toEqual(['a.js']);
  });

  test('with a file that would lie outside is refused', async () => {
    await writeFile(join(home(), 'a.tgz'), tar('package/../../a.js', 'x'));
    await expect(untar(join(home(), 'a.tgz'), join(home(), 'out'))).rejects.toMatchObject({ code: 'ERR_DATA' });
  });
});
