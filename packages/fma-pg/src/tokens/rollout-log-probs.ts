// What a policy thinks of a rollout.
import { checkCount, type Params, requireOptions, ShapeError, withPrecision } from '@gimbal/tensor-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { checkFunction, checkNumbers, checkParts } from '../internal/given.ts';
import { scoped } from '../internal/scoped.ts';
import { checkTensor } from '../surrogates/surrogate.ts';
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
      scoped(() => {
        const found = policy.logProbs(params, selectRows(r.prompts, from, to), selectRows(r.completions, from, to));
        checkLogProbs(found, to - from, width);
        return found.dataSync<'float32'>().slice();
      }),
    );
    out.set(part, from * width);
  }
  return out.map((x, i) => (r.mask[i] === 0 ? 0 : x));
}

/** @throws ConfigError for what is no tensor, ShapeError for one of another shape than the completions' */
function checkLogProbs(found: Tensor, rows: number, width: number): void {
  checkTensor('policy', 'logProbs', found);
  if (String(found.shape) === String([rows, width])) return;
  const what = 'it gave another shape than the completions have';
  throw new ShapeError({ where: 'policy.logProbs', what, got: found.shape, wanted: [rows, width] });
}
