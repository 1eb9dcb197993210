// How the actions write what vectors say, and give back their rows.
import { type Rng, writeFileAtomic } from '@gimbal/tensor-core';
import type { Codes, Vec2Text } from '@gimbal/vec2text';
import type { CommandResult } from '../cli/command.ts';
import { counted } from '../cli/format.ts';
import type { Vec2TextContext } from './options.ts';

/** The texts of vectors, as --temperature, --top-k, --top-p, --beams and --project say. */
export async function write(
  model: Vec2Text,
  z: Codes,
  { options: o, signal }: Vec2TextContext,
  stream: Rng,
): Promise<{ text: string; logProb: number; finished: boolean }[]> {
  const { decodeCodes } = await import('@gimbal/vec2text');
  return decodeCodes(model, z, {
    ...{ project: o.project, temperature: o.temperature, topK: o.topK, topP: o.topP, beams: o.beams, signal },
    ...(o.temperature > 0 && { rng: stream.split('sampling') }),
  });
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
