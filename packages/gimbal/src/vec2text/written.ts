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
    ...(o.temperature > 0 && { rng: stream.split('sampling') }),
  });
}

/** What the library refuses of vectors, as data that cannot be used, and in the words of the flags. */
export async function inWords<T>(
  { options: o }: Pick<Vec2TextContext, 'options'>,
  call: () => T | Promise<T>,
): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const { code, where, what, got, wanted, fix } = error as Partial<GimbalError>;
    if (code !== 'ERR_NUMERICAL' && code !== 'ERR_DATA' && code !== 'ERR_CONFIG') throw error;
    const flags = (text: unknown): unknown =>
      typeof text === 'string'
        ? text
            .replaceAll(/project: true/g, '--project')
            .replaceAll(/mode: (\w+)/g, '--mode $1')
            .replaceAll(/extrapolate: true/g, '--extrapolate')
        : text;
    const place = o.data === undefined ? `${where}` : `${o.data}, ${where}`;
    const details = { where: place, what: `${flags(what)}`, got, wanted: flags(wanted), cause: error };
    const told = { ...details, ...(fix !== undefined && { fix: `${flags(fix)}` }) };
    throw code === 'ERR_CONFIG' ? new ConfigError(told) : new DataError(told);
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
