// A reward that another process gives: a model too large for this machine, or one of another language. What was asked once is
// not asked again, and a server that is busy is asked again after a while.
import { ConfigError, DataError, type RewardFn, StoppedError } from '@gimbal/tensor-core';
import type { EntailmentJudge } from '../entailment/judge.ts';

/** How a server is asked. */
export interface RemoteOptions {
  /** Sent with each request: for example an authorisation. */
  headers?: Readonly<Record<string, string>>;
  /** Answers in one request (64). */
  batchSize?: number;
  /** How often a request is repeated that failed on the way, or with status 408, 429 or 5xx (3). */
  retries?: number;
  /** Before the first repetition, in milliseconds; it doubles each time (250). */
  waitMs?: number;
  /** Longest wait for an answer, in milliseconds (60,000). */
  timeoutMs?: number;
  /** Scores that are remembered, the latest ones; 0 remembers none (10,000). */
  cacheSize?: number;
  /** What asks (the platform's). */
  fetch?: typeof globalThis.fetch;
}

const [slowest, mostKept] = [60_000, 10_000];

/**
 * Scores by a server: each request is a POST of JSON `{ prompts, completions, rows? }`, its answer `{ rewards }`, a number or
 * null for each. A prompt with its completion is asked for once while it is remembered; so `rows` are sent, but do not tell
 * two questions apart.
 * @param url http or https
 * @returns throws DataError for an answer that is none, and, with the last failure as its cause, when all tries have failed
 * @throws ConfigError for another address or options out of range
 */
export function remoteReward(url: string, o: RemoteOptions = {}): RewardFn {
  const ask = asker(url, o);
  return (prompts, completions, rows) => ask(prompts, completions, rows);
}

/**
 * A judge of entailment behind a server, whose rewards are log P(the prompt entails the completion), each at most 0.
 * @throws as `remoteReward`
 */
export function remoteJudge(url: string, o: RemoteOptions = {}): EntailmentJudge {
  const ask = asker(url, o);
  return {
    name: url,
    async logProb(premises, hypotheses, { signal } = {}) {
      const found = await ask(premises, hypotheses, undefined, signal);
      const bad = found.findIndex((p) => p === null || !(p <= 0));
      if (bad < 0) return Float32Array.from(found as number[]);
      const wanted = 'a logarithm of a probability, at most 0';
      throw new DataError({ where: `judge ${url}, row ${bad}`, what: 'out of range', got: found[bad], wanted });
    },
  };
}

type Ask = (
  prompts: readonly string[],
  completions: readonly string[],
  rows?: readonly unknown[],
  signal?: AbortSignal,
) => Promise<(number | null)[]>;

function asker(url: string, o: RemoteOptions): Ask {
  const { batchSize = 64, retries = 3, waitMs = 250, timeoutMs = slowest, cacheSize = mostKept } = o;
  check(url, { batchSize, retries, waitMs, timeoutMs, cacheSize });
  const known = new Map<string, number | null>();
  const remember = (key: string, score: number | null): void => {
    known.delete(key);
    known.set(key, score);
    for (const oldest of known.keys()) {
      if (known.size <= cacheSize) break;
      known.delete(oldest);
    }
  };
  return async (prompts, completions, rows, signal) => {
    if (completions.length !== prompts.length) {
      const what = 'prompts and completions differ in number';
      throw new DataError({ where: url, what, got: completions.length, wanted: prompts.length });
    }
    const keys = prompts.map((prompt, i) => JSON.stringify([prompt, completions[i]]));
    const found = new Map<string, number | null>();
    for (const key of keys) if (known.has(key)) found.set(key, known.get(key) as number | null);
    const missing = keys.flatMap((key, i) => (!found.has(key) && keys.indexOf(key) === i ? [i] : []));
    for (let at = 0; at < missing.length; at += batchSize) {
      const some = missing.slice(at, at + batchSize);
      const body = {
        prompts: some.map((i) => prompts[i]),
        completions: some.map((i) => completions[i]),
        ...(rows && { rows: some.map((i) => rows[i]) }),
      };
      const scores = await post(url, body, some.length, { ...o, retries, waitMs, timeoutMs, signal });
      some.forEach((i, k) => {
        found.set(keys[i] as string, scores[k] as number | null);
      });
    }
    for (const [key, score] of found) remember(key, score);
    return keys.map((key) => found.get(key) as number | null);
  };
}

interface Request extends RemoteOptions {
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
      if (response.ok) return scoresOf(url, await response.text(), count);
      failure = `status ${response.status}`;
      if (response.status < 500 && ![408, 429].includes(response.status)) break;
    } catch (error) {
      // an answer that is none does not become one when it is asked for again
      if ((error as { code?: string }).code === 'ERR_DATA') throw error;
      [failure, cause] = [(error as Error).message, error];
    }
  }
  const fix = 'Look whether the server runs and takes { prompts, completions }';
  throw new DataError({ where: url, what: 'the server gives no rewards', got: failure, fix, cause });
}

function scoresOf(url: string, text: string, count: number): (number | null)[] {
  const wanted = `{ "rewards": [${count} numbers or null] }`;
  let rewards: unknown;
  try {
    rewards = (JSON.parse(text) as { rewards?: unknown } | null)?.rewards;
  } catch (cause) {
    throw new DataError({ where: url, what: 'the answer is not JSON', got: text.slice(0, 80), wanted, cause });
  }
  if (!Array.isArray(rewards) || rewards.length !== count) {
    const got = Array.isArray(rewards) ? `${rewards.length} rewards` : text.slice(0, 80);
    throw new DataError({ where: url, what: 'the answer holds other rewards than were asked for', got, wanted });
  }
  const bad = rewards.findIndex((r) => r !== null && !(typeof r === 'number' && Number.isFinite(r)));
  if (bad < 0) return rewards as (number | null)[];
  throw new DataError({ where: `${url}, row ${bad}`, what: 'a reward is no number', got: rewards[bad], wanted });
}

function check(url: string, counts: Readonly<Record<string, number>>): void {
  if (!/^https?:\/\/\S+$/.test(url)) {
    const wanted = 'http:// or https://';
    throw new ConfigError({ where: 'remoteReward', what: 'no address of a server', got: url, wanted });
  }
  for (const [name, value] of Object.entries(counts)) {
    const least = name === 'batchSize' || name === 'timeoutMs' ? 1 : 0;
    if (Number.isSafeInteger(value) && value >= least) continue;
    const wanted = `a whole number ≥ ${least}`;
    throw new ConfigError({ where: `remoteReward.${name}`, what: 'out of range', got: value, wanted });
  }
}
