// What a policy thinks of a rollout.
import { type Params, withPrecision } from '@gimbal/tensor-core';
import { scoped } from '../internal/scoped.ts';
import type { ResolvedTokenOptions } from './token-options.ts';
import { selectRows, type TokenRollout } from './token-rollout.ts';

/** log p of the sampled tokens at temperature 1, by the trainer's own pass `[B·T]`. */
export function rolloutLogProbs(
  { policy, batchSize, precision }: Pick<ResolvedTokenOptions, 'policy' | 'batchSize' | 'precision'>,
  params: Params,
  r: TokenRollout,
): Float32Array {
  const { width, lengths } = r.completions;
  const out = new Float32Array(lengths.length * width);
  for (let from = 0; from < lengths.length; from += batchSize) {
    const to = Math.min(lengths.length, from + batchSize);
    const part = withPrecision(precision, () =>
      scoped(() =>
        policy
          .logProbs(params, selectRows(r.prompts, from, to), selectRows(r.completions, from, to))
          .dataSync<'float32'>()
          .slice(),
      ),
    );
    out.set(part, from * width);
  }
  return out.map((x, i) => (r.mask[i] === 0 ? 0 : x));
}
