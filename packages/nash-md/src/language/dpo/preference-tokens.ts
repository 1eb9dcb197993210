/** Preference rows as tokens: a prompt with a better and a worse completion, both ended. */
import { type Dataset, isKind, type Tokenizer, tokenRows } from '@gimbal/language-models';
import { ConfigError, DataError } from '@gimbal/tensor-core';

/** A pair ready to be trained on. */
export interface PreferenceTokens {
  /** at least one token */
  readonly prompt: Int32Array;
  /** the better completion, its end token included */
  readonly chosen: Int32Array;
  /** the worse one */
  readonly rejected: Int32Array;
  /** P(chosen is the better one) in [0, 1]; default 1 */
  readonly label?: number;
}

/** Pairs, and which rows are not among them, or not whole. */
export interface TokenPairs {
  /** in the order of the data */
  readonly pairs: readonly PreferenceTokens[];
  /** pairs longer than the limit that were left out or cut, and the places of the first ten */
  readonly overflow: RowPlaces;
  /** pairs left out since their completions are equal: they say nothing of which is better */
  readonly equal: RowPlaces;
}

/** How many rows, and the places of the first ten. */
export interface RowPlaces {
  /** how many */
  readonly rows: number;
  /** file and line, or index */
  readonly where: readonly string[];
}

/** How pairs are brought within the context. */
export interface PreferenceTokensOptions {
  /** most tokens of a prompt with a completion */
  limit: number;
  /** what becomes of a pair with a longer side: left out (default), the completions' ends cut, or refused */
  overflow?: 'drop' | 'cut' | 'error';
}

/**
 * The tokens of rows with `prompt`, `chosen` and `rejected`, texts or turns of a conversation; a column `label` is P(chosen is
 * the better one).
 * @throws DataError naming the place of rows of another kind or with a label outside [0, 1], and if no row is left
 */
export function preferenceTokens(
  data: Dataset,
  tokenizer: Tokenizer,
  { limit, overflow = 'drop' }: PreferenceTokensOptions,
): TokenPairs {
  if (!['drop', 'cut', 'error'].includes(overflow)) {
    const wanted = 'drop, cut or error';
    throw new ConfigError({ where: 'overflow', what: 'a pair cannot be split', got: overflow, wanted });
  }
  const sides = (['chosen', 'rejected'] as const).map((side) => tokensOf(data, tokenizer, side));
  const pairs: PreferenceTokens[] = [];
  const [long, equal] = [new Places(), new Places()];
  let shortest = Number.POSITIVE_INFINITY;
  for (const [i, row] of data.rows.entries()) {
    const [better, worse] = sides.map((rows) => rows[i]) as [Side, Side];
    const label = labelOf(row.label, data.where(i));
    if (isSame(better.completion, worse.completion)) {
      equal.add(data.where(i));
      continue;
    }
    const { prompt } = better;
    const most = prompt.length + Math.max(better.completion.length, worse.completion.length);
    shortest = Math.min(shortest, most);
    let [chosen, rejected] = [better.completion, worse.completion];
    if (most > limit) {
      if (overflow === 'error') throw tooLong(data.where(i), most, limit);
      long.add(data.where(i));
      [chosen, rejected] = [chosen, rejected].map((ids) => ids.subarray(0, limit - prompt.length)) as [
        Int32Array,
        Int32Array,
      ];
      if (overflow === 'drop' || prompt.length >= limit || isSame(chosen, rejected)) continue;
    }
    pairs.push({ prompt, chosen, rejected, ...(label !== 1 && { label }) });
  }
  if (pairs.length > 0) return { pairs, overflow: long.found, equal: equal.found };
  throw noneLeft(data, { limit, overflow, shortest, equal: equal.rows });
}

/** Counts rows, and keeps the places of the first ten. */
class Places {
  rows = 0;
  readonly #where: string[] = [];

  add(place: string): void {
    this.rows++;
    if (this.#where.length < 10) this.#where.push(place);
  }

  get found(): RowPlaces {
    return { rows: this.rows, where: this.#where };
  }
}

const isSame = (a: Int32Array, b: Int32Array): boolean => a.length === b.length && a.every((id, t) => id === b[t]);

/** Why no pair is left, and what helps. */
function noneLeft(
  data: Dataset,
  o: { limit: number; overflow: 'drop' | 'cut' | 'error'; shortest: number; equal: number },
): DataError {
  const [where, n] = [data.where(0), data.rows.length];
  if (o.equal === n) {
    const fix = 'Give others: such rows say nothing of which is better';
    return new DataError({ where, what: `all ${n} pairs have two completions of the same tokens`, fix });
  }
  const equal =
    o.equal === 0 ? `all ${n} pairs are` : `${o.equal} of ${n} pairs have equal completions, the others are`;
  const cut = o.overflow === 'cut' ? ', and after the cut nothing tells their completions apart' : '';
  return new DataError({
    where,
    what: `${equal} longer than the model${cut}`,
    got: `${o.shortest} tokens in the shortest`,
    wanted: `at most ${o.limit}`,
    fix: `Use a model with a longer context${o.overflow === 'cut' ? '' : ', or overflow cut'}`,
  });
}

interface Side {
  prompt: Int32Array;
  completion: Int32Array;
}

function tokensOf(data: Dataset, tokenizer: Tokenizer, side: 'chosen' | 'rejected'): Side[] {
  const where = (index: number): string => data.where(index);
  const rows = isKind(data, 'preference')
    ? {
        kind: 'prompt-completion',
        rows: data.rows.map((row) => ({ prompt: row.prompt, completion: row[side] })),
        where,
      }
    : isKind(data, 'conversation-preference')
      ? {
          kind: 'conversation-completion',
          rows: data.rows.map((row) => ({ prompt: row.prompt, completion: row[side] })),
          where,
        }
      : undefined;
  if (rows === undefined)
    throw new DataError({
      where: data.where(0),
      what: 'rows of this kind hold no prompt with two completions',
      got: data.kind,
      wanted: 'prompt, chosen and rejected',
      fix: 'Name the columns, for example --columns prompt=question,chosen=better,rejected=worse',
    });
  const all = tokenRows(rows as Dataset, tokenizer, { limit: Number.MAX_SAFE_INTEGER }).rows;
  return all.map(({ ids, from }) => ({ prompt: ids.slice(0, from), completion: ids.slice(from) }));
}

function labelOf(value: unknown, where: string): number {
  if (value === undefined || value === null) return 1;
  const label = typeof value === 'boolean' ? Number(value) : value;
  if (typeof label === 'number' && label >= 0 && label <= 1) return label;
  throw new DataError({ where, what: 'column label is out of range', got: label, wanted: 'a number from 0 to 1' });
}

const tooLong = (where: string, got: number, limit: number): DataError =>
  new DataError({
    where,
    what: 'prompt and completion are longer than the model',
    got: `${got} tokens`,
    wanted: `at most ${limit}`,
    fix: 'Shorten it, or use overflow drop to leave such rows out',
  });
