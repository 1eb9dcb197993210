// One question with yes or no.
import { createInterface } from 'node:readline/promises';
import { ConfigError } from '@gimbal/tensor-core';

/** @throws ConfigError where nobody can answer */
export async function confirm(question: string, signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY) {
    const fix = 'add --yes, or --dry-run to see only what it would do';
    throw new ConfigError({ where: 'gimbal doctor --install', what: 'nobody is here to agree', fix });
  }
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `, { signal })).trim());
  } finally {
    lines.close();
  }
}
