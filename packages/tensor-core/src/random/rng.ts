// Seeded random streams. Nothing here has a global state: a generator is made from a seed, split by name into
// independent streams (`init`, `data`, `sampling`, …), and gives the same numbers on every backend and machine.
import type { Tensor } from '@tensorflow/tfjs-core';
import { ConfigError, DataError } from '../errors.ts';
import { blocksFor, philoxNormal, philoxUniform, randomTensor } from './fill.ts';
import { childStream, philoxWords, type StreamId } from './philox.ts';
import { normalPair, unitFromWord } from './transforms.ts';

const { floor } = Math; // see philox.ts

/** Where a stream stands; plain JSON, saved in checkpoints. */
export interface RngState {
  algorithm: 'philox4x32-10';
  /** The stream's identity, four unsigned 32-bit words. */
  stream: number[];
  /** Words of the stream used so far. */
  position: number;
}

/** A random stream. Drawing advances it; splitting does not. */
export interface Rng {
  /**
   * The stream called `name` below this one: always the same for the same name, however much was drawn from this one,
   * and independent of it and of its other children. `'1'` and `1` are different names.
   */
  split(name: string | number): Rng;
  /** A number in [0, 1) on a grid of 2⁻²⁴: exact in float32. */
  uniform(): number;
  /** A whole number in [0, n), each equally likely; 1 ≤ n ≤ 2³². */
  int(n: number): number;
  /** A standard normal number, exact in float32. */
  normal(): number;
  /** A shuffled copy. */
  shuffle<T>(xs: readonly T[]): T[];
  /** One of `xs`, each equally likely. */
  choice<T>(xs: readonly T[]): T;
  /** A float32 tensor of numbers in [min, max) (max itself only by rounding). The caller disposes it. */
  uniformTensor(shape: readonly number[], min?: number, max?: number): Tensor;
  /** A float32 tensor of normal numbers. The caller disposes it. */
  normalTensor(shape: readonly number[], mean?: number, std?: number): Tensor;
  /** Where the stream stands; `rngFromState` goes on from there. */
  state(): RngState;
}

/**
 * The stream of a seed.
 * @param seed a whole number, 0 ≤ seed < 2⁵³
 * @throws ConfigError for any other seed
 * @example const init = rng(1).split('init');
 */
export function rng(seed: number): Rng {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new ConfigError({ where: 'rng', what: 'bad seed', got: seed, wanted: 'a whole number from 0 to 2^53 - 1' });
  }
  return new PhiloxRng([seed >>> 0, Math.floor(seed / 2 ** 32), 0, 0], 0);
}

/**
 * The stream that `state()` described.
 * @throws DataError if it is no such state
 */
export function rngFromState(state: RngState): Rng {
  const isWord = (n: unknown): boolean => typeof n === 'number' && n >>> 0 === n;
  const { algorithm, stream, position } = state ?? {};
  const good =
    algorithm === 'philox4x32-10' &&
    Array.isArray(stream) &&
    stream.length === 4 &&
    stream.every(isWord) &&
    Number.isSafeInteger(position) &&
    position >= 0;
  if (!good) {
    throw new DataError({
      where: 'rngFromState',
      what: 'not the state of a random stream',
      got: state,
      wanted: '{ algorithm: "philox4x32-10", stream: four words, position }',
    });
  }
  return new PhiloxRng(stream as unknown as StreamId, position);
}

// written and read within one call
const pairOfNormals = new Float64Array(2);

class PhiloxRng implements Rng {
  readonly #id: StreamId;
  #position: number;
  // the block that holds the next word, and its number; −1: none yet
  readonly #words = new Uint32Array(4);
  #block = -1;

  constructor(id: StreamId, position: number) {
    this.#id = id;
    this.#position = position;
  }

  split(name: string | number): Rng {
    return new PhiloxRng(childStream(this.#id, name), 0);
  }

  uniform(): number {
    return unitFromWord(this.#word());
  }

  int(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32) {
      throw new ConfigError({ where: 'rng.int', what: 'bad range', got: n, wanted: 'a whole number from 1 to 2^32' });
    }
    if (n === 2 ** 32) return this.#word();
    const size = n >>> 0;
    // words from the last, incomplete multiple of n upwards would favour small results: draw again
    for (;;) {
      const word = this.#word() >>> 0;
      const rest = word % size;
      if (word - rest <= 2 ** 32 - size) return rest;
    }
  }

  normal(): number {
    const word = this.#word();
    normalPair(pairOfNormals, 0, word, this.#word());
    return Math.fround(pairOfNormals[0] as number);
  }

  shuffle<T>(xs: readonly T[]): T[] {
    const out = [...xs];
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      [out[i], out[j]] = [out[j] as T, out[i] as T];
    }
    return out;
  }

  choice<T>(xs: readonly T[]): T {
    if (xs.length === 0) throw new ConfigError({ where: 'rng.choice', what: 'nothing to choose from' });
    return xs[this.int(xs.length)] as T;
  }

  uniformTensor(shape: readonly number[], min = 0, max = 1): Tensor {
    const [stream, block] = [this.#id, this.#takeBlocks(shape)];
    return randomTensor(philoxUniform, { shape: [...shape], stream, block, a: min, b: max });
  }

  normalTensor(shape: readonly number[], mean = 0, std = 1): Tensor {
    const [stream, block] = [this.#id, this.#takeBlocks(shape)];
    return randomTensor(philoxNormal, { shape: [...shape], stream, block, a: mean, b: std });
  }

  state(): RngState {
    return { algorithm: 'philox4x32-10', stream: [...this.#id], position: this.#position };
  }

  #word(): number {
    const block = floor(this.#position / 4);
    if (block !== this.#block) {
      philoxWords(this.#words, this.#id, block);
      this.#block = block;
    }
    return this.#words[this.#position++ % 4] ?? 0;
  }

  /** Tensors start at a fresh block. Returns its number and moves behind the tensor's last one. */
  #takeBlocks(shape: readonly number[]): number {
    const block = Math.ceil(this.#position / 4);
    this.#position = (block + blocksFor(shape.reduce((n, d) => n * d, 1))) * 4;
    return block;
  }
}
