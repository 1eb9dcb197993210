/** `metrics.jsonl`: one object a logged step. Numbers that JSON has not (NaN, infinity) are written as null. */
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError } from '../errors.ts';
import { writeFileAtomic } from '../io/atomic.node.ts';
import { makeFolder } from '../io/make-folder.node.ts';

const metricsName = 'metrics.jsonl';

/** A line of metrics.jsonl: the step and its metrics, null where one was not finite. */
export type MetricsRow = { step: number } & { [metric: string]: number | null };

/**
 * The rows of a run's metrics.jsonl; none without one, and a last line cut short by a kill is left out.
 * @throws CheckpointError naming the file and the line for another line that is no row
 */
export async function readMetrics(folder: string): Promise<MetricsRow[]> {
  const path = join(folder, metricsName);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if ((error as { code?: string }).code === 'ENOENT') return '';
    throw error;
  });
  // what follows the last line end was not finished
  const lines = text.split('\n').slice(0, -1);
  return lines.flatMap((line, i) => {
    const row = line === '' ? undefined : rowOf(line);
    // a last line that is no row was not finished either, though something ended it
    if (row !== undefined || line === '' || i === lines.length - 1) return row ?? [];
    throw new CheckpointError({
      where: `${path}:${i + 1}`,
      what: 'no row of metrics',
      got: line.slice(0, 60),
      wanted: 'an object with a step',
      fix: 'Delete the line, and the curves are without it',
    });
  });
}

function rowOf(line: string): MetricsRow | undefined {
  try {
    const row = JSON.parse(line) as MetricsRow | null;
    return typeof row?.step === 'number' ? row : undefined;
  } catch {
    return undefined;
  }
}

/** A run's metrics.jsonl, open for appending. */
export class MetricsLog {
  private constructor(private readonly file: FileHandle) {}

  /**
   * Opens the log of a run's folder.
   * @param resumeAt rows after this step are removed: the resumed run writes them again
   */
  static async open(folder: string, resumeAt?: number): Promise<MetricsLog> {
    await makeFolder(folder);
    const path = join(folder, metricsName);
    if (resumeAt !== undefined) {
      const kept = (await readMetrics(folder)).filter((row) => row.step <= resumeAt);
      await writeFileAtomic(path, kept.map((row) => `${JSON.stringify(row)}\n`).join(''));
    }
    return new MetricsLog(await open(path, 'a'));
  }

  /** Appends a row. */
  async write(step: number, row: Readonly<Record<string, number>>): Promise<void> {
    await this.file.write(`${JSON.stringify({ step, ...row })}\n`);
  }

  /** Forces what was written onto the disk. */
  async sync(): Promise<void> {
    await this.file.sync();
  }

  /** Closes the file. */
  async close(): Promise<void> {
    await this.file.close();
  }
}
