import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { orNamedRun } from './named-run.ts';

test('a name without a separator is that of a run, where nothing else has it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'named-run-'));
  try {
    for (const name of ['inv', 'both', 'empty']) mkdirSync(join(folder, 'runs', name), { recursive: true });
    for (const name of ['inv', 'both']) writeFileSync(join(folder, 'runs', name, 'config.json'), '{}');
    mkdirSync(join(folder, 'both'));
    expect(orNamedRun('inv', folder)).toBe(join(folder, 'runs', 'inv'));
    // a path comes first; what is no run is none
    for (const path of ['both', 'empty', 'none', '', '.', 'runs/inv', 'HuggingFaceTB/inv', join(folder, 'runs', 'inv')])
      expect(orNamedRun(path, folder)).toBe(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
