// What a corrector learns from: guesses as wrong as those it will meet. A hypothesizer knows its own training texts by
// heart, and of their very vectors it writes them without a fault; a corrector of such guesses learns to copy. So each text
// is guessed several times, by chance, from its vector with noise of a size drawn evenly up to a limit:
//
//   h ~ p(. | e + σ |e| n / √D) at a temperature,   n ~ N(0, I_D),  σ ~ U(0, noise);  what is learnt is (e, h, φ(h)) → text
//
// Morris et al. (arXiv 2310.06816) take the likeliest text of the vector as it is, and have millions of texts, of which none
// is known by heart. Theirs is noise 0, temperature 0, draws 1.

import type { Rng } from '@gimbal/tensor-core';
import { checkKnown } from '../internal/check-names.ts';
import { checkSize, checkThat } from '../space/check-size.ts';
import { normOf } from '../space/control-space.ts';
import { embedGuesses } from './embedder.ts';
import { hypotheses } from './generate.ts';
import type { Inverter } from './inverter.ts';
import { fixedRows } from './rows.ts';

/** How the hypotheses are made that a corrector learns from. */
export interface GuessOptions {
  /** Guesses of each text, of which an epoch reads all (4). */
  draws?: number;
  /** Greatest noise on a vector, as a share of its length (1); 0: none. */
  noise?: number;
  /** Logits of the hypothesizer are divided by it; 0 takes the likeliest token (0). */
  temperature?: number;
}

/** What is used where nothing is given. */
export const guessDefaults = { draws: 4, noise: 1, temperature: 0 } as const satisfies Required<GuessOptions>;

/** Fills in the defaults. @throws ConfigError (`CONFIG`) */
export function guessOptions(o: GuessOptions = {}): Required<GuessOptions> {
  const where = 'InverterTrainer.guesses';
  checkKnown(where, o, Object.keys(guessDefaults));
  const all = { ...guessDefaults, ...o };
  checkSize(`${where}.draws`, all.draws);
  checkThat(`${where}.noise`, all.noise >= 0 && Number.isFinite(all.noise), all.noise, 'a finite number ≥ 0');
  const { temperature } = all;
  checkThat(
    `${where}.temperature`,
    temperature >= 0 && Number.isFinite(temperature),
    temperature,
    'a finite number ≥ 0',
  );
  return all;
}

/** Guesses of n texts, draw after draw: guess i is of text i mod n. */
export interface Guesses {
  /** tokens [draws·n·maxLength] */
  readonly ids: Int32Array;
  /** their vectors [draws·n·D] */
  readonly embeddings: Float32Array;
}

/**
 * The frozen hypothesizer's guesses of texts.
 * @param known the texts and their vectors [n·D]
 * @param stream each draw has a part of its own
 * @param onGuesses told after each batch how many are made
 */
export async function guessAll(
  from: Inverter,
  known: { readonly texts: readonly string[]; readonly embeddings: Float32Array },
  { draws, noise, temperature }: Required<GuessOptions>,
  stream: Rng,
  signal: AbortSignal | undefined,
  onGuesses?: (done: number) => void,
): Promise<Guesses> {
  const D = from.config.embeddingDim;
  const texts: string[] = [];
  for (let draw = 0; draw < draws; draw++) {
    const own = stream.split(draw);
    const vectors = withNoise(known.embeddings, D, noise, own.split('noise'));
    const before = texts.length;
    const onRows = (done: number): void => onGuesses?.(before + done);
    texts.push(...(await hypotheses(from, vectors, { temperature, rng: own.split('tokens'), signal, onRows })));
  }
  // every text is embedded once; of one that is known, it is the very vector, to the last bit
  const vectorOf = new Map(known.texts.map((text, i) => [text, known.embeddings.subarray(i * D, (i + 1) * D)]));
  const others = [...new Set(texts)].filter((text) => !vectorOf.has(text));
  const found = await embedGuesses(from.embedder, others, { signal });
  for (const [i, text] of others.entries()) vectorOf.set(text, found.subarray(i * D, (i + 1) * D));
  const embeddings = new Float32Array(texts.length * D);
  for (const [i, text] of texts.entries()) embeddings.set(vectorOf.get(text) as Float32Array, i * D);
  return { ids: fixedRows('InverterTrainer', texts, from.tokenizer, from.config, 'cut').ids, embeddings };
}

/** Vectors [n·dim] moved by normal noise, of each another size up to `noise` times its length. */
export function withNoise(vectors: Float32Array, dim: number, noise: number, stream: Rng): Float32Array {
  if (noise === 0) return vectors;
  const out = vectors.slice();
  for (let at = 0; at < out.length; at += dim) {
    const size = (noise * stream.uniform() * normOf(vectors.subarray(at, at + dim))) / Math.sqrt(dim);
    for (let j = at; j < at + dim; j++) out[j] = (out[j] as number) + size * stream.normal();
  }
  return out;
}
