/** kill -9 at random moments: nothing that was saved is lost, and a resumed run gives the same numbers. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import './helpers/cpu.ts';
import { loadCheckpoint } from '../src/checkpoint/load.node.ts';
import { rng } from '../src/random/rng.ts';
import type { TrainStep } from '../src/training/loop-setup.ts';
import { LoopTrainer } from '../src/training/loop-trainer.ts';
import { readMetrics } from '../src/training/metrics-log.node.ts';
import '../src/training/run-storage.node.ts';
import { disposeTree } from '../src/tree/memory.ts';
import { flatten } from '../src/tree/params.ts';
import { bundleHelper, runAndKill } from './helpers/child.ts';
import { regression } from './helpers/regression.ts';

const folder = mkdtempSync(join(tmpdir(), 'gimbal-kill-'));
afterAll(() => rmSync(folder, { recursive: true }));

const kills = 24;

test(`${kills} kills during saves lose nothing that was announced`, async () => {
  const script = bundleHelper('save-loop.ts', folder);
  const checkpoints = join(folder, 'checkpoints');
  const stream = rng(1);
  let interrupted = 0;
  for (let i = 0; i < kills; i++) {
    const announced = await runAndKill(script, checkpoints, 2, stream.uniform() * 30);
    if (readdirSync(checkpoints).some((name) => name.startsWith('.'))) interrupted++;
    const warnings: string[] = [];
    const loaded = await loadCheckpoint(checkpoints, { warn: (m) => warnings.push(m) });
    expect(warnings).toEqual([]);
    expect(loaded.step).toBeGreaterThanOrEqual(announced);
    expect(loaded.state).toEqual({ step: loaded.step });
    for (const name of ['params', 'optimizer']) {
      const tree = await loaded.tree(name);
      for (const [, t] of flatten(tree)) expect(new Set(t.dataSync())).toEqual(new Set([loaded.step]));
      disposeTree(tree);
    }
  }
  // most kills hit a save half-way, or the test says nothing
  expect(interrupted).toBeGreaterThan(kills / 2);
}, 120_000);

test('a run killed at random moments and resumed gives the next 20 losses of the uninterrupted one', async () => {
  const script = bundleHelper('train-loop.ts', folder);
  const out = join(folder, 'run');
  const stream = rng(2);
  for (let i = 0; i < 3; i++) await runAndKill(script, out, 4, stream.uniform() * 100);

  const resumed = await LoopTrainer.resume(out, regression({ out, checkpointEvery: 3 }));
  const from = resumed.step;
  const steps = from + 20;
  const continued: TrainStep[] = [];
  for await (const s of resumed.train({ steps })) continued.push(s);

  const whole: TrainStep[] = [];
  for await (const s of new LoopTrainer(regression()).train({ steps })) whole.push(s);
  expect(continued.map((s) => s.loss)).toEqual(whole.slice(from).map((s) => s.loss));
  // and the file holds every step once, as if nothing had happened
  const rows = await readMetrics(out);
  expect(rows.map((r) => [r.step, r.loss])).toEqual(whole.map((s) => [s.step, s.loss]));
}, 120_000);
