import { runMain } from './run-main.ts';

const source = new URL('../src/', import.meta.url);

interface Report {
  machine: { cores: number };
  versions: { [name: string]: string };
  backend: { name: string; threads: number };
  backends: { name: string; works: boolean; inUse: boolean; detail: string }[];
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
    expect(advice.length).toBeGreaterThan(0);
  });

  test('a slower backend that was asked for is named, with the faster one', async () => {
    const { backend, backends, advice } = await doctor('--backend', 'cpu');
    expect(backend.name).toBe('cpu');
    const native = backends.find((b) => b.name === 'native');
    expect(advice[0]).toMatch(native?.works ? /--backend native is faster/ : /native backend does not work/);
  });

  test('what cannot be installed is wrong usage', async () => {
    const { code, stdout, stderr } = await runMain(['doctor', '--install', 'node-gpu'], source);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain('gimbal doctor --install: nothing can be installed yet');
  });
});
