// The user's sentences, of any file that data sets are read from.
import { extname } from 'node:path';
import { ConfigError, DataError } from '@gimbal/tensor-core';
import type { Vec2Text } from '@gimbal/vec2text';
import { checkColumns } from '../options/columns.ts';
import { atPlaces } from './places.ts';

/** A row of the user's file. */
export interface SentenceRow {
  text: string;
  rtt?: string;
  paraphrase?: string | undefined;
  edit?: string | undefined;
  /** measured apart, too: a topic, a source */
  group?: string;
}

const optional = ['rtt', 'paraphrase', 'edit', 'group'] as const;

/** The rows of a file, and the line of each: `sentences.txt:3`. */
export interface SentenceFile {
  rows: SentenceRow[];
  where(row: number): string;
}

/**
 * Refuses words that a model has not, before anything is measured.
 * @param rows of the file, perhaps not all, with their sentences as they were read
 * @throws DataError with the row's place
 */
export async function refuseUnknown(
  rows: readonly Omit<SentenceRow, 'group'>[],
  file: SentenceFile,
  { tokenizer }: Pick<Vec2Text, 'tokenizer'>,
): Promise<void> {
  const { checkTexts } = await import('@gimbal/vec2text');
  const lines = new Map(file.rows.map(({ text }, i) => [text, i]));
  const texts = rows.flatMap(({ text, paraphrase, edit }) =>
    [text, paraphrase, edit].flatMap((one) => (one === undefined ? [] : [{ one, row: lines.get(text) as number }])),
  );
  const placeOf = (i: number): string => file.where((texts[i] as { row: number }).row);
  const list = texts.map(({ one }) => one);
  await atPlaces(placeOf, () => checkTexts(tokenizer, list));
}

/** What is told of rows that repeat a sentence; '' where none does. @param different how many there are of the rows' sentences */
export const repeatedRows = (rows: number, different: number): string =>
  rows === different ? '' : `; rows left out that repeat a sentence: ${rows - different} of ${rows}`;

/** As `readSentenceFile`, without their places. */
export const readSentences = async (file: string, columns?: Readonly<Record<string, string>>): Promise<SentenceRow[]> =>
  (await readSentenceFile(file, columns)).rows;

/**
 * The lines of a .txt, or the rows of a .jsonl, .csv or .parquet with `text`.
 * @param columns the user's names of these columns, where they differ
 * @throws DataError naming the row; ConfigError for a file that cannot be read or is of another kind
 */
export async function readSentenceFile(
  file: string,
  columns?: Readonly<Record<string, string>>,
): Promise<SentenceFile> {
  const where = 'gimbal vec2text --columns';
  checkColumns('vec2text', columns, ['text', ...optional]);
  if (columns !== undefined && /^\.(?:txt|md)$/i.test(extname(file)))
    throw new ConfigError({ where, what: 'a text file has no columns', got: file, fix: 'Leave it out' });
  const { readRows } = await import('@gimbal/language-models');
  const data = await readRows(file, { kind: 'text', textRows: 'line', ...(columns && { columns }) });
  const rows = data.rows.map((row, i): SentenceRow => {
    const text = row.text.trim();
    if (text === '') throw new DataError({ where: data.where(i), what: 'the row has no sentence', got: row.text });
    if (text.includes('\0'))
      throw new DataError({
        where: file,
        what: 'the file has zero bytes: it is no UTF-8 text',
        fix: 'Convert it, for example with iconv',
      });
    const others = optional.flatMap((name): [string, string][] => {
      const cell = row[name];
      // an empty cell of a table is none
      if (cell === undefined || cell === null || cell === '') return [];
      if (typeof cell === 'string') return [[name, cell]];
      if (name === 'group') return [[name, String(cell)]];
      const what = `column ${columns?.[name] ?? name} must hold text`;
      throw new DataError({ where: data.where(i), what, got: cell, wanted: 'a string' });
    });
    return { text, ...Object.fromEntries(others) };
  });
  return { rows, where: (row) => data.where(row) };
}
