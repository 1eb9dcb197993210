// A table made in pieces: `gimbal bench --add` puts the rows it measured into a page that an earlier run wrote.
import { ConfigError } from '@gimbal/tensor-core';

/** A page of `markdown`, taken apart. */
interface Page {
  /** up to the commands */
  head: string[];
  commands: string[];
  /** between the commands and the rows */
  middle: string[];
  rows: string[];
}

const fence = '```';
const commit = '- Commit: ';
/** What must be the same for rows to stand in one table. */
const common = ['- Machine: ', '- Backend: ', '- Versions: '];

const nameOf = (row: string): string => row.split(' | ')[0] as string;

/**
 * The earlier page with the rows of the fresh one: those with a name of its own in their old place, new ones after them.
 * Commits and commands of both are listed.
 * @throws ConfigError if the earlier text is no such page, or was measured on another machine, backend or versions
 */
export function addRows(earlier: string, fresh: string, source: string): string {
  const [old, now] = [parse(earlier, source), parse(fresh, 'the new page')];
  for (const start of common) {
    const [was, is] = [old, now].map((page) => page.head.find((line) => line.startsWith(start)));
    if (was === is) continue;
    const what = 'rows in one table are measured on one machine';
    throw new ConfigError({
      where: 'gimbal bench --add',
      what,
      got: is,
      wanted: was,
      fix: 'Name another file in --out',
    });
  }
  const rows = new Map([...old.rows, ...now.rows].map((row) => [nameOf(row), row]));
  const commits = [old, now].flatMap((page) => {
    const line = page.head.find((text) => text.startsWith(commit));
    return line === undefined ? [] : line.slice(commit.length).split(', ');
  });
  const head = now.head.map((line) => (line.startsWith(commit) ? commit + [...new Set(commits)].join(', ') : line));
  const commands = new Set([...old.commands, ...now.commands]);
  return [...head, ...commands, ...now.middle, ...rows.values(), ''].join('\n');
}

function parse(text: string, source: string): Page {
  const lines = text.split('\n');
  const [open, close] = [lines.indexOf(`${fence}sh`), lines.indexOf(fence)];
  const rule = lines.findIndex((line) => line.startsWith('| --- |'));
  if (open < 0 || close < open || rule < close) {
    const wanted = 'a page that gimbal bench wrote';
    throw new ConfigError({
      where: 'gimbal bench --add',
      what: 'this file holds no table of results',
      got: source,
      wanted,
    });
  }
  return {
    head: lines.slice(0, open + 1),
    commands: lines.slice(open + 1, close),
    middle: lines.slice(close, rule + 1),
    rows: lines.slice(rule + 1).filter((line) => line.startsWith('| ')),
  };
}
