// The command line that gives a run again, on its own: what was left to be measured or found out is spelt out.
import type { OptionInfo } from '../options/kind.ts';

/** A word as a shell takes it. */
export const shellWord = (word: string): string =>
  /^[\w./:@%+,=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/**
 * The command line as one string for a shell.
 * @param values of all options
 * @param settled what was chosen while running, instead of `values`; undefined leaves an option out
 * @param skip names of options that change nothing
 */
export function againCommand(
  command: string,
  infos: readonly OptionInfo[],
  values: { readonly [name: string]: unknown },
  settled: { readonly [name: string]: unknown },
  skip: ReadonlySet<string>,
): string {
  return ['npx gimbal', command, ...flagsOf(infos, values, settled, skip).map(shellWord)].join(' ');
}

/** The options that differ from their defaults, as words of a command line. @param values as `againCommand` takes them */
export function flagsOf(
  infos: readonly OptionInfo[],
  values: { readonly [name: string]: unknown },
  settled: { readonly [name: string]: unknown },
  skip: ReadonlySet<string>,
): string[] {
  return infos.flatMap((info) => {
    if (skip.has(info.name)) return [];
    const isSettled = info.name in settled;
    const value = isSettled ? settled[info.name] : values[info.name];
    if (value === undefined || value === null) return [];
    if (!isSettled && JSON.stringify(value) === JSON.stringify(info.default)) return [];
    if (typeof value === 'boolean') return [value ? `--${info.flag}` : `--no-${info.flag}`];
    return [`--${info.flag}`, textOf(value)];
  });
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.join(',');
  if (typeof value !== 'object') return String(value);
  return Object.entries(value as object)
    .map(([name, of]) => `${name}=${of}`)
    .join(',');
}
