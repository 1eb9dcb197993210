/** What several tests use. */
import { decoder, type LanguageModel, padBatch, rowOf } from '@gimbal/language-models';
import { rng } from '@gimbal/tensor-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { oracleTeacher } from '../src/teachers/oracle-teacher.ts';
import type { Teacher } from '../src/teachers/teacher.ts';
import type { Vocabulary } from '../src/teachers/vocabulary.ts';

/** A float32 tensor of normal numbers, the same in every run. */
export const noise = <T extends Tensor = Tensor>(shape: number[], seed: number, std = 1): T =>
  rng(seed).normalTensor(shape, 0, std) as T;

/** The largest |a − b|, relative to the largest |b|. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [error, size] = [0, 1e-30];
  for (let i = 0; i < b.length; i++) {
    error = Math.max(error, Math.abs((a[i] as number) - (b[i] as number)));
    size = Math.max(size, Math.abs(b[i] as number));
  }
  return error / size;
}

/** A vocabulary of single characters: `·` fills up, `.` ends. */
export function letters(alphabet: string): Vocabulary {
  const tokens = ['·', '.', ...alphabet];
  const encodeText = (text: string): number[] => Array.from(text, (c) => tokens.indexOf(c));
  return {
    size: tokens.length,
    special: { pad: 0, eos: 1 },
    token: (id) => tokens[id],
    encodeText,
    encode: (texts) => padBatch(texts.map(encodeText), 0),
    decode: (batch) =>
      Array.from(batch.lengths, (_, b) => [...rowOf(batch, b)].map((id) => (id === 1 ? '' : tokens[id])).join('')),
  };
}

/** Digits: each follows the one before, plus one modulo ten, four of them, then the end; sure of it by `sure`. */
export function counting(sure = 0.9): { vocabulary: Vocabulary; teacher: Teacher; right(prompt: string): string } {
  const vocabulary = letters('0123456789');
  const next = (prefix: Int32Array, promptLength: number): Float64Array => {
    const p = new Float64Array(vocabulary.size).fill((1 - sure) / vocabulary.size);
    const last = (prefix.at(-1) as number) - 2;
    const target = prefix.length - promptLength === 4 ? 1 : 2 + ((Math.max(0, last) + 1) % 10);
    p[target] = (p[target] as number) + sure;
    return p;
  };
  const right = (prompt: string): string => [1, 2, 3, 4].map((i) => (Number(prompt) + i) % 10).join('');
  return { vocabulary, teacher: oracleTeacher(next, vocabulary, { identity: `counting ${sure}` }), right };
}

/** A decoder small enough to learn that in seconds. */
export const smallModel = (vocabulary: Vocabulary, width = 16, layers = 1): LanguageModel =>
  decoder({
    ...{ family: 'llama', vocabularySize: vocabulary.size, width, layers, heads: 2, contextLength: 16 },
    ...{ eosIds: [1], padId: 0 },
  });
