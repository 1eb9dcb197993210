// Prompts from the command line or a file, each with the place it came from.
import { ConfigError, DataError } from '@gimbal/tensor-core';

export interface PromptAt {
  text: string;
  where: string;
  /** its row, where it is of one */
  row?: { readonly [column: string]: unknown };
}

/**
 * @param file .txt with one prompt a line, or rows of any format with a column `prompt`
 * @throws ConfigError for a file that cannot be read, DataError for rows that cannot be used
 */
export async function readPrompts(file: string, columns: Record<string, string> | undefined): Promise<PromptAt[]> {
  if (file.endsWith('.txt')) {
    const text = (await textOf(file)).replace(/^\ufeff/, '');
    const lines = text.split(/\r?\n/).map((line, i) => ({ text: line, where: `${file}:${i + 1}` }));
    const prompts = lines.filter((line) => line.text !== '');
    if (prompts.length === 0) throw new DataError({ where: file, what: 'there are no prompts', wanted: 'one a line' });
    return prompts;
  }
  const { parseJsonl, readRows } = await import('@gimbal/language-models');
  // rows of other kinds serve as prompts too: only their column `prompt` is read
  const o = { kind: 'prompt', ...(columns === undefined ? {} : { columns }) } as const;
  const rows = /\.(?:csv|parquet)$/.test(file) ? await readRows(file, o) : parseJsonl(await textOf(file), file, o);
  return rows.rows.map((row, i) => ({ text: row.prompt as string, where: rows.where(i), row }));
}

async function textOf(file: string): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const reasons: { [code: string]: string } = {
      ENOENT: 'no such file',
      EISDIR: 'this is a folder; a file is wanted',
    };
    const what = reasons[code ?? ''] ?? `cannot be read (${code})`;
    const fix = 'Check the path; it is taken from the working directory';
    throw new ConfigError({ where: `gimbal generate --data ${file}`, what, fix, cause });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    const fix = 'Convert it, for example with iconv';
    throw new DataError({ where: file, what: 'the file is not UTF-8 text', fix, cause });
  }
}
