/** Asking a preference function: in one order or in both, again where it throws, and never believing what is no answer. */
import { DataError, type PreferenceFn, type Prompt } from '@gimbal/tensor-core';

/** Pairs to compare, one a row. */
export interface Pairs {
  /** texts of the prompts */
  prompts: readonly string[];
  /** completions shown first */
  a: readonly string[];
  /** the others */
  b: readonly string[];
  /** the data set's rows that the prompts came from */
  rows?: readonly Prompt[];
}

/** How to ask. */
export interface AskOptions {
  /** also ask for b ≻ a, and take the mean of P(a ≻ b) and 1 − P(b ≻ a); default false */
  bothOrders?: boolean;
  /** how often to ask again when the function throws; default 2 */
  retries?: number;
}

/** What was answered. */
export interface Answers {
  /** P(a ≻ b) a row, in [0, 1] */
  preferences: Float32Array;
  /** mean |P(a ≻ b) + P(b ≻ a) − 1|: what hangs on who is shown first; with `bothOrders` */
  orderBias?: number;
}

/**
 * Asks a preference function about pairs.
 * @throws DataError where it gives another number of answers or one outside [0, 1], what the function throws as a
 * DataError (neither is asked again), and where it has thrown at every try: `cause` is what it threw last
 */
export async function askPreferences(fn: PreferenceFn, pairs: Pairs, o: AskOptions = {}): Promise<Answers> {
  const { bothOrders = false, retries = 2 } = o;
  const forward = await asked(fn, pairs, retries);
  if (!bothOrders) return { preferences: Float32Array.from(forward) };
  const backward = await asked(fn, { ...pairs, a: pairs.b, b: pairs.a }, retries);
  let bias = 0;
  const preferences = Float32Array.from(forward, (p, i) => {
    const q = backward[i] as number;
    bias += Math.abs(p + q - 1);
    return (p + 1 - q) / 2;
  });
  return { preferences, orderBias: forward.length === 0 ? 0 : bias / forward.length };
}

async function asked(fn: PreferenceFn, { prompts, a, b, rows }: Pairs, retries: number): Promise<readonly number[]> {
  let answers: readonly number[];
  for (let attempt = 0; ; attempt++) {
    try {
      answers = await fn(prompts, a, b, rows);
      break;
    } catch (cause) {
      // of the rows: they would be refused again
      if ((cause as { code?: string } | undefined)?.code === 'ERR_DATA') throw cause;
      if (attempt < retries) continue;
      throw new DataError({
        where: 'preference',
        what: `the function threw at each of ${retries + 1} tries: ${(cause as Error)?.message ?? String(cause)}`,
        wanted: 'P(a ≻ b) of each row',
        fix: 'Nothing was learned from these samples; resume the run when it answers again',
        cause,
      });
    }
  }
  if (!Array.isArray(answers) && !ArrayBuffer.isView(answers))
    throw new DataError({ where: 'preference', what: 'no list of answers', got: typeof answers });
  if (answers.length !== prompts.length) {
    const wanted = `${prompts.length}, one a row`;
    throw new DataError({ where: 'preference', what: 'another number of answers', got: answers.length, wanted });
  }
  for (const [i, p] of answers.entries()) {
    if (typeof p === 'number' && p >= 0 && p <= 1) continue;
    throw new DataError({
      where: `preference, row ${i}`,
      what: 'no probability',
      got: p,
      wanted: 'a number from 0 to 1: how likely the first completion is preferred',
    });
  }
  return answers;
}
