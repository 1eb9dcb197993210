// The values a command runs with: defaults, then the config file, then flags; each checked where it was written.
import { ConfigError, nearest } from '@gimbal/tensor-core';
import type { z } from 'zod';
import type { ConfigEntry } from './config-file.ts';
import { describeKind, kebab, type OptionInfo, type OptionTable, optionInfos } from './kind.ts';
import { optionByOtherName, valueByOtherName } from './other-names.ts';
import { readValue } from './read-value.ts';

/** A value as it was given, with the place to name in an error. */
export interface Given {
  raw: unknown;
  source?: string | undefined;
  /** `--steps` or `train.yaml:3` */
  where: string;
}

/**
 * Check and convert what was given.
 * @param command name of the command, for messages
 * @param table the options
 * @param given by camelCase name; a later source has already replaced an earlier one
 * @throws ConfigError naming where the value stands, what came and what was wanted; what a command needs may be absent
 * with --resume, which takes it from the run (`optionsOfRun`)
 */
export function resolveOptions<T extends OptionTable>(
  command: string,
  table: T,
  given: ReadonlyMap<string, Given>,
): z.output<T> {
  const values: { [name: string]: unknown } = {};
  const absent = new Set<string>();
  for (const option of optionInfos(table)) {
    const g = given.get(option.name);
    if (g) values[option.name] = checked(command, option, g);
    else if (option.required && given.has('resume')) absent.add(option.name);
    else if (option.required) {
      const what = `--${option.flag} is needed`;
      throw new ConfigError({
        where: `gimbal ${command}`,
        what,
        wanted: option.description || describeKind(option.kind),
      });
    }
  }
  const optional = Object.fromEntries([...absent].map((name) => [name, true])) as { [name: string]: true } & Record<
    number,
    never
  >;
  const parsed = (absent.size === 0 ? table : table.partial(optional)).safeParse(values);
  if (parsed.success) return parsed.data as z.output<T>;
  // what the kind cannot say (a refinement of the schema) is said by zod
  const issue = parsed.error.issues[0];
  const name = String(issue?.path[0] ?? '');
  const where = given.get(name)?.where ?? `gimbal ${command}`;
  throw new ConfigError({ where, what: issue?.message ?? 'options do not fit', got: values[name] });
}

function checked(command: string, option: OptionInfo, given: Given): unknown {
  const reading = readValue(option.kind, given.raw, given.source);
  if ('value' in reading) return reading.value;
  const choices = option.kind.type === 'string' ? option.kind.choices : undefined;
  const near =
    choices && typeof reading.got === 'string'
      ? (valueByOtherName(command, option.flag, reading.got) ?? nearest(reading.got, choices))
      : undefined;
  const place = given.where.startsWith('--') ? `gimbal ${command} ${given.where}` : `${given.where} (${option.name})`;
  throw new ConfigError({
    where: place,
    what: reading.problem,
    got: reading.got,
    wanted: describeKind(option.kind),
    ...(near === undefined ? {} : { fix: `Did you mean ${near}?` }),
  });
}

/**
 * Settings of a config file by option name.
 * @throws ConfigError for a name no option has, with the nearest known one
 */
export function givenByFile(entries: readonly ConfigEntry[], names: ReadonlySet<string>): Map<string, Given> {
  const given = new Map<string, Given>();
  for (const { name, value, source, where } of entries) {
    if (!names.has(name)) {
      const other = optionByOtherName(kebab(name), [...names].map(kebab));
      const near = other === undefined ? nearest(name, names) : [...names].find((one) => kebab(one) === other);
      const fix = near === undefined ? 'See --help for all options' : `Did you mean ${near}?`;
      throw new ConfigError({ where, what: `unknown option ${name}`, fix });
    }
    if (value !== null) given.set(name, { raw: value, source, where });
  }
  return given;
}
