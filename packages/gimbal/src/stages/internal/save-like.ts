// What a stage has trained, written with all that the model had beside it.
import type { GenerationDefaults, LanguageModel, Tokenizer } from '@gimbal/language-models';
import type { Params } from '@gimbal/tensor-core';

/** What stands beside a model's weights in its folder. */
export interface Beside {
  tokenizer: Tokenizer | undefined;
  /** undefined: a model that has just been made */
  generation: GenerationDefaults | undefined;
}

/**
 * Writes a model folder with the tokenizer and `generation_config.json` of the model that training started from: how a model
 * is meant to be sampled from does not change while it learns.
 * @param from the opened model
 */
export async function saveLike(
  folder: string,
  model: LanguageModel,
  params: Params,
  { tokenizer, generation }: Beside,
): Promise<void> {
  const { savePretrained } = await import('@gimbal/language-models');
  await savePretrained(folder, model, params, { ...(generation && { generation }), ...(tokenizer && { tokenizer }) });
}
