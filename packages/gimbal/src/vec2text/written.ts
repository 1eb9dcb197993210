// How the actions write what vectors say, and give back their rows.
import { ConfigError, DataError, type GimbalError, type Rng, writeFileAtomic } from '@gimbal/tensor-core';
import type { Codes, Vec2Text } from '@gimbal/vec2text';
import type { CommandResult } from '../cli/command.ts';
import { counted } from '../cli/format.ts';
import type { Vec2TextContext } from './options.ts';

/** The text of a vector. */
export interface Written {
  text: string;
  logProb: number;
  finished: boolean;
}

/** The texts of vectors, as --temperature, --top-k, --top-p, --beams and --project say. */
export async function write(model: Vec2Text, z: Codes, context: Vec2TextContext, stream: Rng): Promise<Written[]> {
  const { options: o, signal } = context;
  const { decodeCodes } = await import('@gimbal/vec2text');
  return decodeCodes(model, z, {
    ...{ project: o.project, temperature: o.temperature, topK: o.topK, topP: o.topP, beams: o.beams, signal },
    memoryBudget: o.memoryBudget * 2 ** 20,
    ...(o.temperature > 0 && { rng: stream.split('sampling') }),
  });
}

/** What the library refuses of vectors, as data that cannot be used, with the file that has them. */
export async function inWords<T>(
  { options: o }: Pick<Vec2TextContext, 'options'>,
  call: () => T | Promise<T>,
): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const { code, where, what, got, wanted, fix } = error as Partial<GimbalError>;
    if (code !== 'ERR_NUMERICAL' && code !== 'ERR_DATA') throw error;
    const isPlaced = o.data === undefined || where?.startsWith(o.data) || where?.startsWith('gimbal ');
    const details = {
      where: isPlaced ? `${where}` : `${o.data}, ${where}`,
      what: `${what}`,
      got,
      wanted,
      cause: error,
    };
    throw new DataError({ ...details, ...(fix !== undefined && { fix }) });
  }
}

/** rows that are kept until the last is there, at most: of --json, and of vectors that are made together */
const mostRows = 100_000;

/** @throws ConfigError for more rows than are kept. @param fix what does not keep them */
export function checkRows(where: string, rows = 0, fix?: string): void {
  if (rows <= mostRows) return;
  const wanted = `at most ${mostRows}, which are kept until the last is there`;
  throw new ConfigError({ where, what: 'too many rows', got: rows, wanted, ...(fix !== undefined && { fix }) });
}

/**
 * Rows as the command's result: into --out as JSON Lines, or a line each on stdout.
 * @param lineOf a row for people
 */
export async function giveRows<R extends object>(
  rows: readonly R[],
  lineOf: (row: R) => string,
  { options: o, output }: Vec2TextContext,
): Promise<CommandResult> {
  if (o.out !== undefined) {
    await writeFileAtomic(o.out, `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);
    output.note(`${counted(rows.length, 'row')} written to ${o.out}`);
  } else if (!output.json) for (const row of rows) output.line(lineOf(row));
  return { json: { ...(o.out !== undefined && { out: o.out }), rows } };
}
