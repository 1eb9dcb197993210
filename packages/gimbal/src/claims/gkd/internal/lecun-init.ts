// First weights of the small students.
import type { LanguageModel } from '@gimbal/language-models';
import { type Params, type Rng, unflatten } from '@gimbal/tensor-core';
import { fill, tensor } from '@tensorflow/tfjs-core';

/** standard deviation of a normal distribution that is cut off at ±2 */
const ofTruncated = 0.87962566103423978;

/**
 * Parameters of a GPT-2: positions normal of deviation .02; all matrices, the tokens' table [V, width] among them, by
 * lecun_normal, what `nn.Dense` has: normal, cut off at two deviations, of deviation 1/√inputs; biases 0, norms the
 * identity. The caller disposes the tree.
 */
export function lecunInit(model: LanguageModel, stream: Rng): Params {
  return unflatten(
    model.parameters.map(({ path, shape }) => {
      if (shape.length === 1) {
        const norm = /\.ln_\w+\.weight$/.test(path);
        return [path, fill([...shape], norm ? 1 : 0)];
      }
      const own = stream.split(path);
      const [rows, columns] = shape as [number, number];
      if (path.endsWith('.wpe.weight')) return [path, own.normalTensor([rows, columns], 0, 0.02)];
      // the head lies as [out, in], other matrices as [in, out]
      const inputs = path === 'lm_head.weight' ? columns : rows;
      const spread = 1 / Math.sqrt(inputs) / ofTruncated;
      const values = Float32Array.from({ length: rows * columns }, () => spread * truncatedNormal(own));
      return [path, tensor(values, [rows, columns])];
    }),
  );
}

function truncatedNormal(stream: Rng): number {
  for (;;) {
    const x = stream.normal();
    if (Math.abs(x) <= 2) return x;
  }
}
