// What a policy thinks of a rollout.
import { checkCount, type Params, requireOptions, withPrecision } from '@gimbal/tensor-core';
import { checkFunction, checkNumbers, checkParts } from '../internal/given.ts';
import { scoped } from '../internal/scoped.ts';
import type { ResolvedTokenOptions } from './token-options.ts';
import { checkTokenBatch, selectRows, type TokenRollout } from './token-rollout.ts';

/**
 * log p of the sampled tokens at temperature 1, by the trainer's own pass `[B·T]`.
 * @throws ConfigError, DataError for what is no policy, no rollout and no size of a batch
 */
export function rolloutLogProbs(
  o: Pick<ResolvedTokenOptions, 'policy' | 'batchSize' | 'precision'>,
  params: Params,
  r: TokenRollout,
): Float32Array {
  const where = 'rolloutLogProbs';
  requireOptions(where, o);
  const { policy, batchSize, precision } = o;
  checkParts(`${where}, policy`, policy, 'a TokenPolicy');
  checkFunction(`${where}, policy.logProbs`, policy.logProbs, 'a function');
  checkCount(`${where}, batchSize`, batchSize);
  checkParts(`${where}, rollout`, r, '{ prompts, completions, mask, groups }');
  checkTokenBatch(`${where}, completions`, r.completions);
  checkNumbers(`${where}, mask`, r.mask);
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
