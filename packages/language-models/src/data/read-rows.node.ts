// Rows from a file, in Node.
import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { ConfigError, DataError } from '@gimbal/tensor-core';
import type { RowOptions } from './check-rows.ts';
import { parseCsv } from './parse-csv.ts';
import { parseParquet } from './parse-parquet.ts';
import { parseJsonl, parseText, type TextRows, toJsonLines } from './parse-rows.ts';
import type { Dataset, RowKind } from './rows.ts';

/**
 * Reads `.jsonl` (or `.ndjson`), `.csv` or `.parquet` rows, or `.txt` (or `.md`) as rows of text.
 * @param o.textRows how a `.txt` is divided (`paragraph`)
 * @throws DataError for a file that is empty or malformed, with file and line; ConfigError for a path that cannot be read
 * or has another ending
 */
export async function readRows<K extends RowKind = RowKind>(
  path: string,
  o: RowOptions<K> & { textRows?: TextRows } = {},
): Promise<Dataset<K>> {
  const { textRows, ...options } = o;
  const kind = extname(path).toLowerCase();
  if ((await stat(path).catch(() => undefined))?.isDirectory()) {
    const fix = 'Name a file in it';
    throw new ConfigError({ where: path, what: 'this is a folder; a file of rows is wanted', fix });
  }
  const isText = kind === '.txt' || kind === '.md';
  if (!isText && !['.jsonl', '.ndjson', '.csv', '.parquet'].includes(kind)) {
    throw new ConfigError({
      where: path,
      what: 'files of this ending are not read',
      got: kind,
      wanted: '.jsonl, .csv, .parquet or .txt',
      ...(kind === '.json' ? { fix: `If it holds an array of objects, convert it: ${toJsonLines(path)}` } : {}),
    });
  }
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ERR_FS_FILE_TOO_LARGE') throw tooLarge(path, cause);
    const what = code === 'ENOENT' ? 'no such file' : `the file cannot be read (${code})`;
    throw new ConfigError({ where: path, what, fix: 'Check the path', cause });
  }
  if (kind === '.parquet') return parseParquet(bytes, path, options);
  let text: string;
  try {
    // the mark in front is kept here: linesOf leaves it out, and counts columns as an editor does
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_STRING_TOO_LONG') throw tooLarge(path, cause);
    throw new DataError({
      where: path,
      what: 'the file is not UTF-8 text',
      fix: 'Convert it, for example with iconv',
      cause,
    });
  }
  if (isText) {
    if (o.kind !== undefined && o.kind !== 'text') {
      throw new ConfigError({
        where: path,
        what: 'a text file holds rows of kind text',
        got: o.kind,
        wanted: 'a .jsonl file',
      });
    }
    return parseText(text, path, textRows) as unknown as Dataset<K>;
  }
  return kind === '.csv' ? parseCsv(text, path, options) : parseJsonl(text, path, options);
}

/** A file that is read is one string, and V8 has none that is longer. */
const tooLarge = (path: string, cause: unknown): DataError =>
  new DataError({
    where: path,
    what: 'the file is too large to be read at once',
    wanted: 'less than 512 MB of text',
    fix: 'Take a part of it, for example with head -n 1000000',
    cause,
  });
