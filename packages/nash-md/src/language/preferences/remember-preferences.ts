/** A preference that is dear to ask, such as a remote judge: no pair is asked about twice. */
import { checkCount, type PreferenceFn, type Prompt } from '@gimbal/tensor-core';

/** How much is remembered. */
export interface RememberOptions {
  /** pairs; the ones that were not needed for longest are forgotten first. Default 100,000 */
  most?: number;
}

/**
 * The same preference, asked only about pairs that it was not asked about before, each once a call: the same prompt, the same
 * completions, and the same other columns of the row where rows are given. For judges that give the same answer to the same
 * question; what an answer says of the other order is not concluded from it. A call that throws, or
 * gives another number of answers, leaves nothing behind.
 * @throws ConfigError for `most` below 1
 * @example new NashMdTrainer({ preference: rememberPreferences(judge), … })
 */
export function rememberPreferences(fn: PreferenceFn, { most = 100_000 }: RememberOptions = {}): PreferenceFn {
  checkCount('rememberPreferences, most', most);
  const known = new Map<string, number>();
  return async (prompts, a, b, rows) => {
    // a row may hold what the answer hangs on, such as a rubric; one that is a text, or has no more than a prompt, is the prompt
    const keys = prompts.map((prompt, i) => keyOf(prompt, a[i], b[i], columnsOf(rows?.[i])));
    const found = new Map<string, number>();
    const places: number[] = [];
    for (const [i, key] of keys.entries()) {
      const answer = known.get(key);
      if (answer !== undefined) found.set(key, answer);
      else if (!found.has(key)) {
        found.set(key, Number.NaN);
        places.push(i);
      }
    }
    if (places.length > 0) {
      const only = <T>(list: readonly T[]): T[] => places.map((i) => list[i] as T);
      const answers = await fn(only(prompts), only(a), only(b), rows && only<Prompt>(rows));
      // told as it is by who asked: the number of answers says what is wrong
      if (answers.length !== places.length) return answers;
      for (const [k, i] of places.entries()) found.set(keys[i] as string, answers[k] as number);
    }
    for (const [key, answer] of found) {
      known.delete(key); // the newest stand last
      if (answer >= 0 && answer <= 1) known.set(key, answer);
    }
    for (const key of known.keys()) {
      if (known.size <= most) break;
      known.delete(key);
    }
    return keys.map((key) => found.get(key) as number);
  };
}

// a column of a Parquet file may be a bigint
const keyOf = (...parts: unknown[]): string =>
  JSON.stringify(parts, (_, x: unknown) => (typeof x === 'bigint' ? `${x}n` : x));

function columnsOf(row: Prompt | undefined): unknown {
  if (row === undefined || typeof row === 'string') return undefined;
  const { prompt: _, ...columns } = row;
  return Object.keys(columns).length === 0 ? undefined : columns;
}
