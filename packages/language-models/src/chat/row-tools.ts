// The functions that a row's conversation may call.
import { DataError } from '@gimbal/tensor-core';

/**
 * A row's column `tools` as chat templates take it: a list of JSON schemas, or such a list as a string of JSON, as Parquet
 * files hold it. Undefined where the row has none.
 * @param where names the row
 * @throws DataError for anything else
 */
export function toolsOf(row: object, where: string): readonly unknown[] | undefined {
  const { tools } = row as { tools?: unknown };
  if (tools === undefined || tools === null || tools === '') return undefined;
  const list = typeof tools === 'string' ? parsed(tools) : tools;
  if (Array.isArray(list) && list.every((tool) => typeof tool === 'object' && tool !== null)) {
    return list.length === 0 ? undefined : list; // templates ask only whether there are any
  }
  throw new DataError({
    where,
    what: 'column tools must hold the functions that may be called',
    got: tools,
    wanted: 'a list of JSON schemas, or such a list as a string of JSON',
    fix: 'Mend it, or call the column something else',
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
