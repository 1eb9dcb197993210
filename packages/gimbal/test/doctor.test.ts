import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tensorflowInstalls } from '@gimbal/tensor-core';
import { startCli } from './cli-process.ts';
import { runMain } from './run-main.ts';

const source = new URL('../src/', import.meta.url);

interface Report {
  machine: { cores: number };
  versions: { [name: string]: string };
  backend: { name: string; threads: number };
  backends: { name: string; works: boolean; inUse: boolean; detail: string; fix?: string }[];
  advice: string[];
}

async function doctor(...flags: string[]): Promise<Report> {
  const { code, stdout, stderr } = await runMain(['doctor', '--json', ...flags], source);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Report;
}

describe('gimbal doctor', () => {
  test('says what is in use, and of each backend whether it works or why not', async () => {
    const { machine, versions, backend, backends, advice } = await doctor('--threads', '1');
    expect(machine.cores).toBeGreaterThan(0);
    expect(Object.keys(versions)).toContain('gimbal');
    expect(backend.threads).toBe(1);
    expect(backends.filter((b) => b.inUse).map((b) => b.name)).toEqual([backend.name]);
    for (const b of backends) expect(b.detail).not.toBe('');
    const native = backends.find((b) => b.name === 'native');
    if (!native?.works) expect(native?.fix).toMatch(/npm|GIMBAL_NATIVE/);
    expect(advice.length).toBeGreaterThan(0);
  });

  test('a slower backend that was asked for is named, with the faster one', async () => {
    const { backend, backends, advice } = await doctor('--backend', 'cpu');
    expect(backend.name).toBe('cpu');
    const native = backends.find((b) => b.name === 'native');
    expect(advice[0]).toMatch(
      native?.works ? /--backend native is faster/ : /native backend does not work: .*\. What to do: .+\./,
    );
  });

  test('what cannot be installed is wrong usage', async () => {
    const { code, stdout, stderr } = await runMain(['doctor', '--install', 'cuda'], source);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain('gimbal doctor --install: nothing of that name can be installed');
  });

  test('options of --install are wrong usage without it', async () => {
    for (const flags of [['--yes'], ['--dry-run'], ['--tensorflow', 'somewhere']]) {
      const { code, stderr } = await runMain(['doctor', ...flags], source);
      expect(code).toBe(2);
      expect(stderr).toContain(`gimbal doctor ${flags[0]}: it goes with --install`);
    }
  });
});

test('a machine with NVIDIA’s driver is told what would make it faster', async () => {
  const home = await mkdtemp(join(tmpdir(), 'gimbal-doctor-'));
  const preload = fileURLToPath(new URL('../../tensor-core/test/tensorflow/simulated-gpu.cjs', import.meta.url));
  try {
    const ask = async (env: { [name: string]: string }): Promise<Report> =>
      JSON.parse((await startCli(['doctor', '--json'], tmpdir(), { XDG_CACHE_HOME: home, ...env }).ended).stdout);
    const { advice } = await ask({ NODE_OPTIONS: `--require "${preload}"`, GIMBAL_SIMULATED_GPU: 'none' });
    expect(advice[0]).toBe(
      'The node-gpu backend does not work: the TensorFlow library is not installed. What to do: gimbal doctor --install node-gpu.',
    );
    const here = await ask({});
    if (here.backends.find((b) => b.name === 'node-gpu')?.fix?.startsWith('with an NVIDIA GPU'))
      expect(here.advice.join()).not.toContain('node-gpu');
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}, 60_000);

test('an install is shown with its folder, version, size and device, and how to remove it', async () => {
  const home = await mkdtemp(join(tmpdir(), 'gimbal doctor-'));
  const before = process.env.XDG_CACHE_HOME;
  process.env.XDG_CACHE_HOME = home;
  try {
    const put = async (name: string, stamp: object): Promise<string> => {
      const folder = join(home, 'gimbal', name);
      await mkdir(folder, { recursive: true });
      const rest = { recipe: 'r', installed: '2026-01-01T00:00:00.000Z' };
      await writeFile(join(folder, 'install.json'), JSON.stringify({ ...rest, ...stamp }));
      return folder;
    };
    const cpu = await put('tensorflow-2.20.0-cpu', { build: 'cpu', version: '2.20.0', bytes: 781e6 });
    const given = { build: 'cuda', version: '2.19.1', bytes: 3e6, linkedFrom: '/venv/tensorflow' };
    const cuda = await put('tensorflow-2.19.1-cuda', given);
    const { stdout } = await runMain(['doctor', '--backend', 'cpu'], source);
    expect(stdout).toContain(
      `  2.20.0 (cpu), 781 MB, in ${cpu}\n  computes on the CPU\n  to remove it: rm -r '${cpu}'\n`,
    );
    expect(stdout).toContain(`  2.19.1 (cuda), linked from /venv/tensorflow, in ${cuda}\n  computes on no GPU here: `);
    const { installs } = JSON.parse((await runMain(['doctor', '--json', '--backend', 'cpu'], source)).stdout);
    expect(installs).toEqual([
      expect.objectContaining({ folder: cuda, remove: `rm -r '${cuda}'` }),
      expect.objectContaining({ folder: cpu, version: '2.20.0', bytes: 781e6, device: 'the CPU' }),
    ]);
  } finally {
    if (before === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = before;
    await rm(home, { recursive: true, force: true });
  }
}, 60_000);

test('a user without a home is told what to set, and can use other backends', async () => {
  const env = { HOME: '', XDG_CACHE_HOME: '' };
  const { code, stderr } = await startCli(['doctor', '--install', 'node', '--dry-run'], tmpdir(), env).ended;
  expect(code).toBe(1);
  expect(stderr).toContain('this user has no home folder to keep it in. set HOME, or XDG_CACHE_HOME to a folder');
  const doctor = await startCli(['doctor', '--json'], tmpdir(), env).ended;
  expect(doctor.code).toBe(0);
}, 60_000);

test('an install that is killed leaves nothing that is taken for one, and the next clears it away', async () => {
  const home = await mkdtemp(join(tmpdir(), 'gimbal-killed-'));
  try {
    // an npm and a pip that never end, a compiler that is there
    const bin = join(home, 'bin');
    await mkdir(bin);
    for (const name of ['npm', 'python3', 'g++']) {
      const script = '#!/bin/sh\ncase "$*" in *--version*) exit 0;; esac\nexec sleep 60\n';
      await writeFile(join(bin, name), script, { mode: 0o755 });
    }
    const env = { XDG_CACHE_HOME: home, PATH: `${bin}:${process.env.PATH}` };
    const { child, ended } = startCli(['doctor', '--install', 'node', '--yes'], home, env);
    const cache = join(home, 'gimbal');
    const partial = async (): Promise<string[]> => (await readdir(cache).catch(() => [])) as string[];
    for (let i = 0; i < 400 && (await partial()).length === 0; i++) await new Promise((wake) => setTimeout(wake, 50));
    expect(await partial()).toEqual([expect.stringMatching(`^tensorflow-2.20.0-cpu.partial-.+-${child.pid}$`)]);
    child.kill('SIGKILL');
    await ended;
    expect(tensorflowInstalls(cache)).toEqual([]);
    await writeFile(join(bin, 'npm'), '#!/bin/sh\ntest "$1" = --version\n', { mode: 0o755 });
    const { code, stderr } = await startCli(['doctor', '--install', 'node', '--yes'], home, env).ended;
    expect(stderr).toContain('which a stopped install left');
    expect(stderr).toContain('npm could not fetch tfjs-node');
    expect(code).toBe(1);
    expect(await partial()).toEqual([]);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}, 60_000);
