// What modules of the user's print, by console.log or to process.stdout: under --json stdout is the result's alone, so it
// goes to stderr.
import { Console } from 'node:console';
import type { Streams } from './output.ts';

/** Sends all that the console prints, or the process writes to stdout, to stderr. @returns puts both back */
export function consoleAside({ stderr }: Pick<Streams, 'stderr'>): () => void {
  const before = globalThis.console;
  const { write } = process.stdout;
  globalThis.console = new Console({ stdout: stderr, stderr });
  process.stdout.write = stderr.write.bind(stderr) as typeof write;
  return () => {
    globalThis.console = before;
    process.stdout.write = write;
  };
}
