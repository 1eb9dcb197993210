// The model that a command trains: a folder or file, with an adapter beside it where one is asked for; and its saving.
import type { LanguageModel, LoraAdapter, Tokenizer } from '@gimbal/language-models';
import { ConfigError, disposeTree, flatten, type Params, rng } from '@gimbal/tensor-core';
import type { Output } from '../cli/output.ts';
import { refuseSeq2Seq } from './decoder-only.ts';
import { hubOptions } from './hub.ts';
import { modelPath } from './model-path.ts';
import { noteInflated } from './note-inflated.ts';

/** What is trained. */
export interface OpenPolicy {
  /** the model, or the model with the adapter: its parameters are then the adapter's */
  policy: LanguageModel;
  /** where training starts */
  params: Params;
  tokenizer: Tokenizer;
  /** parameters of the model, without an adapter's */
  size: number;
  /** longest row in tokens */
  contextLength: number;
  /** Writes what was trained: an adapter, or a whole model. Returns the folder. */
  save(run: string, trained: Params): Promise<string>;
  dispose(): void;
}

/**
 * @param where `gimbal dpo`
 * @param lora rank of the adapter; 0 trains all weights
 */
export async function openPolicy(
  where: string,
  o: { model: string; lora: number; seed: number; output: Output; signal: AbortSignal },
): Promise<OpenPolicy> {
  const lm = await import('@gimbal/language-models');
  const path = await modelPath(o.model, `${where} --model`, hubOptions(o.output, o.signal));
  await refuseSeq2Seq(`${where} --model`, path); // one from the hub, which was not here before
  const { model, params: base, tokenizer, generation, warnings } = await lm.loadPretrained(path);
  for (const warning of warnings) o.output.note(`warning ${warning}`);
  noteInflated(path, base, (text) => o.output.note(text));
  if (!tokenizer) {
    disposeTree(base);
    const wanted = 'tokenizer.json';
    throw new ConfigError({ where: `${where} --model`, what: 'it has no tokenizer', got: o.model, wanted });
  }
  const adapter: LoraAdapter | undefined =
    o.lora === 0 ? undefined : lm.createLora(model.config, base, { rank: o.lora }, rng(o.seed).split('adapter'));
  return {
    policy: adapter ? lm.adaptedModel(model, base, adapter) : model,
    params: adapter?.params ?? base,
    tokenizer,
    size: flatten(base).reduce((sum, [, leaf]) => sum + leaf.size, 0),
    contextLength: model.config.contextLength,
    async save(run, trained) {
      const target = `${run}/${adapter ? 'adapter' : 'model'}`;
      if (adapter)
        await lm.saveAdapter(target, model.config, { ...adapter, params: trained }, { base: path, tokenizer });
      else await lm.savePretrained(target, model, trained, { tokenizer, generation });
      return target;
    },
    dispose() {
      if (adapter) lm.disposeAdapter(adapter);
      disposeTree(base);
    },
  };
}
