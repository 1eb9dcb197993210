/** A vocabulary of digits and pairs of them, and a teacher that counts in it: beside one of digits, another tokenizer. */
import { padBatch, rowOf } from '@gimbal/language-models';
import { oracleTeacher, type Vocabulary } from '../../src/index.ts';

/** Digits, and a token for each two that follow each other. */
export const pairs: Vocabulary = (() => {
  const twos = Array.from({ length: 10 }, (_, d) => `${d}${(d + 1) % 10}`);
  const tokens = ['·', '.', ...'0123456789', ...twos];
  const known = new Map(tokens.map((token, id) => [token, id]));
  const encodeText = (text: string): number[] => {
    const out: number[] = [];
    for (let i = 0; i < text.length; ) {
      const two = known.get(text.slice(i, i + 2));
      out.push(two ?? (known.get(text[i] as string) as number));
      i += two !== undefined && i + 1 < text.length ? 2 : 1;
    }
    return out;
  };
  return {
    ...{ size: tokens.length, special: { pad: 0, eos: 1 }, token: (id: number) => tokens[id], encodeText },
    encode: (texts) => padBatch(texts.map(encodeText), 0),
    decode: (batch) =>
      Array.from(batch.lengths, (_, b) => [...rowOf(batch, b)].map((id) => (id === 1 ? '' : tokens[id])).join('')),
  };
})();

/** Counts on as `counting` does, two digits a token. */
export const inPairs = oracleTeacher((prefix, promptLength) => {
  const p = new Float64Array(pairs.size).fill(0.1 / pairs.size);
  const written = pairs.decode(padBatch([[...prefix]], 0))[0] as string;
  const next = (Number(written.at(-1)) + 1) % 10 || 0;
  const target = prefix.length - promptLength === 2 ? 1 : 12 + next;
  p[target] = (p[target] as number) + 0.9;
  return p;
}, pairs);
