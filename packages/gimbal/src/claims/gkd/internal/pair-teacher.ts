// The arithmetic read in two tokenizers: a token for each digit, or for each two of them, with the law of one text.
import { oracleTeacher, type Teacher, type Vocabulary } from '@gimbal/gkd';
import { padBatch, rowOf } from '@gimbal/language-models';
import { type Arithmetic, arithmetic } from '@gimbal/worlds';

/** Words are written without spaces, so that a text has no trace of how it was split. */
export interface PairTask {
  world: Arithmetic;
  /** a token for each digit and each operation */
  single: Vocabulary;
  /** those, and one for each two digits, which stand for them wherever two follow each other */
  paired: Vocabulary;
  /** the world's own teacher */
  singleTeacher: Teacher;
  /** the same law of texts, told in pairs */
  pairedTeacher: Teacher;
}

/** @param smoothing share of the uniform distribution in the teacher's: no token has probability 0 */
export function pairTask(smoothing: number): PairTask {
  const world = arithmetic({ preset: 'chain', smoothing });
  const { vocabulary, ids } = world;
  const digits = Array.from(vocabulary.keys()).filter((id) => /^\d$/.test(vocabulary[id] as string));
  const pairs = digits.flatMap((a) => digits.map((b): [number, number] => [a, b]));
  const written = pairs.map((pair) => pair.map((id) => vocabulary[id]).join(''));
  // a filler is read as one: nothing that a student writes is without a trace in the text
  const words = vocabulary.map((word, id) => (id === ids.pad ? '_' : word));
  const single = wordVocabulary(words, ids, /[+-]\d|\d|=|_/g);
  const paired = wordVocabulary([...words, ...written], ids, /[+-]\d|\d\d|\d|=|_/g);
  const wordsOf = (id: number): readonly number[] => pairs[id - vocabulary.length] ?? [id];

  const nextPair = (prefix: Int32Array, promptLength: number): Float64Array => {
    const words = [...prefix].flatMap(wordsOf);
    const promptWords = [...prefix.subarray(0, promptLength)].flatMap(wordsOf).length;
    const law = (more: readonly number[]): Float64Array =>
      world.next(Int32Array.from([...words, ...more]), promptWords);
    const out = new Float64Array(paired.size);
    const first = law([]);
    const mass = (p: Float64Array): number => digits.reduce((sum, d) => sum + (p[d] as number), 0);
    // a digit alone was followed by none, or both were one token: what follows it now is drawn from the rest
    const alone = prefix.length > promptLength && digits.includes(prefix.at(-1) as number);
    for (const [word, p] of first.entries()) out[word] = alone && digits.includes(word) ? 0 : p;
    if (alone) return out.map((p) => p / (1 - mass(first)));
    for (const [i, a] of digits.entries()) {
      const second = law([a]);
      const pa = first[a] as number;
      out[a] = pa * (1 - mass(second));
      for (const [j, b] of digits.entries())
        out[vocabulary.length + i * digits.length + j] = pa * (second[b] as number);
    }
    return out;
  };
  return {
    ...{ world, single, paired },
    singleTeacher: oracleTeacher((prefix, length) => world.next(prefix, length), single),
    pairedTeacher: oracleTeacher(nextPair, paired),
  };
}

function wordVocabulary(
  words: readonly string[],
  { pad, eos }: { readonly pad: number; readonly eos: number },
  pattern: RegExp,
): Vocabulary {
  const known = new Map(words.map((word, id) => [word, id]));
  const encodeText = (text: string): number[] => (text.match(pattern) ?? []).map((word) => known.get(word) as number);
  return {
    ...{ size: words.length, special: { pad, eos }, token: (id: number) => words[id], encodeText },
    encode: (texts) => padBatch(texts.map(encodeText), pad),
    decode: (batch) =>
      Array.from(batch.lengths, (_, b) =>
        Array.from(rowOf(batch, b), (id) => (id === eos ? '' : (words[id] as string))).join(''),
      ),
  };
}
