// The worlds that distillation is tried on, behind one face: rows, a tokenizer, an exact teacher, a check.
import { oracleTeacher, type Teacher, type Vocabulary } from '@gimbal/gkd';
import { padBatch, rowOf } from '@gimbal/language-models';
import type { Rng } from '@gimbal/tensor-core';
import { arithmetic, toyLanguages } from '@gimbal/worlds';

/** A prompt and its right answer. */
export type ToyRow = { readonly prompt: string; readonly completion: string };

/** A task whose teacher is known exactly. */
export interface ToyTask {
  name: string;
  vocabulary: Vocabulary;
  promptLength: number;
  /** tokens of an answer, the end included */
  answerLength: number;
  rows(n: number, stream: Rng, except?: ReadonlySet<string>): ToyRow[];
  check(prompt: string, completion: string): boolean;
  teacher: Teacher;
}

/** What of a world is needed; both have it. */
interface World {
  vocabulary: readonly string[];
  ids: { readonly eos: number; readonly pad: number };
  promptLength: number;
  answerLength: number;
  encode(text: string): Int32Array;
  decode(ids: ArrayLike<number>): string;
  check(prompt: string, completion: string): boolean;
  next(prefix: ArrayLike<number>, promptLength: number): Float64Array;
}

/** A world's words as a tokenizer. */
function vocabularyOf(world: World): Vocabulary {
  return {
    size: world.vocabulary.length,
    special: { eos: world.ids.eos, pad: world.ids.pad },
    token: (id) => world.vocabulary[id],
    encode: (texts) => padBatch(texts.map(world.encode), world.ids.pad),
    decode: (batch) => Array.from(batch.lengths, (_, row) => world.decode(rowOf(batch, row))),
    encodeText: world.encode,
  };
}

function taskOf(name: string, world: World, rows: ToyTask['rows']): ToyTask {
  const vocabulary = vocabularyOf(world);
  // the same prefixes are asked for at every step of every method
  const known = new Map<string, Float64Array>();
  const next = (prefix: Int32Array, promptLength: number): Float64Array => {
    const key = String.fromCharCode(...prefix);
    const seen = known.get(key);
    if (seen !== undefined) return seen;
    const made = world.next(prefix, promptLength);
    if (known.size >= 200_000) known.clear();
    known.set(key, made);
    return made;
  };
  const { promptLength, answerLength, check } = world;
  return { name, vocabulary, promptLength, answerLength, rows, check, teacher: oracleTeacher(next, vocabulary) };
}

/** Running results of five operations: .9 right, .05 each neighbour; a trace of uniform, for the logarithm in rkl. */
export function chain(): ToyTask {
  const world = arithmetic({ preset: 'chain', smoothing: 1e-9 });
  return taskOf('chain', world, (n, stream, except) => world.problems(n, stream, except && { except }));
}

/** Translation into one of two registers. */
export function translation(): ToyTask {
  const world = toyLanguages({ preset: 'mini' });
  return taskOf('mini', world, (n, stream, except) => world.rows(n, stream, except && { except }));
}
