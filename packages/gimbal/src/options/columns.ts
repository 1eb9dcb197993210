// --columns ours=yours: a name of ours that the command has no use for is a misspelling, told before anything runs.
import { ConfigError, nearest } from '@gimbal/tensor-core';

/**
 * @param columns the option's value
 * @param known our names of columns that the command reads
 * @param flag the option, where it is another than --columns
 * @throws ConfigError for another name of ours, with the nearest known one
 */
export function checkColumns(
  command: string,
  columns: Readonly<Record<string, string>> | undefined,
  known: readonly string[],
  flag = '--columns',
): void {
  for (const [ours, theirs] of Object.entries(columns ?? {})) {
    if (known.includes(ours)) continue;
    // the pair the other way round is a common slip
    const swapped = known.includes(theirs) ? `${theirs}=${ours}` : undefined;
    const near = nearest(ours, known);
    const meant = near === undefined ? swapped : `${near}=${theirs}`;
    throw new ConfigError({
      where: `gimbal ${command} ${flag}`,
      what: `there is no column ${ours} to give a name of yours to`,
      got: `${ours}=${theirs}`,
      wanted: known.length === 1 ? `${known[0]}=…` : `one of ${known.join(', ')} before the =`,
      ...(meant === undefined ? {} : { fix: `Did you mean ${meant}?` }),
    });
  }
}
