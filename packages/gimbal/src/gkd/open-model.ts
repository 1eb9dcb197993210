// A model that distillation reads: a decoder, or an encoder-decoder, with what each does in its own way.
import type { GenerationDefaults, LanguageModel, Seq2SeqModel, Tokenizer } from '@gimbal/language-models';
import { ConfigError, disposeTree, type Params } from '@gimbal/tensor-core';
import { isSeq2Seq } from '../run/is-seq2seq.ts';

/** A model of this process. */
export interface Opened<M = LanguageModel | Seq2SeqModel> {
  readonly path: string;
  readonly model: M;
  /** The caller disposes the tree. */
  readonly params: Params;
  readonly tokenizer: Tokenizer;
  /** How it is meant to be sampled from, which goes with it where it is saved. */
  readonly generation: GenerationDefaults;
  readonly warnings: readonly string[];
  /** Writes a tree of its shape as its folder. */
  save(folder: string, params: Params): Promise<void>;
}

/**
 * @param path as `modelPath` gives it
 * @param where the flag, for messages
 * @throws ConfigError without a tokenizer; what `loadPretrained` and `loadSeq2Seq` throw
 */
export async function openForDistilling(path: string, where: string): Promise<Opened> {
  const lm = await import('@gimbal/language-models');
  const beside = (tokenizer: Tokenizer, generation: GenerationDefaults) => ({ tokenizer, generation });
  if (await isSeq2Seq(path)) {
    const { model, params, tokenizer, generation, warnings } = await lm.loadSeq2Seq(path);
    if (!tokenizer) throw noTokenizer(params, path, where);
    const save: Opened['save'] = (folder, p) => lm.saveSeq2Seq(folder, model, p, beside(tokenizer, generation));
    return { path, model, params, tokenizer, generation, warnings, save };
  }
  const { model, params, tokenizer, generation, warnings } = await lm.loadPretrained(path);
  if (!tokenizer) throw noTokenizer(params, path, where);
  return decoderOf({ path, model, params, tokenizer, generation, warnings });
}

/** A decoder, also one that lies nowhere. */
export function decoderOf(o: Omit<Opened<LanguageModel>, 'save'>): Opened<LanguageModel> {
  return {
    ...o,
    async save(folder, params) {
      const { savePretrained } = await import('@gimbal/language-models');
      await savePretrained(folder, o.model, params, { tokenizer: o.tokenizer, generation: o.generation });
    },
  };
}

/** Whether it is a decoder: those are taken apart by layers, and have a .gguf. */
export const isDecoder = (opened: Opened): opened is Opened<LanguageModel> => !('readsWholePrompts' in opened.model);

function noTokenizer(params: Params, got: string, where: string): ConfigError {
  disposeTree(params);
  return new ConfigError({ where, what: 'it has no tokenizer', got, wanted: 'tokenizer.json' });
}
