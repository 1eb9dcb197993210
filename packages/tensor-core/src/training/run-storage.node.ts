/**
 * A run's folder: config.json, metrics.jsonl, TensorBoard events and checkpoints/. Loading this module lets trainers
 * take `out`.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { asJson } from '../checkpoint/config-match.ts';
import { loadCheckpoint } from '../checkpoint/load.node.ts';
import { saveCheckpoint, writeCheckpoint } from '../checkpoint/save.node.ts';
import { ConfigError } from '../errors.ts';
import { writeFileAtomic } from '../io/atomic.node.ts';
import { MetricsLog, readMetrics } from './metrics-log.node.ts';
import { type OpenRunOptions, type RunFiles, registerStorage } from './storage.ts';
import { EventFile } from './tensorboard/event-file.node.ts';

async function openRun(out: string, { resumeAt, config, keep }: OpenRunOptions): Promise<RunFiles> {
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
      await metrics.close();
      await events.close();
    },
  };
}

registerStorage({
  open: openRun,
  write: (path, content, extra) => writeCheckpoint(path, content, extra ? { extra } : {}),
  load: loadCheckpoint,
});
