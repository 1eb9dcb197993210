// What else a row of the user's has goes to the output beside what was made of it: an id, where it came from.

/**
 * The columns to carry of a row, as they are. The wanted completion is its `reference`; another column whose name the output has
 * a use for itself is called `row.NAME`.
 * @param taken names that the output gives
 */
export function carriedColumns(
  row: { readonly [column: string]: unknown },
  taken: ReadonlySet<string>,
): { [column: string]: unknown } {
  const isTaken = (column: string): boolean =>
    taken.has(column) || (column === 'reference' && Object.hasOwn(row, 'completion'));
  return Object.fromEntries(
    Object.entries(row).flatMap(([column, cell]): [string, unknown][] => {
      if (column === 'prompt') return [];
      if (column === 'completion') return taken.has('reference') ? [] : [['reference', cell]];
      return [[isTaken(column) ? `row.${column}` : column, cell]];
    }),
  );
}
