/** A policy whose log-probabilities are those of the distribution that it was sampled from at a temperature. */
import { ConfigError, type LogitPolicy, type TokenPolicy, tokenLogProbs } from '@gimbal/tensor-core';
import { type Tensor2D, tensor2d, tidy } from '@tensorflow/tfjs-core';

/**
 * log softmax(logits/T) of a completion's tokens, in place of T = 1.
 * @param temperature > 0
 * @throws ConfigError for a policy that does not give its logits
 */
export function tempered(policy: TokenPolicy, temperature: number): TokenPolicy {
  const { logits } = policy as Partial<LogitPolicy>;
  if (logits === undefined)
    throw new ConfigError({
      where: 'rolloutLogProbs',
      what: "'tempered' divides the policy's logits, which it does not give",
      fix: "Use a policy with logits(), or rolloutLogProbs 'unit'",
    });
  return {
    sample: (params, prompts, o) => policy.sample(params, prompts, o),
    logProbs: (params, prompts, completions) =>
      tidy(() => {
        const { ids, lengths, width } = completions;
        const all = logits.call(policy, params, prompts, completions); // [B, T, V]
        return tokenLogProbs<Tensor2D>(all, tensor2d(ids, [lengths.length, width], 'int32'), { temperature });
      }),
  };
}
