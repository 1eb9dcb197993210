// How likely texts are under a language model that is not the one that wrote them.
import { type LanguageModel, scoreContinuations, type Tokenizer } from '@gimbal/language-models';
import type { Params } from '@gimbal/tensor-core';

/**
 * Mean log-probability of a token of each text, in nats.
 * @param begin the token that texts follow (that for a beginning, else that for an end)
 */
export async function meanLogProbs(
  { model, params, tokenizer }: { model: LanguageModel; params: Params; tokenizer: Tokenizer },
  texts: readonly string[],
  begin = tokenizer.special.bos ?? tokenizer.special.eos ?? 0,
): Promise<number[]> {
  const context = [begin];
  const scores: number[] = [];
  for (let at = 0; at < texts.length; at += 64) {
    const pairs = texts
      .slice(at, at + 64)
      .map((text) => ({ context, continuation: tokenizer.encodeText(text || ' ') }));
    for (const logProbs of await scoreContinuations(model, params, pairs, { window: model.config.contextLength }))
      scores.push(logProbs.reduce((a, b) => a + b, 0) / logProbs.length);
  }
  return scores;
}
