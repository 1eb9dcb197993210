// A policy samples tokens; a reward model reads their text with a tokenizer of its own, or with the same one, which may cut it
// into more tokens than were sampled: what fitted the policy may be longer than the reward model.
import { counted } from '../cli/format.ts';

/** Counts the completions that reward models have no room for, which get no reward. */
export class LongCompletions {
  /** so far, in this process */
  seen = 0;
  #longest = 0;
  #limit = 0;

  readonly onTooLong = (tokens: number, limit: number): void => {
    this.seen++;
    this.#longest = Math.max(this.#longest, tokens);
    this.#limit = limit;
  };

  /** What happened, and what to do about it. */
  get told(): string {
    const what = `${counted(this.seen, 'completion')} got no reward: with the prompt, read again as text, longer than the reward model (up to ${this.#longest} tokens, and it reads ${this.#limit})`;
    return `${what}. Fewer --max-new-tokens, or a reward model with a longer context, leaves none out`;
  }
}
