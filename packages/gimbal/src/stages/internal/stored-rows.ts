// Rows as a stage keeps them: JSON Lines in which each row remembers where the user wrote it, so that a message of a
// later stage still names the user's file and line.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Dataset, dataset, type RowKind } from '@gimbal/language-models';
import { DataError, writeFileDurable } from '@gimbal/tensor-core';

/** the column that holds the place */
const place = '@where';

/** Write `<name>.jsonl` into a folder. */
export async function storeRows(dir: string, name: string, data: Dataset): Promise<void> {
  const lines = data.rows.map((row, i) => lineOf(row, data.where(i)));
  await writeFileDurable(join(dir, `${name}.jsonl`), lines.join(''));
}

/** JSON is read however deeply it is nested, and written as deeply as the call stack goes. */
function lineOf(row: { [column: string]: unknown }, where: string): string {
  try {
    return `${JSON.stringify({ ...row, [place]: where })}\n`;
  } catch (cause) {
    if ((cause as Error).name !== 'RangeError') throw cause;
    const what = 'a column is nested too deeply to be kept';
    throw new DataError({ where, what, fix: 'Leave it out, or make it a string', cause });
  }
}

/** Read it back. */
export async function storedRows<K extends RowKind>(dir: string, name: string, kind: K): Promise<Dataset<K>> {
  const text = await readFile(join(dir, `${name}.jsonl`), 'utf8');
  const raw = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { [column: string]: unknown });
  const places = raw.map((row) => String(row[place]));
  const { rows } = dataset<K>(
    raw.map(({ [place]: _, ...row }) => row),
    { kind },
  );
  return { kind, rows, where: (index) => places[index] ?? name };
}
