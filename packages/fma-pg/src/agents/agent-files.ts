/**
 * A run's folder: metrics.jsonl, TensorBoard events, checkpoints. Files are tensor-core's; it is asked for them when
 * they are needed, so that pages, which have no folders, can use agents without.
 */
import { type CheckpointContent, ConfigError, type LoadedCheckpoint, version } from '@gimbal/tensor-core';

export type AgentContent = Omit<CheckpointContent, 'version'>;

export interface AgentFiles {
  log(step: number, row: Readonly<Record<string, number>>): Promise<void>;
  checkpoint(content: AgentContent): Promise<void>;
  close(): Promise<void>;
}

const core = async (where: string): Promise<typeof import('@gimbal/tensor-core')> => {
  const all = await import('@gimbal/tensor-core');
  if (all.saveCheckpoint !== undefined) return all;
  throw new ConfigError({ where, what: 'folders exist in Node only', fix: 'In a page, leave out away' });
};

/**
 * @param resumeAt rows after this step are removed: the resumed run writes them again
 * @throws ConfigError where a run stands there already
 */
export async function openAgentFiles(out: string, resumeAt: number | undefined): Promise<AgentFiles> {
  const { MetricsLog, EventFile, saveCheckpoint, readMetrics } = await core('out');
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
  return {
    async log(step, row) {
      await metrics.write(step, row);
      await events.scalars(step, row);
    },
    async checkpoint(content) {
      await metrics.sync();
      await saveCheckpoint(`${out}/checkpoints`, { ...content, version }, { keep: { latest: 1, best: true } });
    },
    async close() {
      await metrics.close();
      await events.close();
    },
  };
}

/** Writes one checkpoint at exactly this path. */
export async function writeAgent(dir: string, content: AgentContent): Promise<void> {
  await (await core('save')).writeCheckpoint(dir, { ...content, version });
}

/** Reads a checkpoint, or the newest (best) one of a run. */
export async function readAgent(from: string, which: 'latest' | 'best' = 'latest'): Promise<LoadedCheckpoint> {
  return (await core('resume')).loadCheckpoint(from, { which });
}

export const toBase64 = (bytes: Uint8Array): string => {
  let text = '';
  for (let at = 0; at < bytes.length; at += 4096) text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return btoa(text);
};

export const fromBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
