// gimbal vec2text explore: a page in which two sentences and a slider show what lies between, computed in the page.
import { existsSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { ConfigError, rng, writeFileAtomic } from '@gimbal/tensor-core';
import type { Vec2Text } from '@gimbal/vec2text';
import type { CommandResult } from '../cli/command.ts';
import { startCompute } from '../run/compute.ts';
import { refuseUnwritable } from '../run/out-file.ts';
import type { ExploreData } from './explore/data.ts';
import { explorePage } from './explore/html.ts';
import { openFrom, openModel, optionsOfModel, runOfModel, thatFit } from './open.ts';
import type { Vec2TextContext } from './options.ts';
import { languageOf, languageRows } from './oracles.ts';
import { readSentenceFile, refuseUnknown, type SentenceFile } from './sentences.ts';

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
    const file = data === undefined ? undefined : await readSentenceFile(data, columns);
    if (file) rows = file.rows;
    for (const { model } of rows.length === 0 ? [] : opened)
      rows = thatFit('gimbal vec2text explore', rows, model, output);
    const sentences = [...new Set(rows.map(({ text }) => text))].slice(0, known);
    // of a row nothing but its sentence is shown, and of a long file its beginning
    const shown = sentences.map((text) => ({ text }));
    for (const { model } of file ? opened : []) await refuseUnknown(shown, file as SentenceFile, model);
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
    const found = await Promise.all(opened.map(({ path }) => optionsOfModel(path)));
    const names = namesOf(opened.map(({ path }, i) => ({ path, objective: found[i]?.objective })));
    for (const [i, { model }] of opened.entries())
      models.push({
        name: names[i] as string,
        roundTrips: found[i]?.objective?.startsWith('rtt') ?? false,
        ...(await modelData(model, sentences, signal)),
      });
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
async function modelData(
  model: Vec2Text,
  sentences: readonly string[],
  signal: AbortSignal,
): Promise<Pick<ExploreData['models'][number], 'file' | 'codes'>> {
  const { encodeTexts, encodeVec2Text, loadVec2Text } = await import('@gimbal/vec2text');
  const file = await encodeVec2Text(model, { dtype: 'BF16' });
  // of the weights that the page has, which are rounded
  using rounded = await loadVec2Text(file);
  const codes = sentences.length === 0 ? new Float32Array() : await encodeTexts(rounded, sentences, { signal });
  return { file: base64(file), codes: base64(new Uint8Array(codes.buffer, codes.byteOffset, codes.byteLength)) };
}

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

/** What each model was trained to do, where its run says so; models of one objective are told apart by their folders. */
export function namesOf(models: readonly { path: string; objective?: string | undefined }[]): string[] {
  const short = models.map(({ path, objective }) => objective ?? basename(path, '.safetensors'));
  // the folder of a run, and of a model that lies in none its own
  const folders = models.map(({ path, objective }) => (objective === undefined ? dirname(path) : runOfModel(path)));
  const isOne = new Set(folders.map((folder) => basename(folder))).size === folders.length;
  return new Set(short).size === short.length
    ? short
    : short.map((name, i) => `${name} (${isOne ? basename(folders[i] as string) : folders[i]})`);
}

/** The file that a model was trained on, where its run says so and it is still there. */
async function dataOf(path: string): Promise<Pick<Vec2TextContext['options'], 'data' | 'columns'> | undefined> {
  const { data, columns } = await optionsOfModel(path);
  return data !== undefined && existsSync(data) ? { data, columns } : undefined;
}
