// gimbal vec2text encode: sentences to vectors, as rows of a .jsonl, or as a .npy.
import { ConfigError } from '@gimbal/tensor-core';
import type { CommandResult } from '../cli/command.ts';
import { counted } from '../cli/format.ts';
import { startCompute } from '../run/compute.ts';
import { openModel } from './open.ts';
import type { Vec2TextContext } from './options.ts';
import { atPlaces, ofFlag } from './places.ts';
import { readSentenceFile } from './sentences.ts';
import { checkVectorsOut, writeVectors } from './vectors.ts';

export async function encodeFile(context: Vec2TextContext): Promise<CommandResult> {
  const { options: o, output, signal } = context;
  if ((o.data === undefined) === (o.text === undefined)) {
    const what = o.data === undefined ? 'nothing to encode' : 'both --data and --text';
    throw new ConfigError({ where: 'gimbal vec2text encode', what, wanted: 'either --data or --text' });
  }
  if (o.out !== undefined) await checkVectorsOut(o.out, o.data);
  const file = o.text === undefined ? await readSentenceFile(o.data as string, o.columns) : undefined;
  const texts = o.text ?? (file?.rows ?? []).map(({ text }) => text);
  const compute = await startCompute(o);
  const { encodeTexts } = await import('@gimbal/vec2text');
  const { model } = await openModel(context, 'encode');
  using _ = model;
  const placeOf = file?.where ?? ofFlag('gimbal vec2text encode --text', texts);
  const z = await atPlaces(placeOf, () => encodeTexts(model, texts, { signal }));
  await compute.trace(output);
  const k = model.module.space.dim;
  const rows = texts.map((text, i) => ({ text, code: Array.from(z.subarray(i * k, (i + 1) * k)) }));
  if (o.out !== undefined) {
    await writeVectors(o.out, rows, k);
    output.note(`${counted(rows.length, 'vector')} of ${k} numbers written to ${o.out}`);
    return { json: { out: o.out, rows: rows.length, dim: k } };
  }
  if (!output.json) for (const row of rows) output.line(JSON.stringify(row));
  return { json: { dim: k, rows } };
}
