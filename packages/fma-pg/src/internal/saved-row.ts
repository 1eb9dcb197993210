// A line of the log that waits in a checkpoint.

/** Takes a line back from JSON, which has null for NaN. */
export const savedRow = <T>(row: Readonly<Record<string, T | null>>): Record<string, T | number> =>
  Object.fromEntries(Object.entries(row).map(([name, x]) => [name, x ?? Number.NaN]));
