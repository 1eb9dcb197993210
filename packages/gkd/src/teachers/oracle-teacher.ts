/** A program as a teacher: the exact next-token distribution of any prefix, such as a world's. */
import {
  ConfigError,
  checkKnown,
  DataError,
  type Rng,
  type SampleOptions,
  StoppedError,
  type TokenBatch,
} from '@gimbal/tensor-core';
import { keep, type Tensor2D, tensor2d } from '@tensorflow/tfjs-core';
import type { Teacher, TeacherRows } from './teacher.ts';
import { atTokens, topKOf } from './top-k.ts';
import { tokenizerHash, type Vocabulary } from './vocabulary.ts';

/**
 * The probabilities `[V]` of the token after a prefix, of which the first `promptLength` ids are the prompt. They sum to 1.
 */
export type NextDistribution = (prefix: Int32Array, promptLength: number) => Float64Array;

/** How the oracle is used. */
export interface OracleOptions {
  /** what a cache of its answers is named after */
  identity?: string;
}

/**
 * An oracle as a teacher, in plain JavaScript: it is asked for each prefix once a call.
 * @param next the probabilities `[V]` of the next token, float64, which sum to 1 (1e-6); exact zeros are allowed, and refused
 * in training by a reverse KL
 * @param vocabulary its tokenizer: V is its size, `special.eos` ends its own completions
 * @returns a teacher that answers every kind of question and samples; it owns nothing
 * @throws ConfigError for a misspelt option or no function; `score` and `sample` throw DataError for what is no distribution
 * @example oracleTeacher(() => new Float64Array(tokenizer.size).fill(1 / tokenizer.size), tokenizer)
 */
export function oracleTeacher(next: NextDistribution, vocabulary: Vocabulary, o: OracleOptions = {}): Teacher {
  checkKnown('oracleTeacher', o, ['identity']);
  if (typeof next !== 'function')
    throw new ConfigError({ where: 'oracleTeacher', what: 'next is no function', got: typeof next });
  const V = vocabulary.size;
  const { eos } = vocabulary.special;
  const ask = (prefix: Int32Array, promptLength: number): Float64Array => {
    const p = next(prefix, promptLength);
    const total = p.reduce((a, b) => a + b, 0);
    // a NaN fails every comparison
    if (p.length === V && Math.abs(total - 1) < 1e-6 && !p.some((x) => x < 0)) return p;
    throw new DataError({
      where: 'oracleTeacher',
      what: `no distribution after ${promptLength} prompt and ${prefix.length - promptLength} further tokens`,
      got: p.length === V ? `probabilities that sum to ${total}` : `${p.length} numbers`,
      wanted: `${V} probabilities that sum to 1`,
    });
  };
  return {
    vocabulary,
    tokenizerHash: tokenizerHash(vocabulary),
    vocabSize: V,
    whole: true,
    ...(o.identity !== undefined && { identity: o.identity }),
    async score(prompts, completions, { want }): Promise<TeacherRows> {
      const rows = completions.lengths.reduce((a, b) => a + b, 0);
      const out = new Float32Array(rows * V);
      const sampled = new Float32Array(rows);
      let row = 0;
      for (let b = 0; b < completions.lengths.length; b++) {
        const { all, promptLength } = joined(prompts, completions, b);
        for (let n = promptLength; n < all.length; n++, row++) {
          const p = ask(all.subarray(0, n), promptLength);
          for (let v = 0; v < V; v++) out[row * V + v] = Math.log(p[v] as number);
          sampled[row] = Math.log(p[all[n] as number] as number);
        }
      }
      if (want === 'sampled') return { sampled };
      const full: Tensor2D = keep(tensor2d(out, [rows, V]));
      if (want === 'full') return { full };
      try {
        return { topK: 'at' in want ? atTokens({ full }, want.at, want.each) : topKOf(full, want.topK) };
      } finally {
        full.dispose();
      }
    },
    async sample(prompts, options) {
      return sampleRows(prompts, options, (prefix, promptLength) => ask(prefix, promptLength), eos);
    },
  };
}

function joined(prompts: TokenBatch, completions: TokenBatch, b: number): { all: Int32Array; promptLength: number } {
  const of = (t: TokenBatch): Int32Array => t.ids.subarray(b * t.width, b * t.width + (t.lengths[b] as number));
  const [prompt, completion] = [of(prompts), of(completions)];
  const all = new Int32Array(prompt.length + completion.length);
  all.set(prompt);
  all.set(completion, prompt.length);
  return { all, promptLength: prompt.length };
}

function sampleRows(prompts: TokenBatch, o: SampleOptions, ask: NextDistribution, eos: number | undefined): TokenBatch {
  const { temperature = 1, maxNewTokens, rng, signal } = o;
  for (const name of ['topK', 'topP', 'minP'] as const)
    if (o[name] !== undefined) throw new ConfigError({ where: 'oracleTeacher.sample', what: `it knows no ${name}` });
  const rows: number[][] = [];
  const ended = new Uint8Array(prompts.lengths.length);
  for (const [b, promptLength] of prompts.lengths.entries()) {
    if (signal?.aborted) throw new StoppedError({ where: 'oracleTeacher.sample', what: 'the signal stopped it' });
    const prefix = new Int32Array(promptLength + maxNewTokens);
    prefix.set(prompts.ids.subarray(b * prompts.width, b * prompts.width + promptLength));
    const row: number[] = [];
    while (row.length < maxNewTokens && ended[b] === 0) {
      const token = draw(ask(prefix.subarray(0, promptLength + row.length), promptLength), temperature, rng);
      prefix[promptLength + row.length] = token;
      row.push(token);
      if (token === eos) ended[b] = 1;
    }
    rows.push(row);
  }
  const lengths = Int32Array.from(rows, (row) => row.length);
  const width = lengths.reduce((a, b) => Math.max(a, b), 0);
  const ids = new Int32Array(rows.length * width);
  for (const [b, row] of rows.entries()) ids.set(row, b * width);
  return { ids, width, lengths, ended };
}

/** One token; at temperature 0 the likeliest. */
function draw(p: Float64Array, temperature: number, rng: Rng): number {
  if (temperature === 0) return p.reduce((best, x, v) => (x > (p[best] as number) ? v : best), 0);
  const weights = temperature === 1 ? p : p.map((x) => x ** (1 / temperature));
  let left = rng.uniform() * weights.reduce((a, b) => a + b, 0);
  for (const [v, w] of weights.entries()) {
    left -= w;
    if (left < 0) return v;
  }
  return weights.findLastIndex((w) => w > 0);
}
