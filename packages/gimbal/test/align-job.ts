// The main job, as small as a test may have it, and a watch on its log.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isNativeAvailable } from '@gimbal/tensor-native';

export const tiny = [
  ...['--size', 'tiny', '--articles', '400', '--held-out', '32', '--evaluate-rows', '32'],
  ...['--distil-steps', '4', '--preference-pairs', '0'],
];
export const steps = (pretrain: number, fineTune: number): string[] => [
  ...['--pretrain-steps', `${pretrain}`],
  ...['--fine-tune-steps', `${fineTune}`],
];

/** Those of this machine, the fastest first. */
export const backends: readonly string[] = isNativeAvailable() ? ['native', 'wasm'] : ['wasm'];

/** The lines that a run's pretraining has logged, and an empty one. */
const logged = async (run: string): Promise<string[]> =>
  (await readFile(join(run, 'stages/pretrain/metrics.jsonl'), 'utf8').catch(() => '')).split('\n');

/** Waits until a run's pretraining has logged so many steps. */
export async function untilLogged(run: string, count: number, ended: Promise<unknown>): Promise<void> {
  let over = false;
  void ended.then(() => {
    over = true;
  });
  for (;;) {
    // asked before the log is read: one that is over has written all its lines by then
    const isOver = over;
    if ((await logged(run)).length > count) return;
    if (isOver) throw new Error(`${run} ended before it had logged ${count} steps`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
