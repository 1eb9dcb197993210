// The command line from words to exit code: find the command's file, read its options, run it, print what came.
import { ConfigError, nearest } from '@gimbal/tensor-core';
import { z } from 'zod';
import { readConfigFile } from '../options/config-file.ts';
import { type OptionInfo, type OptionTable, optionInfos } from '../options/kind.ts';
import { type Given, givenByFile, resolveOptions } from '../options/resolve.ts';
import { commandIndex } from './argv.ts';
import type { Command, CommandContext, CommandResult } from './command.ts';
import { consoleAside } from './console-aside.ts';
import { listModules, loadModule } from './discover.ts';
import { exitCode, printFailure } from './failure.ts';
import { globalOptions } from './globals.ts';
import { commandHelp, programHelp } from './help.ts';
import { type Interrupts, watchInterrupts } from './interrupt.ts';
import { Output, type Streams } from './output.ts';
import { type FlagValue, parseLine } from './parse.ts';
import { watchStranding } from './stranded.ts';
import { beginUntold } from './told-end.ts';
import { packageVersion } from './version.ts';

export interface MainOptions {
  /** the folder that holds commands/, stages/, benches/ and claims/ */
  root: URL;
  streams?: Streams;
}

/**
 * Run one command line.
 * @param argv words after `gimbal`
 * @returns the exit code: 0 done, 1 failed, 2 wrong usage or unusable data, 130 stopped by Ctrl-C
 */
export async function main(argv: readonly string[], { root, streams = process }: MainOptions): Promise<number> {
  const asked = (flag: string): boolean => argv.includes(flag);
  beginUntold();
  const output = new Output(streams, asked('--json'));
  const interrupts = watchInterrupts(output);
  output.outliveReaders();
  const settled = watchStranding(output);
  try {
    const result = await dispatch(argv, root, output, interrupts);
    if (result) output.result(result.json);
    return result?.ok === false ? 1 : 0;
  } catch (error) {
    printFailure(error, output, asked('--trace'));
    return exitCode(error);
  } finally {
    settled();
    interrupts.release();
  }
}

async function dispatch(
  argv: readonly string[],
  root: URL,
  output: Output,
  interrupts: Interrupts,
): Promise<CommandResult | undefined> {
  const globals = optionInfos(globalOptions);
  const names = await listModules(root, 'commands');
  const at = commandIndex(argv, globals);
  if (at < 0) {
    if (argv.includes('--version') || argv.includes('-V')) return version(output);
    return await help(root, names, output, argv);
  }
  const name = argv[at] as string;
  if (name === 'help') {
    const about = argv.slice(at + 1).find((word) => !word.startsWith('-'));
    if (about !== undefined && about !== 'help') return await dispatch([about, '--help'], root, output, interrupts);
    return await help(root, names, output, []);
  }
  if (!names.includes(name)) throw unknownCommand(name, names);

  const { command } = await loadModule<{ command: Command }>(root, 'commands', name);
  const own = typeof command.options === 'function' ? await command.options(root) : command.options;
  const table: OptionTable = z.object({ ...own.shape, ...globalOptions.shape });
  const infos = optionInfos(table);
  const line = parseLine(name, [...argv.slice(0, at), ...argv.slice(at + 1)], infos, command.arguments ?? []);
  if (line.help) {
    const [word = ''] = line.words;
    const ofAction = word === '' ? undefined : command.optionsFor?.(word);
    const isShown = (example: string): boolean => example.startsWith(`gimbal ${name} ${word} `);
    const examples = command.examples?.filter((example) => ofAction === undefined || isShown(example)) ?? [];
    const shown = optionInfos(ofAction ?? own);
    const topics = await command.topics?.(root);
    const about = word === '' ? undefined : command.helpFor?.(word);
    const told = { ...command, ...about, examples, name: about === undefined ? name : `${name} ${word}` };
    const used = globals.filter((option) => !about?.unused?.includes(option.name));
    output.line(commandHelp(told, shown, used, output.colors, topics));
    return undefined;
  }
  const given = await collect(line.flags, infos);
  const options = resolveOptions(name, table, given) as CommandContext['options'];
  output.useJson(options.json);
  if (options.resume && !command.resumes) throw nothingToResume(name, given);
  interrupts.saves = command.resumes === true;
  const waits = (isWaiting: boolean): void => {
    interrupts.waits = isWaiting;
  };
  const back = options.json ? consoleAside(output) : undefined;
  try {
    return await command.run({ options, arguments: line.words, given, root, output, signal: interrupts.signal, waits });
  } finally {
    back?.();
  }
}

/** What the config file says, then what the flags say. */
async function collect(
  flags: ReadonlyMap<string, FlagValue>,
  infos: readonly OptionInfo[],
): Promise<Map<string, Given>> {
  const given = new Map<string, Given>();
  const file = flags.get('config');
  if (typeof file === 'string') {
    const isMap = (name: string): boolean => infos.some((o) => o.name === name && o.kind.type === 'map');
    const names = new Set(infos.map((o) => o.name).filter((name) => name !== 'config'));
    for (const [name, value] of givenByFile(await readConfigFile(file, isMap), names)) given.set(name, value);
  }
  for (const [name, raw] of flags) {
    given.set(name, { raw, where: `--${infos.find((o) => o.name === name)?.flag ?? name}` });
  }
  return given;
}

function version(output: Output): CommandResult {
  if (!output.json) output.line(packageVersion());
  return { json: { version: packageVersion() } };
}

async function help(root: URL, names: readonly string[], output: Output, argv: readonly string[]): Promise<undefined> {
  const stray = argv.find((word) => word.startsWith('-') && !['--help', '-h', '--json'].includes(word));
  if (stray !== undefined) {
    const fix = 'gimbal --help lists them';
    throw new ConfigError({ where: 'gimbal', what: 'a command is missing', got: stray, wanted: names.join(', '), fix });
  }
  const summaries = names.map(async (name) => {
    const { command } = await loadModule<{ command: Command }>(root, 'commands', name);
    return { name, summary: command.summary };
  });
  output.line(programHelp(packageVersion(), await Promise.all(summaries), output.colors));
}

const nothingToResume = (name: string, given: ReadonlyMap<string, Given>): ConfigError =>
  new ConfigError({
    where: `gimbal ${name} ${given.get('resume')?.where ?? '--resume'}`,
    what: 'this command keeps nothing that it could go on with',
    fix: 'Leave --resume out; the commands that train, and gimbal reproduce, go on with a run',
  });

function unknownCommand(name: string, names: readonly string[]): ConfigError {
  const near = nearest(name, names);
  const fix = near === undefined ? 'gimbal --help lists what there is' : `Did you mean gimbal ${near}?`;
  return new ConfigError({
    where: 'gimbal',
    what: `unknown command ${name}`,
    wanted: `one of ${names.join(', ')}`,
    fix,
  });
}
