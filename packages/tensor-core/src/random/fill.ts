// Arrays and tensors of random numbers from consecutive blocks of a stream. A backend with kernels of these names fills
// its own memory; elsewhere the host computes the same numbers, to the bit.
import { engine, getBackend, getKernel, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { philoxWords, type StreamId } from './philox.ts';
import { normalPair, unitFromWord } from './transforms.ts';

/** Kernel names, attributes `FillAttributes`, no inputs. */
export const philoxUniform = 'PhiloxUniform';
export const philoxNormal = 'PhiloxNormal';

export interface FillAttributes {
  shape: number[];
  stream: StreamId;
  /** Number of the first block; element i comes from block `block + ⌊i/4⌋`. */
  block: number;
  /** Uniform: the range's ends. Normal: mean and standard deviation. */
  a: number;
  b: number;
}

/** A float32 tensor from `blocksFor(size)` blocks. */
export function randomTensor(kernel: typeof philoxUniform | typeof philoxNormal, attributes: FillAttributes): Tensor {
  const { shape, stream, block, a, b } = attributes;
  if (getKernel(kernel, getBackend()) != null) return engine().runKernel(kernel, {}, { ...attributes }) as Tensor;
  const values = new Float32Array(shape.reduce((n, d) => n * d, 1));
  (kernel === philoxUniform ? fillUniform : fillNormal)(values, stream, block, a, b);
  return tensor(values, shape, 'float32');
}

/** Blocks of four words that n numbers use. */
export const blocksFor = (n: number): number => Math.ceil(n / 4);

const chunk = 4096; // words at a time: stays in the first-level cache

/** values[i] = min + (max − min)·uᵢ, rounded once to float32. */
export function fillUniform(values: Float32Array, stream: StreamId, block: number, min: number, max: number): void {
  const words = new Uint32Array(Math.min(chunk, blocksFor(values.length) * 4));
  const span = max - min;
  for (let start = 0; start < values.length; start += chunk) {
    philoxWords(words, stream, block + start / 4);
    const end = Math.min(values.length, start + chunk);
    for (let i = start; i < end; i++) values[i] = min + span * unitFromWord(words[i - start] ?? 0);
  }
}

/** values[i] = mean + std·zᵢ, rounded once to float32. */
export function fillNormal(values: Float32Array, stream: StreamId, block: number, mean: number, std: number): void {
  const words = new Uint32Array(Math.min(chunk, blocksFor(values.length) * 4));
  const pair = new Float64Array(2);
  for (let start = 0; start < values.length; start += chunk) {
    philoxWords(words, stream, block + start / 4);
    const end = Math.min(values.length, start + chunk);
    for (let i = start; i < end; i += 2) {
      normalPair(pair, 0, words[i - start] ?? 0, words[i - start + 1] ?? 0);
      values[i] = mean + std * (pair[0] ?? 0);
      if (i + 1 < end) values[i + 1] = mean + std * (pair[1] ?? 0);
    }
  }
}
