// A model whose gradient keeps little, for trainers that know it as a policy: the contract's `logProbs` says nothing of how
// it is differentiated (that of a table of logits has nothing to compute again), so the model is made with it.

import type { Seq2SeqModel } from '../seq2seq/seq2seq.ts';
import type { LanguageModel } from './decoder.ts';

/**
 * The model with `logProbs`, `logits` and `hidden` that keep only the blocks' inputs for the gradient and compute the rest
 * again (less memory, a third more time). Values and gradients are the same; what gives no gradient is as it was. `apply`
 * and `states` take it as an option of each call.
 * @param model a decoder or an encoder-decoder, with an adapter (`adaptedModel`) or without
 * @returns the same kind of model
 * @example
 * new TokenPolicyTrainer({ ...tokenPresets.grpo(), policy: withGradientCheckpointing(model), params, codec, ... });
 */
export function withGradientCheckpointing<M extends LanguageModel | Seq2SeqModel>(model: M): M {
  const o = { gradientCheckpointing: true };
  const { hidden } = model;
  const made: Partial<LanguageModel> = {
    logits: (params, prompts, completions) => model.logits(params, prompts, completions, o),
    logProbs: (params, prompts, completions) => model.logProbs(params, prompts, completions, o),
    ...(hidden && { hidden: (params, prompts, completions) => hidden(params, prompts, completions, o) }),
  };
  return { ...model, ...made };
}
