import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { useBackend } from '../use-backend.node.ts';
import { hasDriver } from './gpu.node.ts';
import { tensorflowInstalls, userCache } from './install.node.ts';
import { refusalOfLoadError } from './load-error.ts';

const before = process.env.XDG_CACHE_HOME;
let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'gimbal-tensorflow-'));
  process.env.XDG_CACHE_HOME = home;
});
afterEach(async () => {
  if (before === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = before;
  await rm(home, { recursive: true, force: true });
});

async function put(name: string, stamp: object | string): Promise<string> {
  const folder = join(home, 'gimbal', name);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'install.json'), typeof stamp === 'string' ? stamp : JSON.stringify(stamp));
  return folder;
}

test('installs are found in the user’s cache, the newest first', async () => {
  expect(userCache()).toBe(join(home, 'gimbal'));
  expect(tensorflowInstalls()).toEqual([]);
  const stamp = { version: '2.20.0', recipe: 'r', bytes: 1 };
  const old = await put('tensorflow-2.19.0-cpu', { ...stamp, build: 'cpu', installed: '2026-01-01T00:00:00.000Z' });
  const young = await put('tensorflow-2.20.0-cuda', { ...stamp, build: 'cuda', installed: '2026-02-01T00:00:00.000Z' });
  await put('tensorflow-2.20.0-cpu.partial-1', { ...stamp, build: 'cpu' });
  await put('tensorflow-2.18.0-cpu', '{ "build": "cp');
  await put('tensorflow-2.17.0-cpu', { ...stamp, build: 'tpu' });
  await mkdir(join(home, 'gimbal', 'tensorflow-2.16.0-cpu'));
  expect(tensorflowInstalls().map((one) => one.folder)).toEqual([young, old]);
});

test('without XDG_CACHE_HOME the cache is in the home folder', () => {
  delete process.env.XDG_CACHE_HOME;
  if (process.platform === 'linux') expect(userCache()).toBe(join(homedir(), '.cache', 'gimbal'));
  else expect(userCache()).toContain('gimbal');
});

test('a cache that cannot be is none: a relative path, a file', async () => {
  process.env.XDG_CACHE_HOME = 'relative';
  expect(isAbsolute(userCache())).toBe(true);
  process.env.XDG_CACHE_HOME = home;
  await writeFile(join(home, 'gimbal'), 'a file');
  expect(tensorflowInstalls()).toEqual([]);
});

test('GIMBAL_TENSORFLOW that names no install is said so', async () => {
  process.env.GIMBAL_TENSORFLOW = join(home, 'nothing');
  try {
    await expect(useBackend('node')).rejects.toMatchObject({
      what: `GIMBAL_TENSORFLOW names no install (${home}/nothing)`,
      fix: 'unset it; where nothing else is installed, gimbal doctor --install node',
    });
  } finally {
    delete process.env.GIMBAL_TENSORFLOW;
  }
});

test.each([
  [
    'libtensorflow_cc.so.2: cannot open shared object file: No such file or directory',
    'the library folder was removed',
    'gimbal doctor --install node',
  ],
  [
    "/lib/libstdc++.so.6: version `GLIBCXX_3.4.29' not found (required by /cache/tfjs_binding.node)",
    'its binding was compiled against a newer system library (GLIBCXX_3.4.29 not found)',
    "compile it again with this machine's g++: gimbal doctor --install node",
  ],
  [
    '/cache/libtensorflow_framework.so.2: failed to map segment from shared object',
    'the library lies on a file system that runs no programs (noexec)',
    'set XDG_CACHE_HOME to a folder on another, then gimbal doctor --install node',
  ],
  ['invalid ELF header', 'TensorFlow does not load (invalid ELF header)', 'gimbal doctor --install node'],
])('what the linker says becomes a reason and what to do: %s', (message, reason, fix) => {
  expect(refusalOfLoadError(new Error(message), 'node')).toEqual({ reason, fix });
});

test('an install whose files are gone says so', async () => {
  const stamp = { build: 'cpu', version: '2.20.0', recipe: 'r', bytes: 1, installed: '2026-01-01T00:00:00.000Z' };
  await put('tensorflow-2.20.0-cpu', stamp);
  await expect(useBackend('node')).rejects.toMatchObject({
    code: 'ERR_BACKEND',
    message: "useBackend('node'): the library folder was removed. gimbal doctor --install node.",
  });
});

test('CUDA without a driver is passed over for native', async () => {
  if (hasDriver()) {
    process.stdout.write('skipped: this machine has an NVIDIA driver\n');
    return;
  }
  const stamp = { build: 'cuda', version: '2.20.0', recipe: 'r', bytes: 1, installed: '2026-01-01T00:00:00.000Z' };
  await put('tensorflow-2.20.0-cuda', stamp);
  const { passedOver } = await useBackend('auto');
  expect(passedOver[0]).toMatchObject({
    name: 'node-gpu',
    reason: expect.stringContaining('there is no NVIDIA driver'),
  });
});

test('no install is advised that would be refused: the driver comes first', async () => {
  const fix = hasDriver()
    ? 'gimbal doctor --install node-gpu'
    : 'with an NVIDIA GPU: install its driver >= 525.60, then gimbal doctor --install node-gpu';
  await expect(useBackend('node-gpu')).rejects.toMatchObject({ what: 'the TensorFlow library is not installed', fix });
});

test('a driver is told by the files that it brings', () => {
  expect(hasDriver([join(home, 'nvidiactl')])).toBe(false);
  expect(hasDriver([join(home, 'nvidiactl'), home])).toBe(true);
});

test('packages that are looked for are optional peers', async () => {
  const manifest = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8'));
  for (const name of ['tfjs-node', 'tfjs-node-gpu'])
    expect(manifest.peerDependenciesMeta[`@tensorflow/${name}`]).toEqual({ optional: true });
});
