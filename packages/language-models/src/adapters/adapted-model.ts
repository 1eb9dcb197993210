// A model with an adapter beside it, as a model whose parameters are the adapter's: what trainers on token policies
// train in place of the whole.
import type { Params } from '@gimbal/tensor-core';
import type { LanguageModel } from '../decoder/decoder.ts';
import type { Seq2SeqModel } from '../seq2seq/seq2seq.ts';
import { adaptTree, type LoraAdapter } from './lora.ts';

/** What of a decoder, and of an encoder-decoder, takes parameters first. */
const ofParams: ReadonlySet<string> = new Set<keyof LanguageModel | keyof Seq2SeqModel>([
  ...(['apply', 'encode', 'states', 'head', 'hidden', 'pack'] as const),
  ...(['logits', 'logProbs', 'begin', 'next', 'stepper', 'sample'] as const),
]);

/**
 * The model as a policy whose `params` are an adapter's (`adapter.params`, or a copy as it is trained). Any number of
 * adapters share the one base: the reference of a trainer that starts from `adapter.params` costs an adapter's memory,
 * not a model's.
 * @param model a decoder or an encoder-decoder
 * @param base the model's own parameters: neither copied nor disposed
 * @param adapter its config, scales and replaced leaves; its parameters are those that each call is given
 * @returns the same kind of model
 * @example
 * const adapter = createLora(model.config, base, { rank: 8 }, rng(0));
 * const policy = adaptedModel(model, base, adapter); // train { policy, params: adapter.params }
 */
export function adaptedModel<M extends LanguageModel | Seq2SeqModel>(model: M, base: Params, adapter: LoraAdapter): M {
  const adapted = Object.entries(model).map(([name, own]) => {
    if (!ofParams.has(name) || typeof own !== 'function') return [name, own] as const;
    return [name, (params: Params, ...rest: unknown[]) => own(adaptTree(base, adapter, params), ...rest)] as const;
  });
  return Object.fromEntries(adapted) as unknown as M;
}
