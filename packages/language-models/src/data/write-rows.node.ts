// Rows to a file, in Node.
import { extname } from 'node:path';
import { ConfigError, writeFileAtomic } from '@gimbal/tensor-core';
import { formatJsonl, formatParquet } from './format-rows.ts';
import type { Dataset } from './rows.ts';

/**
 * Writes rows as `.jsonl` (or `.ndjson`) or `.parquet`, so that `readRows` gives them back. The file is whole or not there.
 * @throws ConfigError for another ending; an error of the disk that names the path
 */
export async function writeRows(path: string, data: Dataset): Promise<void> {
  const kind = extname(path).toLowerCase();
  if (kind === '.jsonl' || kind === '.ndjson') return writeFileAtomic(path, formatJsonl(data));
  if (kind === '.parquet') return writeFileAtomic(path, await formatParquet(data));
  const what = 'files of this ending are not written';
  throw new ConfigError({ where: path, what, got: kind, wanted: '.jsonl or .parquet' });
}
