// The errors of every Gimbal package: data first, text second. A caller switches on `code` (an error that crossed a
// realm, a worker or a process is no `instanceof` anything); a person reads the message, which is built from the data.

/** What an error says: where it happened, what was wrong, what came, what should have come, what to do. */
export interface ErrorDetails {
  /** The function, option path or file with line that noticed it: `matMul`, `align --steps`, `rows.jsonl:12`. */
  where: string;
  /** What was wrong, as a short statement without a full stop. */
  what: string;
  /** The value that came; arrays print as `[2,3]`, strings in quotes. */
  got?: unknown;
  /** The value, or a description of the values, that would have been right. A string is printed as it is. */
  wanted?: unknown;
  /** What the reader can do about it, as a sentence without a full stop. */
  fix?: string;
  /** The error underneath, if there is one. */
  cause?: unknown;
}

/** What kind of thing went wrong: one per class of error. */
export type ErrorCode =
  | 'ERR_SHAPE'
  | 'ERR_CONFIG'
  | 'ERR_DATA'
  | 'ERR_CHECKPOINT'
  | 'ERR_BACKEND'
  | 'ERR_NUMERICAL'
  | 'ERR_STOPPED';

/** Base of all errors this library raises on purpose. */
export class GimbalError extends Error {
  /** Tells the class where `instanceof` cannot (other realms, copies of the package). */
  readonly code: ErrorCode;
  /** The function, option or file, with its line. */
  readonly where: string;
  /** What was wrong, as a short statement. */
  readonly what: string;
  /** What was found. */
  readonly got: unknown;
  /** What would have been right. */
  readonly wanted: unknown;
  /** What to do about it. */
  readonly fix: string | undefined;

  constructor(code: ErrorCode, details: ErrorDetails) {
    super(message(details), details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.where = details.where;
    this.what = details.what;
    this.got = details.got;
    this.wanted = details.wanted;
    this.fix = details.fix;
  }
}

/** Shapes or dtypes that do not fit each other. */
export class ShapeError extends GimbalError {
  constructor(details: ErrorDetails) {
    super('ERR_SHAPE', details);
  }
}

/** An option that is unknown, out of range or contradicts another. */
export class ConfigError extends GimbalError {
  constructor(details: ErrorDetails) {
    super('ERR_CONFIG', details);
  }
}

/** Input data that cannot be read or used; `where` is the file and line where there are any. */
export class DataError extends GimbalError {
  constructor(details: ErrorDetails) {
    super('ERR_DATA', details);
  }
}

/** A checkpoint or weight file that is damaged or belongs to another configuration. */
export class CheckpointError extends GimbalError {
  constructor(details: ErrorDetails) {
    super('ERR_CHECKPOINT', details);
  }
}

/** A backend that is unknown, missing, or cannot do what was asked. */
export class BackendError extends GimbalError {
  constructor(details: ErrorDetails) {
    super('ERR_BACKEND', details);
  }
}

/** NaN or infinity where a finite number was needed. */
export class NumericalError extends GimbalError {
  constructor(details: ErrorDetails) {
    super('ERR_NUMERICAL', details);
  }
}

/** Work that ended because its AbortSignal asked for it; what it left behind is complete. */
export class StoppedError extends GimbalError {
  constructor(details: ErrorDetails) {
    super('ERR_STOPPED', details);
  }
}

/**
 * The known name that a misspelt one most likely meant.
 * @param name what was written
 * @param known the names that exist
 * @returns the nearest by edit distance, case ignored; undefined if none is within a third of its length (at least 2)
 */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best !== undefined && least <= Math.max(2, Math.ceil(best.length / 3)) ? best : undefined;
}

/** Edits (insert, delete, replace, swap of neighbours) that turn a into b; Damerau–Levenshtein, restricted. */
function editDistance(a: string, b: string): number {
  let [older, old]: number[][] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let d = Math.min(at(old, j) + 1, at(row, j - 1) + 1, at(old, j - 1) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) d = Math.min(d, at(older, j - 2) + 1);
      row.push(d);
    }
    [older, old] = [old, row];
  }
  return at(old, b.length);
}

const at = (row: number[] | undefined, i: number): number => row?.[i] ?? 0;

/** `where: what; got X, wanted Y. Fix.` with the absent parts left out. */
function message({ where, what, got, wanted, fix }: ErrorDetails): string {
  const facts = [
    got === undefined ? '' : `got ${show(got)}`,
    wanted === undefined ? '' : `wanted ${typeof wanted === 'string' ? wanted : show(wanted)}`,
  ].filter((s) => s !== '');
  const statement = facts.length > 0 ? `${what}${/[.?]$/.test(what) ? '' : ';'} ${facts.join(', ')}` : what;
  if (fix === undefined) return `${where}: ${statement}`;
  return `${where}: ${ended(statement)} ${ended(fix)}`;
}

/** A sentence with its full stop, unless it has one or is a question. */
const ended = (sentence: string): string => (/[.?]$/.test(sentence) ? sentence : `${sentence}.`);

const longest = 200;

/** The value down to a depth, and of each level the first parts. */
function outermost(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) return '…';
  if (Array.isArray(value)) return value.slice(0, 10).map((part) => outermost(part, depth - 1));
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, 10)
      .map(([key, part]) => [key, outermost(part, depth - 1)]),
  );
}

/** What came where something else was wanted, in a word or two. */
export const kindOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value;

/** A value on one line, cut where it would fill the screen. */
function show(value: unknown): string {
  let text: string | undefined;
  if (typeof value === 'number' || typeof value === 'bigint' || value === null) text = String(value);
  else {
    try {
      text = JSON.stringify(value);
    } catch (error) {
      // nested deeper than the call stack: its outermost part; cyclic or otherwise unprintable: its plain string form
      if ((error as Error).name === 'RangeError') text = JSON.stringify(outermost(value, 4));
    }
  }
  text ??= String(value);
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}
