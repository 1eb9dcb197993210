// A policy samples tokens; a reward model or a judge reads their text with a tokenizer of its own, or with the same one, which may
// cut it into more tokens than were sampled: what fitted the policy may be longer than what reads it.
import { counted } from '../cli/format.ts';
import type { Reader } from './reward.ts';

/** Counts the completions that reward models and judges have no room for, which get no reward of theirs. */
export class LongCompletions {
  /** so far, in this process */
  seen = 0;
  readonly #of: Record<Reader, { seen: number; longest: number; limit: number }> = {
    model: { seen: 0, longest: 0, limit: 0 },
    judge: { seen: 0, longest: 0, limit: 0 },
  };

  readonly onTooLong = (tokens: number, limit: number, reader: Reader): void => {
    this.seen++;
    const of = this.#of[reader];
    of.seen++;
    of.longest = Math.max(of.longest, tokens);
    of.limit = limit;
  };

  /** What happened, and what to do about it. */
  get told(): string {
    const { model, judge } = this.#of;
    const parts: string[] = [];
    if (model.seen > 0)
      parts.push(
        `${counted(model.seen, 'completion')} got no reward: with the prompt, read again as text, longer than the reward model (up to ${model.longest} tokens, and it reads ${model.limit}). Fewer --max-new-tokens, or a reward model with a longer context, leaves none out`,
      );
    if (judge.seen > 0)
      parts.push(
        `${counted(judge.seen, 'completion')} got no reward: read again as text, longer than the judge has room for beside an article (up to ${judge.longest} tokens, and there is room for ${judge.limit}). Fewer --max-new-tokens, or a judge with a longer context, leaves none out`,
      );
    return parts.join('. ');
  }
}
