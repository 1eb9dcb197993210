// A model to write with, whatever it is: a decoder's folder or .gguf file, with an adapter or without, or an
// encoder-decoder's folder.
import type { GenerationDefaults, HubOptions, Message, Tokenizer } from '@gimbal/language-models';
import { ConfigError, type LogitPolicy, type Params } from '@gimbal/tensor-core';
import { isSeq2Seq } from '../run/is-seq2seq.ts';
import { adapterPath, modelPath } from '../run/model-path.ts';

/** What generation asks of a model. */
export interface Writer extends Disposable {
  readonly policy: LogitPolicy & { pack(params: Params): Disposable };
  readonly params: Params;
  readonly tokenizer: Tokenizer;
  readonly generation: GenerationDefaults;
  readonly warnings: readonly string[];
  /** Longest row in tokens. */
  readonly contextLength: number;
  /** Whether the completion has a row of its own, beside the prompt's (an encoder-decoder). */
  readonly writesApart: boolean;
  /** Whether the tokenizer has a chat template. */
  readonly chats: boolean;
}

/** How a model is opened. */
export interface OpenOptions {
  adapter?: string | undefined;
  hub?: HubOptions | undefined;
  /** What matrices are held in; default: as they are in a .gguf file, float32 of any other. */
  weights?: HeldWeights | undefined;
}

export const heldWeights = ['float32', 'q8_0', 'q4_0'] as const;
export type HeldWeights = (typeof heldWeights)[number];

/**
 * @param name a folder, also of a run, a .gguf file, or a name on the hub
 * @param where names the command in messages
 * @throws CheckpointError for what cannot be read, ConfigError without a tokenizer or for an adapter that cannot be used
 */
export async function openModel(
  name: string,
  where: string,
  { adapter: adapterFolder, hub, weights }: OpenOptions = {},
): Promise<Writer> {
  const lm = await import('@gimbal/language-models');
  const path = await modelPath(name, `${where} --model`, hub);
  const { disposeTree } = await import('@gimbal/tensor-core');
  const noTokenizer = (): never => {
    const fix = 'Put the tokenizer.json of the model into its folder';
    throw new ConfigError({ where: `${where} --model ${path}`, what: 'the folder has no tokenizer.json', fix });
  };
  const told: string[] = []; // of the adapter
  /** The parameters with the adapter in them; takes `base` over. */
  const withAdapter = async (config: Parameters<typeof lm.mergeLora>[0], base: Params): Promise<Params> => {
    if (adapterFolder === undefined) return base;
    try {
      const adapter = await lm.loadAdapter(adapterPath(adapterFolder), config);
      told.push(...(adapter.warnings ?? []));
      const merged = lm.mergeLora(config, base, adapter);
      lm.disposeAdapter(adapter);
      return merged;
    } finally {
      disposeTree(base);
    }
  };
  if (await isSeq2Seq(path)) {
    if (weights !== undefined && weights !== 'float32') {
      const what = 'encoder-decoders are held in float32';
      throw new ConfigError({ where: `${where} --weights`, what, got: weights, wanted: 'float32' });
    }
    const { model, params: base, tokenizer = noTokenizer(), generation, warnings } = await lm.loadSeq2Seq(path);
    const params = await withAdapter(model.config, base);
    return {
      policy: model,
      params,
      tokenizer,
      generation,
      warnings: [...warnings, ...told],
      contextLength: model.config.contextLength,
      writesApart: true,
      chats: false,
      [Symbol.dispose]: () => disposeTree(params),
    };
  }
  // an adapter is added to floats, and other blocks are made from them
  const asInFile = weights === undefined && adapterFolder === undefined;
  const {
    model,
    params: base,
    tokenizer = noTokenizer(),
    generation,
    warnings,
  } = await lm.loadPretrained(path, { weights: asInFile ? 'blocks' : 'float32' });
  let params = await withAdapter(model.config, base);
  if (weights === 'q8_0' || weights === 'q4_0') {
    const floats = params;
    params = await lm.quantizeWeights(model, floats, weights === 'q8_0' ? 'Q8_0' : 'Q4_0');
    disposeTree(floats);
  }
  return {
    policy: model,
    params,
    tokenizer,
    generation,
    warnings: [...warnings, ...told],
    contextLength: model.config.contextLength,
    writesApart: false,
    chats: tokenizer.config.chat_template !== undefined,
    [Symbol.dispose]: () => disposeTree(params),
  };
}

/** A prompt as the model reads it. */
export interface ReadPrompt {
  text: string;
  /** By a chat template: nothing is to be added. */
  rendered: boolean;
}

/** A text as the first turn of a conversation, where the model has a chat template; else the text itself. */
export async function asTurn(
  model: Writer,
  prompt: string,
  o: { system?: string | undefined; continue: boolean },
): Promise<ReadPrompt> {
  if (!model.chats || o.continue) return { text: prompt, rendered: false };
  const { renderChat } = await import('@gimbal/language-models');
  const messages: Message[] = [
    ...(o.system === undefined ? [] : [{ role: 'system', content: o.system }]),
    { role: 'user', content: prompt },
  ];
  return { text: renderChat(model.tokenizer, messages, { addGenerationPrompt: true }).text, rendered: true };
}
