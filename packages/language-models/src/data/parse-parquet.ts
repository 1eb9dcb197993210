// Parquet files (`hyparquet`; uncompressed or with Snappy, as Python's `datasets` writes them).
import { DataError } from '@gimbal/tensor-core';
import { messageOf } from '../message-of.ts';
import { checkRows, type RowOptions } from './check-rows.ts';
import type { Dataset, RowKind } from './rows.ts';

/**
 * Reads a Parquet file.
 * @param file its name, for messages
 * @throws DataError for a file that cannot be read, or naming row and column of a whole number that JavaScript cannot hold
 */
export async function parseParquet<K extends RowKind = RowKind>(
  bytes: Uint8Array,
  file: string,
  o?: RowOptions<K>,
): Promise<Dataset<K>> {
  const { parquetReadObjects } = await import('hyparquet');
  let rows: Record<string, unknown>[];
  try {
    rows = await parquetReadObjects({ file: bytes.slice().buffer });
  } catch (cause) {
    const what = `the file cannot be read: ${messageOf(cause)}`;
    throw new DataError({ where: file, what, fix: 'Write it uncompressed or with Snappy, or as JSON Lines', cause });
  }
  const raw = rows.map((row, i) => {
    const where = `${file}, row ${i}`;
    return {
      where,
      value: Object.fromEntries(Object.entries(row).map(([column, cell]) => [column, plain(cell, column, where)])),
    };
  });
  return checkRows(file, raw, o);
}

/** Whole numbers of 64 bits as numbers where they are exact. */
function plain(cell: unknown, column: string, where: string): unknown {
  if (typeof cell === 'bigint') {
    if (BigInt(Number(cell)) === cell && Number.isSafeInteger(Number(cell))) return Number(cell);
    throw new DataError({
      where,
      what: `column ${column} holds a number that JavaScript cannot hold exactly`,
      got: String(cell),
      wanted: 'at most 9007199254740991, or text',
      fix: 'Write it as text',
    });
  }
  if (Array.isArray(cell)) return cell.map((item) => plain(item, column, where));
  if (
    typeof cell === 'object' &&
    cell !== null &&
    Object.getPrototypeOf(Object.getPrototypeOf(cell) ?? {}) === null &&
    !ArrayBuffer.isView(cell)
  ) {
    return Object.fromEntries(Object.entries(cell).map(([key, item]) => [key, plain(item, column, where)]));
  }
  return cell;
}
