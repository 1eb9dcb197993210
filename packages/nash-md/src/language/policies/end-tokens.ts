/** Which tokens end a completion: what sampling from a mixture has to know, and a language model says of itself. */
import { DataError, type LogitPolicy } from '@gimbal/tensor-core';

/** Ends of completions. */
export interface EndTokens {
  /** tokens that end one; none: every completion has `maxNewTokens` tokens */
  eosIds: readonly number[];
  /** fills rows that have ended */
  padId: number;
}

/**
 * The ends that a policy's own sampling has: those of its `config`, where it has one as language models do.
 * @throws DataError for an end that is no token
 */
export function endTokens(policy: LogitPolicy, given?: Partial<EndTokens>): EndTokens {
  const { config } = policy as { config?: Partial<EndTokens> };
  const { eosIds = config?.eosIds ?? [], padId = config?.padId ?? 0 } = given ?? {};
  for (const id of [...eosIds, padId]) {
    if (Number.isSafeInteger(id) && id >= 0) continue;
    throw new DataError({ where: 'endTokens', what: 'no token', got: id, wanted: 'whole numbers ≥ 0' });
  }
  return { eosIds, padId };
}
