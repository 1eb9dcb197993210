// How an embedder's vectors of training texts are spread: by it a vector is told that is none, such as a difference of two.
import { refusal } from '../internal/refuse.ts';
import { normOf } from '../space/control-space.ts';

/** Of the vectors that an inverter was trained on; plain numbers, stored with it. */
export interface EmbeddingSpread {
  /** Mean by coordinate [D]. */
  readonly mean: readonly number[];
  /** Standard deviation by coordinate [D], at least 1e-6. */
  readonly std: readonly number[];
  /** Greatest distance of one of them, in deviations: the root mean square over coordinates. */
  readonly farthest: number;
  /** Least and greatest length. */
  readonly norms: readonly [least: number, most: number];
}

/** How much more than in training is not worth a word. */
const slack = 1.05;

/** The spread of vectors [n·D]. */
export function embeddingSpread(vectors: Float32Array, dim: number): EmbeddingSpread {
  const n = vectors.length / dim;
  const [mean, std] = [new Array<number>(dim).fill(0), new Array<number>(dim).fill(0)];
  vectors.forEach((x, i) => {
    mean[i % dim] = (mean[i % dim] as number) + x / n;
  });
  vectors.forEach((x, i) => {
    std[i % dim] = (std[i % dim] as number) + (x - (mean[i % dim] as number)) ** 2 / n;
  });
  for (let j = 0; j < dim; j++) std[j] = Math.max(1e-6, Math.sqrt(std[j] as number));
  let [farthest, least, most] = [0, Number.POSITIVE_INFINITY, 0];
  for (let row = 0; row < n; row++) {
    const x = vectors.subarray(row * dim, (row + 1) * dim);
    const norm = normOf(x);
    [least, most] = [Math.min(least, norm), Math.max(most, norm)];
    farthest = Math.max(farthest, distanceOf(x, mean, std));
  }
  return { mean, std, farthest, norms: [least, most] };
}

/**
 * Looks at vectors that are to be inverted.
 * @param warn told of the first that is unlike those of training, and of how many there are
 * @throws NumericalError (`DEGENERATE`) naming a zero vector, which is like every text as much as like any other
 */
export function checkEmbeddings(
  vectors: Float32Array,
  dim: number,
  spread: EmbeddingSpread | undefined,
  warn: ((message: string) => void) | undefined,
): void {
  const where = 'vec2text: invert';
  const odd: string[] = [];
  for (let row = 0; row < vectors.length / dim; row++) {
    const x = vectors.subarray(row * dim, (row + 1) * dim);
    const norm = normOf(x);
    if (norm === 0) throw refusal('DEGENERATE', { where, what: `row ${row} is a zero vector, which has no direction` });
    if (spread === undefined) continue;
    const { mean, std, farthest, norms } = spread;
    const distance = distanceOf(x, mean, std);
    if (norm * slack < norms[0] || norm > norms[1] * slack)
      odd.push(
        `row ${row} has the length ${short(norm)}, and those of training ${short(norms[0])} to ${short(norms[1])}`,
      );
    else if (distance > farthest * slack)
      odd.push(
        `row ${row} lies ${short(distance)} deviations from the mean, and the farthest of training ${short(farthest)}`,
      );
  }
  if (odd.length === 0) return;
  const others = odd.length > 1 ? `, and ${odd.length - 1} more are like it` : '';
  warn?.(
    `${where}: ${odd[0]}${others}: a difference or a sum of embeddings is none, and of another pooling or normalisation nothing comes back`,
  );
}

function distanceOf(x: Float32Array, mean: readonly number[], std: readonly number[]): number {
  let total = 0;
  for (let j = 0; j < x.length; j++) total += (((x[j] as number) - (mean[j] as number)) / (std[j] as number)) ** 2;
  return Math.sqrt(total / x.length);
}

const short = (x: number): string => String(Number(x.toPrecision(3)));
