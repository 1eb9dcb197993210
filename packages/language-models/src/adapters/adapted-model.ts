// A model with an adapter beside it, as a model whose parameters are the adapter's: what trainers on token policies
// train in place of the whole.
import type { Params } from '@gimbal/tensor-core';
import type { LanguageModel } from '../decoder/decoder.ts';
import { adaptTree, type LoraAdapter } from './lora.ts';

/**
 * The model as a policy whose `params` are an adapter's (`adapter.params`, or a copy as it is trained). Any number of
 * adapters share the one base: the reference of a trainer that starts from `adapter.params` costs an adapter's memory,
 * not a model's.
 * @param base the model's own parameters: neither copied nor disposed
 * @param adapter its config, scales and replaced leaves; its parameters are those that each call is given
 * @example
 * const adapter = createLora(model.config, base, { rank: 8 }, rng(0));
 * const policy = adaptedModel(model, base, adapter); // train { policy, params: adapter.params }
 */
export function adaptedModel(model: LanguageModel, base: Params, adapter: LoraAdapter): LanguageModel {
  const whole = (params: Params): Params => adaptTree(base, adapter, params);
  const { hidden } = model;
  return {
    ...model,
    apply: (params, ids, o) => model.apply(whole(params), ids, o),
    states: (params, ids, o) => model.states(whole(params), ids, o),
    head: (params) => model.head(whole(params)),
    pack: (params) => model.pack(whole(params)),
    logits: (params, prompts, completions) => model.logits(whole(params), prompts, completions),
    logProbs: (params, prompts, completions) => model.logProbs(whole(params), prompts, completions),
    begin: (params, prompts, o) => model.begin(whole(params), prompts, o),
    next: (params, state, append) => model.next(whole(params), state, append),
    stepper: (params, state, draw) => model.stepper(whole(params), state, draw),
    sample: (params, prompts, o) => model.sample(whole(params), prompts, o),
    ...(hidden && ({ hidden: (params: Params, p, c) => hidden(whole(params), p, c) } satisfies Partial<LanguageModel>)),
  };
}
