// Rows of a file that people read.

/** What float32 knows of a number; digits behind it are noise. */
const digits = 7;

/**
 * A row as a line of JSON, its fractions rounded to what single precision knows.
 * @param carried columns of the user's before them, as they are
 */
export function jsonLine(row: unknown, carried?: { readonly [column: string]: unknown }): string {
  const own = JSON.stringify(row, (_, value) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(digits)) : value,
  );
  return `${carried === undefined ? own : JSON.stringify({ ...carried, ...JSON.parse(own) })}\n`;
}
