// Greedy or sampled completions for many prompts, in batches that fit the context.
import type { Pretrained } from '@gimbal/language-models';
import type { Rng } from '@gimbal/tensor-core';

export interface WriteOptions {
  batchSize: number;
  /** at most; less where a prompt leaves less room */
  maxNewTokens: number;
  temperature: number;
  rng: Rng;
  /** false: continue a text */
  promptSuffix: boolean;
  signal: AbortSignal;
  onBatch?(done: number, total: number): void;
}

/** Whether a prompt leaves room for a token in the model's context. */
export function fitsContext({ model, tokenizer }: Pretrained, prompt: string, promptSuffix: boolean): boolean {
  if (!tokenizer) return true;
  return (
    tokenizer.encodeText(prompt + (promptSuffix ? tokenizer.promptSuffix : '')).length < model.config.contextLength
  );
}

/** @returns a completion for each prompt, in their order */
export async function writeCompletions(
  { model, params, tokenizer }: Pretrained,
  prompts: readonly string[],
  o: WriteOptions,
): Promise<string[]> {
  const { generate } = await import('@gimbal/language-models');
  if (!tokenizer) throw new Error('the model folder has no tokenizer'); // every folder made by a stage has one
  const written: string[] = [];
  using _packed = model.pack(params); // once for all batches
  for (let at = 0; at < prompts.length; at += o.batchSize) {
    const batch = prompts.slice(at, at + o.batchSize);
    const suffix = o.promptSuffix ? tokenizer.promptSuffix : '';
    const longest = Math.max(...batch.map((prompt) => tokenizer.encodeText(prompt + suffix).length), 1);
    const completions = await generate(model, params, tokenizer, batch, {
      maxNewTokens: Math.max(1, Math.min(o.maxNewTokens, model.config.contextLength - longest)),
      temperature: o.temperature,
      promptSuffix: o.promptSuffix,
      rng: o.rng.split(at),
      signal: o.signal,
    });
    written.push(...completions.map((c) => c.text));
    o.onBatch?.(written.length, prompts.length);
  }
  return written;
}
