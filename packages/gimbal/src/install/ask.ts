// One question with yes or no.
import { createInterface } from 'node:readline/promises';
import { ConfigError, StoppedError } from '@gimbal/tensor-core';
import { where } from './failure.ts';

interface Terminal {
  input: NodeJS.ReadableStream & { isTTY?: boolean };
  output: NodeJS.WritableStream;
}

/** @throws ConfigError where nobody can answer; StoppedError after Ctrl-C or at the end of the input */
export async function confirm(
  question: string,
  signal: AbortSignal,
  { input, output }: Terminal = { input: process.stdin, output: process.stderr },
): Promise<boolean> {
  if (!input.isTTY) {
    const fix = 'add --yes, or --dry-run to see only what it would do';
    throw new ConfigError({ where, what: 'nobody is here to agree', fix });
  }
  const lines = createInterface({ input, output });
  // at a terminal Ctrl-C is a key, no signal: it closes the lines, and Node leaves the question unanswered
  const closed = new Promise<never>((_, reject) => {
    lines.once('close', () => reject(new StoppedError({ where, what: 'nothing was installed' })));
  });
  try {
    const answer = await Promise.race([lines.question(`${question} [y/N] `, { signal }), closed]);
    return /^y(es)?$/i.test(answer.trim());
  } catch (error) {
    output.write('\n');
    throw error;
  } finally {
    lines.close();
  }
}
