// Corruption of a denoising autoencoder's input, in the order and by the rules of text-autoencoders' noise.py (Shen et al.,
// arXiv 1905.12777): shuffle, drop, blank, substitute.

import type { Rng } from '@gimbal/tensor-core';
import { checkKnown } from '../internal/check-names.ts';
import { checkRng } from '../internal/check-rng.ts';
import { configNames, type Vec2TextConfig } from '../model/config.ts';
import { checkThat } from '../space/check-size.ts';
import type { Noise } from './round-trip.ts';

/** The vocabulary that substitutes come from. */
export type NoiseTokens = Pick<Vec2TextConfig, 'vocabSize' | 'padId' | 'bosId' | 'eosId' | 'maskId'>;

/** @throws ConfigError (`CONFIG`) for a name that is none, a chance outside [0, 1], drop = 1, or a negative shuffle */
export function checkNoise(where: string, noise: Noise): void {
  checkKnown(where, noise, ['drop', 'blank', 'substitute', 'shuffle']);
  const { drop = 0, blank = 0, substitute = 0, shuffle = 0 } = noise;
  for (const [name, p] of Object.entries({ drop, blank, substitute }))
    checkThat(`${where}.${name}`, p >= 0 && p <= 1, p, 'a chance from 0 to 1');
  checkThat(`${where}.drop`, drop < 1, drop, 'less than 1: nothing would be left');
  checkThat(`${where}.shuffle`, Number.isFinite(shuffle) && shuffle >= 0, shuffle, 'a number of places ≥ 0');
}

/** A corrupted copy of a row of tokens. */
export type Corruption = (ids: Int32Array, rng: Rng) => Int32Array;

/**
 * The corruption of many rows, whose noise and vocabulary are looked at once.
 * @throws ConfigError (`CONFIG`) for noise out of range, or substitutes of a vocabulary that has none
 */
export function corruption(noise: Noise, tokens: NoiseTokens): Corruption {
  checkNoise('noise', noise);
  checkKnown('corrupt.tokens', tokens, configNames); // a model's config has them
  const { drop = 0, blank = 0, substitute = 0, shuffle = 0 } = noise;
  const { padId, bosId, eosId, maskId, vocabSize } = tokens;
  const special = [padId, bosId, eosId, maskId].sort((a, b) => a - b);
  const substitutes = vocabSize - special.length;
  checkThat(
    'noise.substitute',
    substitute === 0 || substitutes > 0,
    substitute,
    `0 of a vocabulary of ${vocabSize}: all of its tokens are special`,
  );
  const isWord = (id: number): boolean => id !== padId && id !== bosId && id !== eosId;
  return (ids, rng) => {
    let words = [...ids].filter(isWord);
    if (shuffle > 0) {
      const keys = words.map((_, i) => i + rng.uniform() * (shuffle + 1));
      words = words
        .map((word, i) => ({ word, key: keys[i] as number }))
        .sort((a, b) => a.key - b.key)
        .map(({ word }) => word);
    }
    if (drop > 0) {
      const left = words.filter(() => rng.uniform() >= drop);
      words = left.length > 0 || words.length === 0 ? left : [rng.choice(words)];
    }
    if (blank > 0) words = words.map((word) => (rng.uniform() < blank ? maskId : word));
    if (substitute > 0)
      words = words.map((word) => {
        if (rng.uniform() >= substitute) return word;
        // the n-th token that is no special one
        let id = rng.int(substitutes);
        for (const s of special) if (id >= s) id++;
        return id;
      });
    // what stood before and after the words stays there
    const first = ids.findIndex(isWord);
    if (first < 0) return Int32Array.from(ids);
    const last = ids.findLastIndex(isWord);
    return Int32Array.of(...ids.subarray(0, first), ...words, ...ids.subarray(last + 1));
  };
}

/**
 * A corrupted copy. PAD, BOS and EOS stay where they are; if every word would be dropped, one stays.
 * @param noise `shuffle` moves a word at most so many places: words are sorted by i + U[0, shuffle + 1)
 * @param tokens substitutes are its tokens but the special ones
 * @throws ConfigError (`CONFIG`) for no row or stream, noise out of range, or substitutes of a vocabulary that has none
 */
export function corrupt(ids: Int32Array, noise: Noise, rng: Rng, tokens: NoiseTokens): Int32Array {
  const corrupted = corruption(noise, tokens);
  checkThat('corrupt.ids', Array.isArray(ids) || ArrayBuffer.isView(ids), typeof ids, 'an Int32Array of tokens');
  checkRng('corrupt.rng', rng);
  return corrupted(ids, rng);
}
