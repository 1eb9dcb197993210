// gimbal vec2text explore: a page in which two sentences and a slider show what lies between, computed in the page.
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { ConfigError, rng, writeFileAtomic } from '@gimbal/tensor-core';
import type { Vec2Text } from '@gimbal/vec2text';
import type { CommandResult } from '../cli/command.ts';
import { startCompute } from '../run/compute.ts';
import { refuseUnwritable } from '../run/out-file.ts';
import type { ExploreData } from './explore/data.ts';
import { explorePage } from './explore/html.ts';
import { openFrom, openModel, optionsOfModel, thatFit } from './open.ts';
import type { Vec2TextContext } from './options.ts';
import { languageOf, languageRows } from './oracles.ts';
import { readSentences } from './sentences.ts';

/** sentences to show the nearest of */
const known = 300;

export async function writePage(context: Vec2TextContext): Promise<CommandResult> {
  const { options: o, output, signal } = context;
  const out = o.out ?? 'vec2text.html';
  await refuseUnwritable('vec2text explore', out);
  if (o.text !== undefined && o.text.length !== 2)
    throw new ConfigError({
      where: 'gimbal vec2text explore --text',
      what: 'two sentences are wanted',
      got: o.text.length,
    });
  const compute = await startCompute(o);
  const first = await openModel(context, 'explore');
  const opened = [
    first,
    ...(o.compare === undefined ? [] : [await openFrom(o.compare, 'gimbal vec2text explore --compare', output)]),
  ];
  try {
    const language = o.data === undefined ? languageOf(first.model) : null;
    const own = o.data === undefined && language === null ? await dataOf(first.path) : undefined;
    const { data, columns } = own ?? o;
    let rows: readonly { text: string }[] = language === null ? [] : languageRows(language, known, rng(o.seed));
    if (data !== undefined) rows = await readSentences(data, columns);
    for (const { model } of rows.length === 0 ? [] : opened)
      rows = thatFit('gimbal vec2text explore', rows, model, output);
    const sentences = [...new Set(rows.map(({ text }) => text))].slice(0, known);
    const start = (o.text ?? (sentences.length >= 2 ? sentences.slice(0, 2) : undefined)) as
      | [string, string]
      | undefined;
    if (start === undefined)
      throw new ConfigError({
        where: 'gimbal vec2text explore',
        what: 'no sentences to begin with',
        fix: 'Give --data, a file of sentences such as the model was trained on, or --text twice, a sentence each',
      });
    const models: ExploreData['models'][number][] = [];
    for (const { model, path } of opened) models.push(await modelData(model, await nameOf(path), sentences, signal));
    const page = await explorePage({ title: 'What lies between two sentences', models, sentences, start, language });
    await writeFileAtomic(out, page);
    await compute.trace(output);
    output.note(`written to ${out} (${(page.length / 1e6).toFixed(1)} MB): open it in a browser`);
    return { json: { out, bytes: page.length, models: models.map(({ name }) => name) } };
  } finally {
    for (const { model } of opened) model.dispose();
  }
}

/** A model and what the page needs beside it. */
export async function modelData(
  model: Vec2Text,
  name: string,
  sentences: readonly string[],
  signal: AbortSignal,
): Promise<ExploreData['models'][number]> {
  const { encodeTexts, encodeVec2Text, loadVec2Text } = await import('@gimbal/vec2text');
  const file = await encodeVec2Text(model, { dtype: 'BF16' });
  // of the weights that the page has, which are rounded
  using rounded = await loadVec2Text(file);
  const codes = sentences.length === 0 ? new Float32Array() : await encodeTexts(rounded, sentences, { signal });
  return { name, file: base64(file), codes: base64(new Uint8Array(codes.buffer, codes.byteOffset, codes.byteLength)) };
}

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

/** What the model was trained to do, where its run says so; else the name of its file. */
async function nameOf(path: string): Promise<string> {
  return (await optionsOfModel(path)).objective ?? basename(path, '.safetensors');
}

/** The file that a model was trained on, where its run says so and it is still there. */
async function dataOf(path: string): Promise<Pick<Vec2TextContext['options'], 'data' | 'columns'> | undefined> {
  const { data, columns } = await optionsOfModel(path);
  return data !== undefined && existsSync(data) ? { data, columns } : undefined;
}
