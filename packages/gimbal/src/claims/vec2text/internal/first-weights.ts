// First weights as those of the reference, which is written in PyTorch: what its layers begin with.
import { flatten, type Params, type Rng, unflatten } from '@gimbal/tensor-core';
import type { Vec2TextModule } from '@gimbal/vec2text';

/**
 * Fresh parameters: matrices and their biases (`nn.Linear`) uniform within ±1/√inputs, the table of tokens (`nn.Embedding`)
 * standard normal, positions normal of deviation .02, norms the identity. Codes of a model that begins so are spread as the
 * reference's: their root mean square is .437 after 5,000 steps, there .433. The caller disposes the tree.
 */
export function firstWeights(module: Vec2TextModule, stream: Rng): Params {
  const begun = flatten(module.init(stream));
  const inputs = new Map(begun.flatMap(([path, t]) => (t.shape.length === 2 ? [[path, t.shape[0] as number]] : [])));
  return unflatten(
    begun.map(([path, t]) => {
      const own = stream.split(`as PyTorch ${path}`);
      const deviation = { 'embedding.weight': 1, 'positions.weight': 0.02 }[path];
      // norms have vectors alone
      const rows = inputs.get(path) ?? inputs.get(path.replace(/bias$/, 'weight'));
      if (deviation === undefined && rows === undefined) return [path, t];
      const { shape } = t;
      t.dispose();
      if (deviation !== undefined) return [path, own.normalTensor(shape, 0, deviation)];
      const bound = 1 / Math.sqrt(rows as number);
      return [path, own.uniformTensor(shape, -bound, bound)];
    }),
  );
}
