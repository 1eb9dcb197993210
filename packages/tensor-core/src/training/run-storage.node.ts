/**
 * A run's folder: config.json, metrics.jsonl, TensorBoard events and checkpoints/. Loading this module lets trainers
 * take `out`.
 */
import { existsSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { asJson } from '../checkpoint/config-match.ts';
import { loadCheckpoint } from '../checkpoint/load.node.ts';
import { saveCheckpoint, writeCheckpoint } from '../checkpoint/save.node.ts';
import { ConfigError } from '../errors.ts';
import { writeFileAtomic } from '../io/atomic.node.ts';
import { takeLock } from '../io/lock.node.ts';
import { makeFolder } from '../io/make-folder.node.ts';
import { namesFolder } from './frame.ts';
import { MetricsLog, readMetrics } from './metrics-log.node.ts';
import { type OpenRunOptions, type RunFiles, registerStorage } from './storage.ts';
import { EventFile } from './tensorboard/event-file.node.ts';

/** Refuses what no folder can be, or become. */
function checkOut(out: unknown): void {
  if (!namesFolder(out))
    throw new ConfigError({ where: 'out', what: 'no folder', got: out, wanted: 'the path of a folder' });
  let at = resolve(out);
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  if (!existsSync(at) || statSync(at).isDirectory()) return;
  throw new ConfigError({ where: 'out', what: `${at} is a file`, got: out, fix: 'Choose another folder' });
}

/** @throws ConfigError naming the system's error */
function refused(out: string, done: 'made' | 'written', cause: NodeJS.ErrnoException): never {
  const what = `the folder cannot be ${done} (${cause.code})`;
  throw new ConfigError({ where: 'out', what, got: out, fix: 'Choose another folder', cause });
}

/** One trainer writes into a folder at a time. A process of another machine cannot be asked, and is taken to have ended. */
function lock(out: string): () => void {
  const file = join(out, '.training.lock');
  let taken: ReturnType<typeof takeLock>;
  try {
    taken = takeLock(file, false);
  } catch (error) {
    return refused(out, 'written', error as NodeJS.ErrnoException);
  }
  if (typeof taken === 'function') return taken;
  throw new ConfigError({
    where: 'out',
    what: 'another trainer writes there',
    got: `${out}, process ${taken.pid} since ${taken.since}`,
    fix: `End it or its loop first, or choose another folder. If it is no trainer, delete ${file}`,
  });
}

async function openRun(out: string, options: OpenRunOptions): Promise<RunFiles> {
  await makeFolder(out).catch((error) => refused(out, 'made', error));
  const release = lock(out);
  try {
    return await openLocked(out, options, release);
  } catch (error) {
    release();
    throw error;
  }
}

async function openLocked(
  out: string,
  { resumeAt, config, keep }: OpenRunOptions,
  release: () => void,
): Promise<RunFiles> {
  if (resumeAt === undefined && (await readMetrics(out)).length > 0) {
    throw new ConfigError({
      where: 'out',
      what: 'a run stands there already',
      got: out,
      fix: 'Resume it, or choose another folder',
    });
  }
  const metrics = await MetricsLog.open(out, resumeAt);
  const events = await EventFile.create(out, resumeAt);
  const configPath = join(out, 'config.json');
  const hasConfig = await stat(configPath).then(
    () => true,
    () => false,
  );
  if (!hasConfig) await writeFileAtomic(configPath, `${JSON.stringify(asJson(config), null, 2)}\n`);
  return {
    async log(step, row) {
      await metrics.write(step, row);
      await events.scalars(step, row);
    },
    async checkpoint(content, extra) {
      await metrics.sync(); // a checkpoint never knows of a step that the log has lost
      return saveCheckpoint(join(out, 'checkpoints'), content, { keep, ...(extra && { extra }) });
    },
    async close() {
      try {
        await metrics.close();
      } finally {
        await events.close().finally(release);
      }
    },
    release,
  };
}

registerStorage({
  check: checkOut,
  open: openRun,
  write: (path, content, extra) => writeCheckpoint(path, content, extra ? { extra } : {}),
  load: loadCheckpoint,
});
