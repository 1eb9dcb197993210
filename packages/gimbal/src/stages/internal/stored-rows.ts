// Rows as a stage keeps them: JSON Lines in which each row remembers where the user wrote it, so that a message of a
// later stage still names the user's file and line.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Dataset, dataset, type RowKind } from '@gimbal/language-models';
import { writeFileDurable } from '@gimbal/tensor-core';

/** the column that holds the place */
const place = '@where';

/** Write `<name>.jsonl` into a folder. */
export async function storeRows(dir: string, name: string, data: Dataset): Promise<void> {
  const lines = data.rows.map((row, i) => `${JSON.stringify({ ...row, [place]: data.where(i) })}\n`);
  await writeFileDurable(join(dir, `${name}.jsonl`), lines.join(''));
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
