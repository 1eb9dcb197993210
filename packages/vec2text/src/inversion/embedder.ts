// Somebody else's embedder: what turns texts into vectors, and is asked for nothing but that.
import { refusal } from '../internal/refuse.ts';
import { untilAborted } from '../internal/until-aborted.ts';
import { checkFloats } from '../space/codes.ts';

/** A frozen function from texts to vectors. */
export interface Embedder {
  /** For messages. */
  readonly name: string;
  /** D: numbers of a vector. */
  readonly dim: number;
  /**
   * Tells one embedder from another: weights, pooling, normalisation and prefix, whatever changes the vectors. An inverter
   * works with the embedder it was trained with, and with no other.
   */
  readonly hash: string;
  /** The vectors of texts, row after row [n·D]. */
  embed(texts: string[], o?: { signal?: AbortSignal }): Promise<Float32Array>;
}

/** @throws ConfigError (`CONFIG`) for what is no embedder, naming what it lacks */
export function checkIsEmbedder(where: string, embedder: Embedder): void {
  const { name, dim, hash, embed } = embedder ?? {};
  const isName = (x: unknown): boolean => typeof x === 'string' && x !== '';
  const lack: [lacks: boolean, name: string, got: unknown, wanted: string][] = [
    [typeof embed !== 'function', 'embed', embed, 'a function from texts to their vectors'],
    [!Number.isSafeInteger(dim) || dim < 1, 'dim', dim, 'a whole number ≥ 1'],
    [!isName(name), 'name', name, 'a text, for messages'],
    [!isName(hash), 'hash', hash, 'a text that no other embedder has: by it an inverter knows its own'],
  ];
  const first = lack.find(([lacks]) => lacks);
  if (first === undefined) return;
  const [, part, got, wanted] = first;
  const fix = 'An embedder is { name, dim, hash, embed }: give the one whose vectors are inverted';
  throw refusal('CONFIG', {
    where: `${where}.${part}`,
    what: 'no embedder',
    got: embedder == null ? embedder : got,
    wanted,
    fix,
  });
}

/**
 * Embeds, and checks what came.
 * @throws ShapeError (`SHAPE`), NumericalError (`NOT_FINITE`) naming the text; StoppedError where no answer comes after the signal
 */
export async function embedAll(
  embedder: Embedder,
  texts: readonly string[],
  o: { signal?: AbortSignal | undefined } = {},
): Promise<Float32Array> {
  const where = `embedder ${embedder.name}`;
  const asked = embedder.embed([...texts], o.signal ? { signal: o.signal } : {});
  const vectors = await untilAborted(where, asked, o.signal);
  checkVectors(where, vectors, embedder.dim, texts.length);
  return vectors;
}

/** The vectors of guesses. A blank one has none, and few embedders take it: its numbers are 0, so that nothing is like it. */
export async function embedGuesses(
  embedder: Embedder,
  guesses: readonly string[],
  o: { signal?: AbortSignal | undefined } = {},
): Promise<Float32Array> {
  const out = new Float32Array(guesses.length * embedder.dim);
  const some = guesses.flatMap((text, i) => (text.trim() === '' ? [] : [i]));
  if (some.length === 0) return out;
  const vectors = await embedAll(
    embedder,
    some.map((i) => guesses[i] as string),
    o,
  );
  for (const [at, i] of some.entries())
    out.set(vectors.subarray(at * embedder.dim, (at + 1) * embedder.dim), i * embedder.dim);
  return out;
}

/** @throws NumericalError (`DEGENERATE`) where every vector is zero: of them nothing can be learnt */
export function checkSomeVector(where: string, vectors: Float32Array): void {
  if (vectors.some((x) => x !== 0)) return;
  throw refusal('DEGENERATE', { where, what: 'the vector of every text is zero, which has no direction' });
}

/** @throws ShapeError (`SHAPE`), NumericalError (`NOT_FINITE`) naming the row */
export function checkVectors(where: string, vectors: Float32Array, dim: number, rows?: number): void {
  checkFloats(where, 'vectors', vectors, `${rows ?? 'n'}·${dim} numbers`);
  if (vectors.length === 0 || vectors.length % dim !== 0 || (rows !== undefined && vectors.length !== rows * dim)) {
    const what = 'vectors of another width';
    const wanted = rows === undefined ? `a multiple of ${dim}` : `${rows} rows of ${dim}`;
    throw refusal('SHAPE', { where, what, got: vectors.length, wanted });
  }
  const bad = vectors.findIndex((x) => !Number.isFinite(x));
  if (bad >= 0) {
    const what = `row ${Math.floor(bad / dim)}, coordinate ${bad % dim} is no finite number`;
    throw refusal('NOT_FINITE', { where, what, got: vectors[bad] });
  }
}

/** Cosines of two lists of vectors, row by row; 0 where one is zero. */
export function cosines(a: Float32Array, b: Float32Array, dim: number): Float64Array {
  return Float64Array.from({ length: a.length / dim }, (_, row) => {
    let [ab, aa, bb] = [0, 0, 0];
    for (let j = row * dim; j < (row + 1) * dim; j++) {
      const [x, y] = [a[j] as number, b[j] as number];
      ab += x * y;
      aa += x * x;
      bb += y * y;
    }
    return aa === 0 || bb === 0 ? 0 : ab / Math.sqrt(aa * bb);
  });
}
