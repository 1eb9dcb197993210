// What modules of the user's print by console.log: under --json stdout is the result's alone, so it goes to stderr.
import { Console } from 'node:console';
import type { Streams } from './output.ts';

/** Sends all that the console prints to stderr. @returns puts the console back */
export function consoleAside({ stderr }: Pick<Streams, 'stderr'>): () => void {
  const before = globalThis.console;
  globalThis.console = new Console({ stdout: stderr, stderr });
  return () => {
    globalThis.console = before;
  };
}
