// The short form of scripts/long-run.mjs, which runs 10⁶ steps: memory does not grow with steps.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

test('60,000 steps of one environment and of copies, with pictures and contacts, leave memory as it was', () => {
  const script = fileURLToPath(new URL('../scripts/long-run.mjs', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', script, '60000'], {
    encoding: 'utf8',
  });
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  const found = JSON.parse(stdout) as { contacts: number };
  expect(found).toMatchObject({ steps: 60_000, growth: { engineMB: 0 } });
  expect(found.contacts).toBeGreaterThan(10_000);
}, 120_000);
