// Files of vectors: rows of a .jsonl, or NumPy's .npy.
import { extname } from 'node:path';
import { ConfigError, DataError, writeFileAtomic } from '@gimbal/tensor-core';
import { refuseReplacing } from '../run/out-file.ts';
import { npyBytes, parseNpy } from './npy.ts';
import { parseLine, readBytes, readText } from './open.ts';

const isNpy = (file: string): boolean => extname(file).toLowerCase() === '.npy';

/** @throws ConfigError for a file of vectors that exists, cannot be written, or is to be of a kind that is not written */
export async function checkVectorsOut(out: string, data?: string): Promise<void> {
  if (!isNpy(out) && !['.jsonl', '.ndjson'].includes(extname(out).toLowerCase()))
    throw new ConfigError({
      where: 'gimbal vec2text encode --out',
      what: 'vectors are not written in files of this ending',
      got: extname(out) || out,
      wanted: '.jsonl, a row with text and code each, or .npy, the vectors alone',
    });
  await refuseReplacing('vec2text encode', out, data);
}

/** @throws ConfigError for a file of sentences that exists, cannot be written, or has the ending of something else */
export async function checkTextsOut(out: string, data?: string): Promise<void> {
  if (!['.txt', ''].includes(extname(out).toLowerCase()))
    throw new ConfigError({
      where: 'gimbal vec2text decode --out',
      what: 'sentences are not written in files of this ending',
      got: extname(out),
      wanted: '.txt, a sentence a line',
    });
  await refuseReplacing('vec2text decode', out, data);
}

/** Vectors into a file: of a .npy they stand alone, in order; of a .jsonl beside their texts. */
export async function writeVectors(
  out: string,
  rows: readonly { text: string; code: readonly number[] }[],
  dim: number,
): Promise<void> {
  if (!isNpy(out)) return writeFileAtomic(out, `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);
  const values = Float32Array.from(rows.flatMap(({ code }) => code));
  return writeFileAtomic(out, [npyBytes(values, [rows.length, dim])]);
}

/** Whether a file has vectors: its first row is a list, or has one as `code`, `embedding` or `vector`. */
export async function holdsVectors(file: string): Promise<boolean> {
  if (isNpy(file)) return true;
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
 * Vectors of a .npy [n,dim], or of a .jsonl with `code`, `embedding` or `vector` in each row, or lists of numbers.
 * @param o.directions refuse a vector of zeros, which has none
 * @throws DataError naming the line, or the row
 */
export async function readCodes(file: string, dim: number, o: { directions?: boolean } = {}): Promise<Float32Array> {
  const checkDirection = (vector: ArrayLike<number>, where: string): void => {
    if (o.directions && Array.from(vector).every((x) => x === 0))
      throw new DataError({ where, what: 'a vector of zeros, which has no direction' });
  };
  if (isNpy(file)) {
    const { values, shape } = parseNpy(await readBytes(file), file);
    const wanted = `[n, ${dim}], a vector of the model in each row`;
    if (shape.at(-1) !== dim || shape.length > 2)
      throw new DataError({ where: file, what: 'no vectors of the model', got: shape, wanted });
    const odd = values.findIndex((x) => !Number.isFinite(x));
    if (odd >= 0)
      throw new DataError({
        where: `${file}, row ${Math.floor(odd / dim)}`,
        what: 'no finite number',
        got: values[odd],
      });
    if (values.length === 0)
      throw new DataError({ where: file, what: 'the file has no vector', got: shape, wanted: 'one a row' });
    for (let at = 0; at < values.length; at += dim)
      checkDirection(values.subarray(at, at + dim), `${file}, row ${at / dim}`);
    return values;
  }
  const rows = (await readText(file)).split(/\r?\n/).flatMap((line, i): number[][] => {
    if (line.trim() === '') return [];
    if (extname(file) !== '.jsonl' && !/^\s*[[{]/.test(line))
      throw new DataError({
        where: `${file}:${i + 1}`,
        what: 'these are no vectors',
        got: line.slice(0, 80),
        wanted: `a .npy of ${dim} columns, or a .jsonl, in each row code: ${dim} numbers`,
        fix: 'gimbal vec2text encode --data sentences.txt --out codes.jsonl makes vectors of sentences',
      });
    const code = vectorOf(parseLine(file, line, i));
    if (!Array.isArray(code) || code.length !== dim)
      throw new DataError({
        where: `${file}:${i + 1}`,
        what: 'no vector of the model',
        got: Array.isArray(code) ? `${code.length} numbers` : typeof code,
        wanted: `code: ${dim} numbers`,
      });
    const no = code.findIndex((x) => typeof x !== 'number');
    if (no >= 0)
      throw new DataError({ where: `${file}:${i + 1}`, what: `coordinate ${no} is no number`, got: code[no] });
    checkDirection(code, `${file}:${i + 1}`);
    // as they are computed with: 1e39 is no number there
    const odd = code.find((x) => !Number.isFinite(Math.fround(x)));
    if (odd !== undefined)
      throw new DataError({ where: `${file}:${i + 1}`, what: 'a number that float32 has not', got: odd });
    return [code as number[]];
  });
  if (rows.length === 0) throw new DataError({ where: file, what: 'the file has no vector', wanted: 'one a line' });
  return Float32Array.from(rows.flat());
}
