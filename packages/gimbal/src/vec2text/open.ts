// What the actions of gimbal vec2text open: a model, sentences.
import { readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { ConfigError, DataError } from '@gimbal/tensor-core';
import type { Vec2Text } from '@gimbal/vec2text';
import type { Vec2TextContext } from './options.ts';

/** The model named behind the action: its folder, its file, or the folder of the run that trained it. */
export async function openModel(context: Vec2TextContext, what: string): Promise<{ model: Vec2Text; path: string }> {
  const named = context.arguments[1];
  if (named === undefined) {
    const fix = `For example gimbal vec2text ${what} runs/vec2text-1`;
    throw new ConfigError({ where: `gimbal vec2text ${what}`, what: 'which model?', fix });
  }
  return openFrom(named);
}

/** A model's folder, its file, or the folder of its run. */
export async function openFrom(named: string): Promise<{ model: Vec2Text; path: string }> {
  const { loadVec2Text } = await import('@gimbal/vec2text');
  const inRun = join(named, 'model');
  const path = (await isFolder(inRun)) ? inRun : named;
  return { model: await loadVec2Text(path), path };
}

export const isFolder = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined))?.isDirectory() ?? false;

/** A row of the user's file. */
export interface SentenceRow {
  text: string;
  rtt?: string;
  paraphrase?: string;
  edit?: string;
}

/** Sentences of a file: lines of a .txt, or rows of a .jsonl with `text` or `source`. @throws DataError naming the line */
export async function readSentences(file: string): Promise<SentenceRow[]> {
  const lines = (await readText(file)).split(/\r?\n/);
  const isJson = extname(file) === '.jsonl';
  const rows = lines.flatMap((line, i): SentenceRow[] => {
    if (line.trim() === '') return [];
    if (!isJson) return [{ text: line.trim() }];
    const row = parseLine(file, line, i);
    const text = row.text ?? row.source ?? row.sentence;
    if (typeof text !== 'string')
      throw new DataError({
        where: `${file}:${i + 1}`,
        what: 'the row has no sentence',
        got: Object.keys(row).join(', '),
        wanted: 'text or source',
      });
    const optional = Object.fromEntries(
      ['rtt', 'paraphrase', 'edit'].flatMap((k) => (typeof row[k] === 'string' ? [[k, row[k]]] : [])),
    );
    return [{ text, ...optional }];
  });
  if (rows.length === 0) throw new DataError({ where: file, what: 'the file has no sentence', wanted: 'one a line' });
  return rows;
}

/** Vectors of a .jsonl with `code` in each row, or lists of numbers. @throws DataError naming the line */
export async function readCodes(file: string, dim: number): Promise<Float32Array> {
  const rows = (await readText(file)).split(/\r?\n/).flatMap((line, i): number[][] => {
    if (line.trim() === '') return [];
    const row = parseLine(file, line, i) as { code?: unknown } | number[];
    const code = Array.isArray(row) ? row : row.code;
    if (!Array.isArray(code) || code.length !== dim || !code.every((x) => typeof x === 'number'))
      throw new DataError({
        where: `${file}:${i + 1}`,
        what: 'no vector of the model',
        got: Array.isArray(code) ? `${code.length} numbers` : typeof code,
        wanted: `code: ${dim} numbers`,
      });
    return [code as number[]];
  });
  if (rows.length === 0) throw new DataError({ where: file, what: 'the file has no vector', wanted: 'one a line' });
  return Float32Array.from(rows.flat());
}

function parseLine(file: string, line: string, i: number): Record<string, unknown> {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch (cause) {
    throw new DataError({ where: `${file}:${i + 1}`, what: 'no JSON', got: line.slice(0, 80), cause });
  }
}

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const what = cause.code === 'ENOENT' ? 'no such file' : 'the file cannot be read';
    throw new ConfigError({ where: 'gimbal vec2text --data', what, got: file, cause });
  });
}
