// A command is one file in src/commands that exports `command`; its name is the file's.
import type { z } from 'zod';
import type { OptionTable } from '../options/kind.ts';
import type { Given } from '../options/resolve.ts';
import type { GlobalOptions } from './globals.ts';
import type { Output } from './output.ts';

export interface CommandArgument {
  name: string;
  description: string;
  required: boolean;
  /** takes all remaining words */
  variadic?: boolean;
}

export interface CommandContext<O = { [name: string]: unknown }> {
  /** the command's own options and the global ones, checked */
  options: O & GlobalOptions;
  /** positional words */
  arguments: readonly string[];
  /** what was given on the command line or in the config file, and where */
  given: ReadonlyMap<string, Given>;
  /** the folder that holds commands/, stages/, benches/ and claims/: src or dist */
  root: URL;
  output: Output;
  /** aborts at the first Ctrl-C */
  signal: AbortSignal;
  /** says whether the command waits for a person: Ctrl-C then ends it without a word about steps */
  waits?: (isWaiting: boolean) => void;
}

export interface CommandResult {
  /** printed on stdout with --json */
  json: unknown;
  /** false: the command ran, but what it checked does not hold (exit code 1) */
  ok?: boolean;
}

/** A list in --help: names and what each is. */
export interface Topics {
  title: string;
  entries: readonly { name: string; summary: string }[];
}

export interface Command<T extends OptionTable = OptionTable> {
  /** one sentence for the list of commands */
  summary: string;
  arguments?: readonly CommandArgument[];
  /** a function where they depend on files found at run time */
  options: T | ((root: URL) => Promise<T>);
  /** the options that --help shows where its first word is given: those of an action, and its examples alone; undefined for all */
  optionsFor?(word: string): T | undefined;
  /** the summary and the arguments after it in that help, and options of every command that are not shown there */
  helpFor?(
    word: string,
  ): { summary: string; arguments: readonly CommandArgument[]; unused?: readonly string[] } | undefined;
  /** whether --resume means something to it */
  resumes?: boolean;
  /** what its arguments may name, found at run time: shown in --help */
  topics?(root: URL): Promise<Topics>;
  /** shown below the options of --help */
  examples?: readonly string[];
  run(context: CommandContext<z.output<T>>): Promise<CommandResult>;
}

/** Keeps the option types of a command while it is declared. */
export const defineCommand = <T extends OptionTable>(command: Command<T>): Command<T> => command;
