// Questions to another process: a model too large for this machine, or one of another language. What was asked once is not
// asked again, and a server that is busy is asked again after a while.
import { ConfigError, DataError, StoppedError } from '@gimbal/tensor-core';

/** How a server is asked. */
export interface RemoteOptions {
  /** Sent with each request: for example an authorisation. */
  headers?: Readonly<Record<string, string>>;
  /** Questions in one request (64). */
  batchSize?: number;
  /** How often a request is repeated that failed on the way, or with status 408, 429 or 5xx (3). */
  retries?: number;
  /** Before the first repetition, in milliseconds; it doubles each time (250). */
  waitMs?: number;
  /** Longest wait for an answer, in milliseconds (60,000). */
  timeoutMs?: number;
  /** Answers that are remembered, the latest ones; 0 remembers none (10,000). */
  cacheSize?: number;
  /** What asks (the platform's). */
  fetch?: typeof globalThis.fetch;
}

const [slowest, mostKept] = [60_000, 10_000];

/** What a server is asked for, in its answers and in messages. */
export interface Answers {
  /** field of the answer */
  name: 'rewards' | 'preferences';
  /** what a number that is none of them is said to be */
  bad: string;
  /** what each may be */
  each: string;
  /** whether it is */
  is(x: unknown): boolean;
  /** where options are refused */
  where: string;
}

/** Texts of each question, by field, all lists of one length. */
export type Questions = Readonly<Record<string, readonly string[]>>;

/** Asks: a number for each question, or null where the server abstains. */
export type Ask = (questions: Questions, rows?: readonly unknown[], signal?: AbortSignal) => Promise<(number | null)[]>;

/**
 * A function that asks a server in batches, each question once while it is remembered.
 * @returns throws DataError for an answer that is none, and, with the last failure as its cause, when all tries have failed
 * @throws ConfigError for what is no address, or options out of range
 */
export function askServer(url: string, o: RemoteOptions, answers: Answers): Ask {
  const { batchSize = 64, retries = 3, waitMs = 250, timeoutMs = slowest, cacheSize = mostKept } = o;
  check(url, { batchSize, retries, waitMs, timeoutMs, cacheSize }, answers.where);
  const known = new Map<string, number | null>();
  const remember = (key: string, score: number | null): void => {
    known.delete(key);
    known.set(key, score);
    for (const oldest of known.keys()) {
      if (known.size <= cacheSize) break;
      known.delete(oldest);
    }
  };
  return async (questions, rows, signal) => {
    const fields = Object.entries(questions);
    const [[, first = []] = []] = fields;
    const odd = fields.find(([, texts]) => texts.length !== first.length);
    if (odd !== undefined) {
      const what = `${fields.map(([name]) => name).join(' and ')} differ in number`;
      throw new DataError({ where: url, what, got: odd[1].length, wanted: first.length });
    }
    const keys = first.map((_, i) => JSON.stringify(fields.map(([, texts]) => texts[i])));
    const found = new Map<string, number | null>();
    for (const key of keys) if (known.has(key)) found.set(key, known.get(key) as number | null);
    const missing = keys.flatMap((key, i) => (!found.has(key) && keys.indexOf(key) === i ? [i] : []));
    for (let at = 0; at < missing.length; at += batchSize) {
      const some = missing.slice(at, at + batchSize);
      const body = {
        ...Object.fromEntries(fields.map(([name, texts]) => [name, some.map((i) => texts[i])])),
        ...(rows && { rows: some.map((i) => rows[i]) }),
      };
      const scores = await post(url, body, some.length, { ...o, answers, retries, waitMs, timeoutMs, signal });
      some.forEach((i, k) => {
        found.set(keys[i] as string, scores[k] as number | null);
      });
    }
    for (const [key, score] of found) remember(key, score);
    return keys.map((key) => found.get(key) as number | null);
  };
}

interface Request extends RemoteOptions {
  answers: Answers;
  retries: number;
  waitMs: number;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/** One request, repeated while that may help. */
async function post(url: string, body: object, count: number, o: Request): Promise<(number | null)[]> {
  const send = o.fetch ?? globalThis.fetch;
  let [failure, cause]: [string, unknown] = ['', undefined];
  for (let tries = 0; tries <= o.retries; tries++) {
    if (o.signal?.aborted) throw new StoppedError({ where: url, what: 'stopped' });
    if (tries > 0) await new Promise((resolve) => setTimeout(resolve, o.waitMs * 2 ** (tries - 1)));
    try {
      const response = await send(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...o.headers },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(o.timeoutMs),
      });
      if (response.ok) return numbersOf(url, await response.text(), count, o.answers);
      failure = `status ${response.status}`;
      if (response.status < 500 && ![408, 429].includes(response.status)) break;
    } catch (error) {
      // an answer that is none does not become one when it is asked for again
      if ((error as { code?: string }).code === 'ERR_DATA') throw error;
      [failure, cause] = [(error as Error).message, error];
    }
  }
  const fix = `Look whether the server runs and takes { ${Object.keys(body).join(', ')} }`;
  throw new DataError({ where: url, what: `the server gives no ${o.answers.name}`, got: failure, fix, cause });
}

function numbersOf(url: string, text: string, count: number, { name, bad, each, is }: Answers): (number | null)[] {
  const wanted = `{ "${name}": [${count} ${each}] }`;
  let list: unknown;
  try {
    list = (JSON.parse(text) as Record<string, unknown> | null)?.[name];
  } catch (cause) {
    throw new DataError({ where: url, what: 'the answer is not JSON', got: text.slice(0, 80), wanted, cause });
  }
  if (!Array.isArray(list) || list.length !== count) {
    const got = Array.isArray(list) ? `${list.length} ${name}` : text.slice(0, 80);
    throw new DataError({ where: url, what: `the answer holds other ${name} than were asked for`, got, wanted });
  }
  const at = list.findIndex((x) => !is(x));
  if (at < 0) return list as (number | null)[];
  throw new DataError({ where: `${url}, row ${at}`, what: bad, got: list[at], wanted });
}

function check(url: string, counts: Readonly<Record<string, number>>, where: string): void {
  if (!/^https?:\/\/\S+$/.test(url)) {
    const wanted = 'http:// or https://';
    throw new ConfigError({ where, what: 'no address of a server', got: url, wanted });
  }
  for (const [name, value] of Object.entries(counts)) {
    const least = name === 'batchSize' || name === 'timeoutMs' ? 1 : 0;
    if (Number.isSafeInteger(value) && value >= least) continue;
    const wanted = `a whole number ≥ ${least}`;
    throw new ConfigError({ where: `${where}.${name}`, what: 'out of range', got: value, wanted });
  }
}
