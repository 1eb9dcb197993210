// gimbal vec2text encode: sentences to vectors, as rows of a .jsonl.
import { ConfigError, writeFileAtomic } from '@gimbal/tensor-core';
import type { CommandResult } from '../cli/command.ts';
import { counted } from '../cli/format.ts';
import { startCompute } from '../run/compute.ts';
import { refuseUnwritable } from '../run/out-file.ts';
import { openModel } from './open.ts';
import type { Vec2TextContext } from './options.ts';
import { readSentences } from './sentences.ts';

export async function encodeFile(context: Vec2TextContext): Promise<CommandResult> {
  const { options: o, output, signal } = context;
  if ((o.data === undefined) === (o.text === undefined)) {
    const what = o.data === undefined ? 'nothing to encode' : 'both --data and --text';
    throw new ConfigError({ where: 'gimbal vec2text encode', what, wanted: 'either --data or --text' });
  }
  if (o.out !== undefined) await refuseUnwritable('vec2text encode', o.out);
  const texts = o.text ?? (await readSentences(o.data as string, o.columns)).map(({ text }) => text);
  const compute = await startCompute(o);
  const { encodeTexts } = await import('@gimbal/vec2text');
  const { model } = await openModel(context, 'encode');
  using _ = model;
  const z = await encodeTexts(model, texts, { signal });
  await compute.trace(output);
  const k = model.module.space.dim;
  const rows = texts.map((text, i) => ({ text, code: Array.from(z.subarray(i * k, (i + 1) * k)) }));
  const lines = rows.map((row) => JSON.stringify(row));
  if (o.out !== undefined) {
    await writeFileAtomic(o.out, `${lines.join('\n')}\n`);
    output.note(`${counted(rows.length, 'vector')} of ${k} numbers written to ${o.out}`);
    return { json: { out: o.out, rows: rows.length, dim: k } };
  }
  if (!output.json) for (const line of lines) output.line(line);
  return { json: { dim: k, rows } };
}
