// One command line, read by commander for one command: flags as text, positional words, and errors of ours.
import { ConfigError, nearest } from '@gimbal/tensor-core';
import { Command as Commander, type CommanderError, Option } from 'commander';
import type { OptionInfo } from '../options/kind.ts';
import { optionByOtherName } from '../options/other-names.ts';
import { shellWord } from '../run/again.ts';
import { foldBooleans } from './argv.ts';
import type { CommandArgument } from './command.ts';

export type FlagValue = string | boolean | readonly string[];

export interface ParsedLine {
  /** flags that were given, by camelCase name; text, texts of a list that commas do not part, or a boolean */
  flags: Map<string, FlagValue>;
  words: readonly string[];
  help: boolean;
}

/**
 * @param name of the command
 * @param argv what follows and precedes the command's name, without it
 * @throws ConfigError for an unknown flag (with the nearest known one), a flag without its value, a word too many
 */
export function parseLine(
  name: string,
  argv: readonly string[],
  options: readonly OptionInfo[],
  words: readonly CommandArgument[],
): ParsedLine {
  const commander = new Commander(name).exitOverride().configureOutput({ writeErr: () => {}, writeOut: () => {} });
  commander
    .helpOption(false)
    .option('-h, --help')
    .allowExcessArguments(words.length > 0)
    .showSuggestionAfterError(false);
  for (const option of options) {
    if (option.kind.type === 'boolean') {
      commander.addOption(new Option(`--${option.flag}`)).addOption(new Option(`--no-${option.flag}`));
    } else {
      const flag = new Option(`--${option.flag} <value>`);
      // lists and maps may be given piece by piece; of anything else the last value counts
      if (option.kind.type === 'list' && option.kind.whole)
        flag.argParser((value, before?: readonly string[]) => [...(before ?? []), value]);
      else if (option.kind.type === 'list' || option.kind.type === 'map')
        flag.argParser((value, before?: string) => [before, value].filter(Boolean).join(','));
      commander.addOption(flag);
    }
  }
  refuseForgotten(name, argv, options);
  for (const word of words) commander.argument(word.variadic ? `[${word.name}...]` : `[${word.name}]`);
  try {
    commander.parse(foldBooleans(argv, options), { from: 'user' });
  } catch (error) {
    throw usageError(name, error as CommanderError, options, commander.args, 'model' in commander.opts());
  }
  const given = commander.opts<{ [flag: string]: FlagValue }>();
  const flags = new Map(options.flatMap((o) => (o.name in given ? [[o.name, given[o.name] as FlagValue]] : [])));
  const help = given.help === true;
  if (!help) checkWords(name, commander.args, words);
  return { flags, words: commander.args, help };
}

/** A flag where a value should stand: taken for one, it would leave a word too many, or a strange value. */
function refuseForgotten(name: string, argv: readonly string[], options: readonly OptionInfo[]): void {
  const flags = new Map(options.map((option) => [`--${option.flag}`, option]));
  const end = argv.indexOf('--');
  for (const [i, word] of (end < 0 ? argv : argv.slice(0, end)).entries()) {
    const next = argv[i + 1];
    if (next === undefined || flags.get(word) === undefined || flags.get(word)?.kind.type === 'boolean') continue;
    // after a flag's own value the next flag stands rightly
    if (!flags.has(next.replace(/=.*$/s, ''))) continue;
    // a text may begin as a flag does
    const fix = `See gimbal ${name} --help; a value that begins so is passed as ${shellWord(`${word}=${next}`)}`;
    throw new ConfigError({ where: `gimbal ${name}`, what: `${word} needs a value`, fix });
  }
}

function checkWords(name: string, args: readonly string[], words: readonly CommandArgument[]): void {
  const missing = words.find((word, i) => word.required && args[i] === undefined);
  const where = `gimbal ${name}`;
  if (missing) throw new ConfigError({ where, what: `<${missing.name}> is missing`, wanted: missing.description });
  if (args.length > words.length && !words.at(-1)?.variadic) {
    throw new ConfigError({ where, what: 'one word too many', got: args[words.length] });
  }
}

function usageError(
  name: string,
  error: CommanderError,
  options: readonly OptionInfo[],
  words: readonly string[],
  hasModel: boolean,
): Error {
  const [word] = words;
  const where = `gimbal ${name}`;
  const flag = /'(--?[^\s'=]+)/.exec(error.message)?.[1] ?? '';
  switch (error.code) {
    case 'commander.unknownOption': {
      const known = options.find((o) => `--${o.flag}` === flag.replace(/^--no-/, '--'));
      if (known)
        return new ConfigError({
          where: `${where} ${flag}`,
          what: 'not a value of this flag',
          wanted: 'true or false',
        });
      const typed = flag.replace(/^-+(no-)?/, '');
      const flags = options.map((o) => o.flag);
      const near = optionByOtherName(typed, flags) ?? nearest(typed, flags);
      const fix = near === undefined ? `See gimbal ${name} --help` : `Did you mean --${near}?`;
      return new ConfigError({ where, what: `unknown option ${flag}`, fix });
    }
    case 'commander.optionMissingArgument':
      return new ConfigError({ where, what: `${flag} needs a value`, fix: `See gimbal ${name} --help` });
    case 'commander.excessArguments': {
      const isRows = /\.(?:jsonl|csv|parquet|txt)$/.test(word ?? '') && options.some((o) => o.flag === 'data');
      const model = hasModel ? undefined : options.find((o) => o.flag === 'model');
      const isModel = model !== undefined && (words.length === 1 || model.kind.type === 'list');
      const meant = isRows ? `--data ${word}` : `--model ${words.join(',')}`;
      const fix = isRows || isModel ? `Did you mean ${meant}?` : `See gimbal ${name} --help`;
      return new ConfigError({ where, what: 'this command takes flags only', got: word, fix });
    }
    default:
      return error.code?.startsWith('commander.')
        ? new ConfigError({ where, what: error.message.replace(/^error: /, '') })
        : error;
  }
}
