// Rows of a file that people read.

/** What float32 knows of a number; digits behind it are noise. */
const digits = 7;

/** A row as a line of JSON, its fractions rounded to what single precision knows. */
export const jsonLine = (row: unknown): string =>
  `${JSON.stringify(row, (_, value) => (typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(digits)) : value))}\n`;
