// Rows as the text or bytes of a file: what parseJsonl and parseParquet read back.
import type { Dataset } from './rows.ts';

type Row = Readonly<Record<string, unknown>>;

/** A line of JSON for each row. */
export const formatJsonl = ({ rows }: Dataset): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

/**
 * A Parquet file (`hyparquet-writer`, compressed with Snappy) that Python's pyarrow and `datasets` read: texts, flags and
 * numbers, lists of these, and messages as lists of structures where all have the same keys. Columns of anything else hold
 * JSON.
 */
export async function formatParquet(data: Dataset): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await import('hyparquet-writer');
  const rows = data.rows as readonly Row[];
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))].map((name) =>
    columnOf(
      name,
      rows.map((row) => row[name] ?? null),
    ),
  );
  const schema = [{ name: 'schema', num_children: columns.length }, ...columns.flatMap(({ elements }) => elements)];
  const columnData = columns.map(({ name, values }) => ({ name, data: values as unknown[] }));
  return new Uint8Array(parquetWriteBuffer({ schema, columnData }));
}

interface SchemaElement {
  name: string;
  type?: 'BOOLEAN' | 'INT64' | 'DOUBLE' | 'BYTE_ARRAY';
  converted_type?: 'UTF8' | 'JSON' | 'LIST';
  repetition_type: 'OPTIONAL' | 'REPEATED';
  num_children?: number;
}

interface Column {
  readonly name: string;
  readonly elements: readonly SchemaElement[];
  readonly values: readonly unknown[];
}

function columnOf(name: string, values: readonly unknown[]): Column {
  const given = values.filter((x) => x !== null);
  const plain = plainOf(name, given);
  if (plain) return { name, elements: [plain], values: plain.type === 'INT64' ? whole(values) : values };
  if (given.every(Array.isArray)) {
    const items = given.flat() as unknown[];
    const element = plainOf('element', items) ?? structureOf(items);
    if (element !== undefined) {
      const list: SchemaElement[] = [
        { name, repetition_type: 'OPTIONAL', converted_type: 'LIST', num_children: 1 },
        { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      ];
      const isWhole = !Array.isArray(element) && element.type === 'INT64';
      const cells = isWhole ? values.map((x) => (x === null ? null : whole(x as unknown[]))) : values;
      return { name, elements: [...list, ...[element].flat()], values: cells };
    }
  }
  return {
    name,
    elements: [{ name, type: 'BYTE_ARRAY', converted_type: 'JSON', repetition_type: 'OPTIONAL' }],
    values,
  };
}

/** Of values of one kind that has a type of its own. */
function plainOf(name: string, given: readonly unknown[]): SchemaElement | undefined {
  const all = (type: string): boolean => given.every((x) => typeof x === type);
  const optional = { name, repetition_type: 'OPTIONAL' } as const;
  if (all('string')) return { ...optional, type: 'BYTE_ARRAY', converted_type: 'UTF8' };
  if (all('boolean')) return { ...optional, type: 'BOOLEAN' };
  if (!all('number')) return undefined;
  // −0 is no whole number there
  const isWhole = given.every((x) => Number.isSafeInteger(x) && !Object.is(x, -0));
  return { ...optional, type: isWhole ? 'INT64' : 'DOUBLE' };
}

/** Of objects of texts that all have the same keys. */
function structureOf(given: readonly unknown[]): SchemaElement[] | undefined {
  const isObject = (x: unknown): x is Row => typeof x === 'object' && x !== null && !Array.isArray(x);
  if (given.length === 0 || !given.every(isObject)) return undefined;
  const keys = Object.keys(given[0] as Row);
  const alike = given.every(
    (x) => Object.keys(x).join('\n') === keys.join('\n') && Object.values(x).every((y) => typeof y === 'string'),
  );
  if (!alike || keys.length === 0) return undefined;
  return [
    { name: 'element', repetition_type: 'OPTIONAL', num_children: keys.length },
    ...keys.map((key): SchemaElement => plainOf(key, []) as SchemaElement),
  ];
}

const whole = (values: readonly unknown[]): unknown[] => values.map((x) => (x === null ? null : BigInt(x as number)));
