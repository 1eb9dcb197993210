// Names of classes in Parquet files of Python's `datasets`: the file holds a class as a number, and its name in the metadata
// `huggingface` (JSON; `info.features` says of each column what it is).
import { DataError } from '@gimbal/tensor-core';

/** What a column is, as `datasets` describes it: `{ _type, … }`, or for structs and old lists `{ field: … }`, `[ … ]`. */
export type Feature = unknown;

/**
 * The features of each column.
 * @param metadata the file's metadata; `undefined` and what is not of `datasets` have none
 */
export function featuresOf(
  metadata: readonly { key: string; value?: string | undefined }[] | undefined,
): Readonly<Record<string, Feature>> {
  const text = metadata?.find(({ key }) => key === 'huggingface')?.value;
  if (text === undefined) return {};
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return {}; // another program's, or damaged: the rows themselves are whole
  }
  const features = fieldOf(fieldOf(json, 'info'), 'features');
  return isObject(features) ? features : {};
}

/**
 * A cell with the names of classes in place of their numbers, in lists and structs too. -1, which stands where nobody said
 * a class, stays.
 * @throws DataError naming row and column of a number that is no class
 */
export function namedClasses(cell: unknown, feature: Feature, column: string, where: string): unknown {
  if (!isObject(feature) && !Array.isArray(feature)) return cell;
  const names = fieldOf(feature, 'names');
  if (fieldOf(feature, '_type') === 'ClassLabel' && Array.isArray(names)) {
    if (typeof cell !== 'number' || cell === -1) return cell;
    if (typeof names[cell] === 'string') return names[cell];
    throw new DataError({
      where,
      what: `column ${column} holds a class that has no name`,
      got: cell,
      wanted: `0 to ${names.length - 1}, or -1 for none`,
    });
  }
  if (Array.isArray(cell)) {
    const item = Array.isArray(feature) ? feature[0] : fieldOf(feature, 'feature');
    return cell.map((one) => namedClasses(one, item, column, where));
  }
  // a struct is written by its fields
  if (!isObject(cell) || ArrayBuffer.isView(cell)) return cell;
  return Object.fromEntries(
    Object.entries(cell).map(([key, one]) => [key, namedClasses(one, fieldOf(feature, key), column, where)]),
  );
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const fieldOf = (value: unknown, key: string): unknown =>
  isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
