// Parquet files (`hyparquet`; uncompressed or with Snappy, as Python's `datasets` writes them).
import { DataError } from '@gimbal/tensor-core';
import { messageOf } from '../message-of.ts';
import { checkRows, type RowOptions } from './check-rows.ts';
import { featuresOf, namedClasses } from './class-names.ts';
import type { Dataset, RowKind } from './rows.ts';

/**
 * Reads a Parquet file. Classes that Python's `datasets` has names for are read by these names.
 * @param file its name, for messages
 * @throws DataError for a file that cannot be read, or naming row and column of a whole number that JavaScript cannot hold or
 * a class without a name
 */
export async function parseParquet<K extends RowKind = RowKind>(
  bytes: Uint8Array,
  file: string,
  o?: RowOptions<K>,
): Promise<Dataset<K>> {
  const { parquetMetadata, parquetReadObjects } = await import('hyparquet');
  let rows: Record<string, unknown>[];
  let features: ReturnType<typeof featuresOf>;
  try {
    const { buffer } = bytes.slice();
    const metadata = parquetMetadata(buffer);
    features = featuresOf(metadata.key_value_metadata);
    rows = await parquetReadObjects({ file: buffer, metadata });
  } catch (cause) {
    const what = `the file cannot be read: ${messageOf(cause)}`;
    const isCodec = /codec/.test(what);
    const fix = isCodec ? 'Write it uncompressed or with Snappy, or as JSON Lines' : 'Write or copy the file again';
    throw new DataError({ where: file, what, fix, cause });
  }
  const raw = rows.map((row, i) => {
    const where = `${file}, row ${i}`;
    const named = (column: string, cell: unknown): unknown =>
      namedClasses(plain(cell, column, where), features[column], column, where);
    return {
      where,
      value: Object.fromEntries(Object.entries(row).map(([column, cell]) => [column, named(column, cell)])),
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
