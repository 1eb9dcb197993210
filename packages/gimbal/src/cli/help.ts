// --help: every option with its kind, default and one sentence.

import { describeKind, type OptionInfo, type OptionKind } from '../options/kind.ts';
import type { Command, Topics } from './command.ts';
import type { Colors } from './output.ts';

const wrapAt = 100;

/** The list of commands. */
export function programHelp(
  version: string,
  commands: readonly { name: string; summary: string }[],
  c: Colors,
): string {
  const width = Math.max(...commands.map((command) => command.name.length)) + 2;
  return [
    `${c.bold('gimbal')} ${version}: train language models on your own machine, from rows to a folder that transformers loads.`,
    '',
    `${c.bold('Usage')}  gimbal <command> [options]`,
    '',
    c.bold('Commands'),
    ...commands.map((command) => `  ${c.cyan(command.name.padEnd(width))}${command.summary}`),
    '',
    `gimbal <command> --help, or gimbal help <command>, shows its options. Every command also takes --config, --json, --trace, --seed,`,
    `--backend, --threads and --out; those that go on with a run take --resume. --version prints the version.`,
  ].join('\n');
}

/** One command: usage, arguments, its options, the global ones, examples. */
export function commandHelp(
  command: Pick<Command, 'summary' | 'arguments' | 'examples' | 'resumes'> & { name: string },
  own: readonly OptionInfo[],
  globals: readonly OptionInfo[],
  c: Colors,
  topics?: Topics,
): string {
  const words = (command.arguments ?? []).map((a) => {
    const name = `${a.name}${a.variadic ? '…' : ''}`;
    return a.required ? `<${name}>` : `[${name}]`;
  });
  // a command may say of one what it is there
  const isOwn = (name: string): boolean => own.some((option) => option.name === name);
  const shared = globals.filter(({ name }) => !isOwn(name) && (command.resumes || name !== 'resume'));
  const all = [...own, ...shared];
  const width = Math.min(38, Math.max(...all.map((o) => label(o).length)) + 2);
  const table = (options: readonly OptionInfo[]): string[] => options.flatMap((o) => entry(o, width, c));
  return [
    `${c.bold('Usage')}  gimbal ${[command.name, ...words].join(' ')} [options]`,
    '',
    ...wrap(command.summary, wrapAt),
    ...(command.arguments?.length
      ? ['', c.bold('Arguments'), ...command.arguments.map((a) => `  ${a.name.padEnd(width)}${a.description}`)]
      : []),
    ...(topics === undefined ? [] : ['', c.bold(topics.title), ...list(topics, c)]),
    ...(own.length > 0 ? ['', c.bold('Options'), ...table(own)] : []),
    '',
    c.bold('Options of every command'),
    ...table(shared),
    ...(command.examples?.length ? ['', c.bold('Examples'), ...command.examples.map((e) => `  ${e}`)] : []),
  ].join('\n');
}

function list({ entries }: Topics, c: Colors): string[] {
  const width = Math.max(0, ...entries.map(({ name }) => name.length)) + 2;
  return entries.flatMap(({ name, summary }) =>
    wrap(summary, wrapAt - width - 2).map((line, i) =>
      i === 0 ? `  ${c.cyan(name.padEnd(width))}${line}` : `  ${' '.repeat(width)}${line}`,
    ),
  );
}

function entry(option: OptionInfo, width: number, c: Colors): string[] {
  const head = label(option);
  // a flag --no-… says the opposite of the option that it switches off
  const off = option.kind.type === 'boolean' && option.default === true;
  const lines = wrap(`${off ? 'do not ' : ''}${option.description}${defaultText(option)}`, wrapAt - width - 2);
  const first = head.length + 2 <= width ? [`  ${c.cyan(head.padEnd(width))}${lines[0] ?? ''}`] : [`  ${c.cyan(head)}`];
  const rest = first[0]?.includes(lines[0] ?? '\0') ? lines.slice(1) : lines;
  return [...first, ...rest.map((line) => `  ${' '.repeat(width)}${line}`)];
}

function label(option: OptionInfo): string {
  if (option.kind.type === 'boolean') return option.default === true ? `--no-${option.flag}` : `--${option.flag}`;
  return `--${option.flag} <${valueName(option.kind)}>`;
}

function valueName(kind: OptionKind): string {
  switch (kind.type) {
    case 'integer':
      return 'n';
    case 'number':
      return 'number';
    case 'string':
      return kind.choices ? (kind.choices.length <= 4 ? kind.choices.join('|') : 'name') : 'text';
    case 'list':
      return kind.whole ? valueName(kind.of) : `${valueName(kind.of)},…`;
    case 'map':
      return 'name=value,…';
    case 'either':
      return kind.of.map(valueName).join('|');
    case 'boolean':
      return 'true|false';
  }
}

function defaultText(option: OptionInfo): string {
  const { kind } = option;
  const choices = kind.type === 'string' && (kind.choices?.length ?? 0) > 4 ? ` (${describeKind(kind)})` : '';
  if (option.required) return `${choices} (needed)`;
  if (option.default === undefined || kind.type === 'boolean') return choices;
  const list = Array.isArray(option.default);
  const value = typeof option.default === 'object' && !list ? JSON.stringify(option.default) : String(option.default);
  return `${choices} (default ${value})`;
}

/** Break at spaces. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const last = lines[lines.length - 1] as string;
    if (last === '') lines[lines.length - 1] = word;
    else if (last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
