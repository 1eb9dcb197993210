// A stage's metrics.jsonl: one object a logged step.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface MetricsRow {
  step: number;
  [name: string]: unknown;
}

/** The rows, in order; none where nothing was logged. A last line that a kill cut short is left out. */
export async function readMetrics(folder: string): Promise<MetricsRow[]> {
  const text = await readFile(join(folder, 'metrics.jsonl'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const lines = text.split('\n').slice(0, -1); // what follows the last line end was not finished
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as MetricsRow);
}

/** The numbers of one metric, in the order of the steps. */
export const metric = (rows: readonly MetricsRow[], name: string): number[] =>
  rows.flatMap((row) => (typeof row[name] === 'number' ? [row[name]] : []));
