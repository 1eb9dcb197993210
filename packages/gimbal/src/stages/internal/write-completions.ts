// Greedy or sampled completions for many prompts, in batches that fit the context.
import type { Pretrained } from '@gimbal/language-models';
import type { Rng } from '@gimbal/tensor-core';
import { batchesByRoom, promptLength } from './room.ts';

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
  return !tokenizer || promptLength(tokenizer, prompt, promptSuffix) < model.config.contextLength;
}

/** @returns a completion for each prompt, in their order */
export async function writeCompletions(
  { model, params, tokenizer }: Pretrained,
  prompts: readonly string[],
  o: WriteOptions,
): Promise<string[]> {
  const { generate } = await import('@gimbal/language-models');
  if (!tokenizer) throw new Error('the model folder has no tokenizer'); // every folder made by a stage has one
  const written: string[] = new Array<string>(prompts.length).fill('');
  let done = 0;
  using _packed = model.pack(params); // once for all batches
  const batches = batchesByRoom(
    prompts.map((prompt) => promptLength(tokenizer, prompt, o.promptSuffix)),
    { contextLength: model.config.contextLength, most: o.maxNewTokens, batchSize: o.batchSize },
  );
  for (const { rows, maxNewTokens } of batches) {
    const completions = await generate(
      model,
      params,
      tokenizer,
      rows.map((row) => prompts[row] as string),
      {
        maxNewTokens,
        temperature: o.temperature,
        promptSuffix: o.promptSuffix,
        rng: o.rng.split(rows[0] as number),
        signal: o.signal,
      },
    );
    for (const [i, row] of rows.entries()) written[row] = completions[i]?.text ?? '';
    done += rows.length;
    o.onBatch?.(done, prompts.length);
  }
  return written;
}
