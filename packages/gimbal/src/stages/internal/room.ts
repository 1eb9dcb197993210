// Which prompts are completed together: those that may write equally many tokens, so that what a prompt is given to write
// never depends on its neighbours.
import type { Tokenizer } from '@gimbal/language-models';

/** Tokens of a prompt as the model reads it: what stands before every text, the prompt, the separator; at least one. */
export function promptLength(tokenizer: Tokenizer, prompt: string, promptSuffix: boolean): number {
  const text = tokenizer.encodeText(prompt + (promptSuffix ? tokenizer.promptSuffix : ''));
  return Math.max(1, tokenizer.begin.length + text.length);
}

/** Prompts to complete in one call. */
export interface PromptBatch {
  /** indices of the prompts */
  rows: readonly number[];
  /** tokens that each of them may write */
  maxNewTokens: number;
}

/**
 * @param lengths tokens of each prompt, each less than the context
 * @param most tokens to write, where the context leaves room for them
 */
export function batchesByRoom(
  lengths: readonly number[],
  o: { contextLength: number; most: number; batchSize: number },
): PromptBatch[] {
  const groups = new Map<number, number[]>();
  lengths.forEach((length, row) => {
    const room = Math.max(1, Math.min(o.most, o.contextLength - length));
    const group = groups.get(room);
    if (group) group.push(row);
    else groups.set(room, [row]);
  });
  const batches: PromptBatch[] = [];
  for (const [maxNewTokens, rows] of groups) {
    for (let at = 0; at < rows.length; at += o.batchSize) {
      batches.push({ rows: rows.slice(at, at + o.batchSize), maxNewTokens });
    }
  }
  return batches;
}
