// What the actions of gimbal vec2text open: a model, sentences.
import { readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { ConfigError, DataError } from '@gimbal/tensor-core';
import type { Vec2Text } from '@gimbal/vec2text';
import { counted } from '../cli/format.ts';
import type { Output } from '../cli/output.ts';
import { modelPath } from '../run/model-path.ts';
import type { Vec2TextContext } from './options.ts';

/** What is named behind the action, or by --model. @throws ConfigError for both at once */
export function namedModel({ arguments: [, word], options: { model } }: Vec2TextContext): string | undefined {
  if (word === undefined || model === undefined || word === model) return word ?? model;
  throw new ConfigError({ where: 'gimbal vec2text --model', what: 'two models are named', got: [word, model] });
}

/** The model of the command: its folder, its file, or the folder of the run that trained it. */
export async function openModel(context: Vec2TextContext, what: string): Promise<{ model: Vec2Text; path: string }> {
  const [where, named] = [`gimbal vec2text ${what}`, namedModel(context)];
  if (named !== undefined) return openFrom(named, where);
  throw new ConfigError({ where, what: 'which model?', fix: `For example ${where} runs/vec2text-1` });
}

/**
 * A model's folder, its file, or the folder of its run.
 * @throws ConfigError where there is nothing, or a run without a model; CheckpointError for a model of another kind
 */
export async function openFrom(named: string, where: string): Promise<{ model: Vec2Text; path: string }> {
  const { loadVec2Text } = await import('@gimbal/vec2text');
  const path = await modelIn(named, where);
  return { model: await loadVec2Text(path), path };
}

/** The model's own folder or file, which lies in `model` where a run's is named. @throws ConfigError */
export async function modelIn(named: string, where: string): Promise<string> {
  const inRun = join(named, 'model');
  if (await isFolder(inRun)) return inRun;
  if (await isFolder(named)) return modelPath(named, where);
  if ((await stat(named).catch(() => undefined)) !== undefined) return named;
  const fix = 'Give the folder of a run of gimbal vec2text train; it is taken from the working directory';
  throw new ConfigError({ where, what: 'no such file or folder', got: named, fix });
}

/** The options of the run that made a model, where it lies in one. */
export async function optionsOfModel(path: string): Promise<Partial<Vec2TextContext['options']>> {
  const file = join(path, '..', 'config.json');
  const text = await readFile(file, 'utf8').catch(() => '{}');
  try {
    return (JSON.parse(text) as { options?: Partial<Vec2TextContext['options']> } | null)?.options ?? {};
  } catch (cause) {
    throw new DataError({ where: file, what: 'the run’s options are no JSON: the file is damaged', cause });
  }
}

export const isFolder = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined))?.isDirectory() ?? false;

/**
 * The sentences that a model can read. Longer ones are left out, and it is said how many, and what is too long; so are
 * longer paraphrases and edits of the others.
 * @throws DataError where fewer than `least` are left
 */
export function thatFit<R extends { text: string; paraphrase?: string | undefined; edit?: string | undefined }>(
  where: string,
  rows: readonly R[],
  { module, tokenizer }: Pick<Vec2Text, 'module' | 'tokenizer'>,
  output: Output,
  least = 1,
): R[] {
  const most = module.config.maxLength - 1;
  const fits = (text: string): boolean => tokenizer.encodeText(text).length <= most;
  const kept = rows.flatMap((row): R[] => {
    if (!fits(row.text)) return [];
    const long = (['paraphrase', 'edit'] as const).filter((name) => !fits(row[name] ?? ''));
    return [long.length === 0 ? row : { ...row, ...Object.fromEntries(long.map((name) => [name, undefined])) }];
  });
  const lost = rows.length - kept.length;
  if (kept.length < least) {
    const wanted = `${least} or more of at most ${most} tokens`;
    const fix = 'Train with a larger --max-length';
    throw new DataError({ where, what: 'too few sentences that the model can read', got: kept.length, wanted, fix });
  }
  if (lost > 0) output.note(`${counted(lost, 'sentence')} left out: the model reads at most ${most} tokens`);
  return kept;
}

/** Whether a file has vectors: its first row is a list, or has one as `code`, `embedding` or `vector`. */
export async function holdsVectors(file: string): Promise<boolean> {
  if (extname(file) !== '.jsonl') return false;
  const lines = (await readText(file)).split(/\r?\n/);
  const first = lines.findIndex((line) => line.trim() !== '');
  return first >= 0 && vectorOf(parseLine(file, lines[first] as string, first)) !== undefined;
}

const vectorOf = (row: unknown): unknown => {
  if (Array.isArray(row)) return row;
  const { code, embedding, vector } = row as { code?: unknown; embedding?: unknown; vector?: unknown };
  return code ?? embedding ?? vector;
};

/**
 * Vectors of a .jsonl with `code`, `embedding` or `vector` in each row, or lists of numbers.
 * @throws DataError naming the line
 */
export async function readCodes(file: string, dim: number): Promise<Float32Array> {
  const rows = (await readText(file)).split(/\r?\n/).flatMap((line, i): number[][] => {
    if (line.trim() === '') return [];
    if (extname(file) !== '.jsonl' && !/^\s*[[{]/.test(line))
      throw new DataError({
        where: `${file}:${i + 1}`,
        what: 'these are no vectors',
        got: line.slice(0, 80),
        wanted: `a .jsonl, in each row code: ${dim} numbers`,
        fix: 'gimbal vec2text encode --data sentences.txt --out codes.jsonl makes vectors of sentences',
      });
    const code = vectorOf(parseLine(file, line, i));
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

export function parseLine(file: string, line: string, i: number): Record<string, unknown> {
  const where = `${file}:${i + 1}`;
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch (cause) {
    throw new DataError({ where, what: 'no JSON', got: line.slice(0, 80), cause });
  }
  if (typeof row === 'object' && row !== null) return row as Record<string, unknown>;
  throw new DataError({ where, what: 'no row', got: line.slice(0, 80), wanted: 'an object, in braces' });
}

/** The text of a file, without a byte order mark. @throws ConfigError where there is none, DataError for what is not UTF-8 */
export async function readText(file: string, option = 'data'): Promise<string> {
  const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    const what = cause.code === 'ENOENT' ? 'no such file' : 'the file cannot be read';
    throw new ConfigError({ where: `gimbal vec2text --${option}`, what, got: file, cause });
  });
  const fix = 'Convert it, for example with iconv';
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new DataError({ where: file, what: 'the file is not UTF-8 text', fix, cause });
  }
  // UTF-16 of plain letters is UTF-8 with zeros in between
  if (text.includes('\0'))
    throw new DataError({ where: file, what: 'the file has zero bytes: it is no UTF-8 text', fix });
  return text;
}
