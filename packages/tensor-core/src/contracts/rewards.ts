/** A prompt after the chat template, or a row of the data set with it: an answer to check, a tag. */
export type Prompt = string | { prompt: string; [column: string]: unknown };

/**
 * Scores completions: reward models, entailment judges, oracles and user functions alike.
 * `null` = no reward for that row, which stays out of the loss. `rows` carries the other columns, as TRL passes them.
 */
export type RewardFn = (
  prompts: readonly string[],
  completions: readonly string[],
  rows?: readonly Prompt[],
) => (number | null)[] | Promise<(number | null)[]>;

/** P(a ≻ b | prompt) per row, in [0, 1]. */
export type PreferenceFn = (
  prompts: readonly string[],
  a: readonly string[],
  b: readonly string[],
  rows?: readonly Prompt[],
) => number[] | Promise<number[]>;

/** What a monitor saw go wrong. */
export interface Alert {
  /** its name */
  monitor: string;
  /** updates done */
  step: number;
  /** a sentence for the log */
  message: string;
  /** what was measured */
  value: number;
  /** what it should not pass */
  limit: number;
  /** true: the run should end here */
  stop: boolean;
}

/** Watches a run and raises alerts; is never optimised. */
export interface Monitor {
  /** Looks at the completions of a step. */
  check(step: number, prompts: readonly string[], completions: readonly string[]): Promise<readonly Alert[]>;
}
