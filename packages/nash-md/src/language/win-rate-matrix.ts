/**
 * All against all, on texts: every contestant answers every prompt, every pair is compared in both orders, and the shares
 * come with intervals. Elo, Nash averaging and the cyclic share are functions of the matrix.
 */
import {
  ConfigError,
  checkCount,
  checkKnown,
  checkOpenShare,
  eventTurn,
  type PreferenceFn,
  type Prompt,
  rng,
  StoppedError,
  type TextCodec,
} from '@gimbal/tensor-core';
import { clopperPearson } from '../evaluation/clopper-pearson.ts';
import { type WinRateMatrix, winRatesFromCounts } from '../evaluation/win-rates.ts';
import type { Contestant } from './contestant.ts';
import { askPreferences } from './preferences/ask-preferences.ts';

/** Who is compared how. */
export interface WinRateOptions {
  /** prompts to tokens, and completions to the texts that are compared */
  codec: TextCodec;
  /** P(a ≻ b) */
  preference: PreferenceFn;
  /** at least one */
  prompts: readonly Prompt[];
  /** most tokens of a completion */
  maxNewTokens: number;
  /** comparisons of each pair, each of a new completion by both; at temperature 0 at most one a prompt */
  samplesPerCell: number;
  /** of the intervals, in (0, 1); default .95 */
  confidence?: number;
  /** completions sampled at a time; default 32. Another size draws other completions with the same seed */
  batchSize?: number;
  /** default 1, the policy itself; smaller: towards its likeliest completions; 0: them */
  temperature?: number;
  /** ask in both orders and take the mean; default true. A preference that knows no order is asked half as often without */
  bothOrders?: boolean;
  /** how often to ask again when the preference throws; default 2 */
  retries?: number;
  /** of the completions: each contestant has a stream of its own, by its name */
  seed: number;
  /** stops between two batches or questions, with a StoppedError */
  signal?: AbortSignal;
}

/** One pair, as it is known. */
export interface CellResult {
  /** name of the one */
  a: string;
  /** name of the other */
  b: string;
  /** share of the comparisons that a won; ties and doubts count by their probability */
  rate: number;
  /** lower end of the interval */
  low: number;
  /** upper end */
  high: number;
  /** comparisons */
  samples: number;
  /** mean |P(a ≻ b) + P(b ≻ a) − 1|; undefined where one order was asked */
  orderBias?: number;
}

/** The whole matrix. */
export interface PlayedMatrix extends WinRateMatrix {
  /** mean over the cells of how much the answers hang on the order of asking; undefined where one order was asked */
  readonly orderBias?: number;
  /** completions of each contestant, in the order of the comparisons: of prompt k mod (number of prompts) */
  readonly completions: Readonly<Record<string, readonly string[]>>;
}

/**
 * Plays every pair of contestants.
 * @param contestants by name, at least two; two of the same policy and parameters are two players
 * @returns a generator of cells as they are played, which returns the matrix: W[i][j] = P(i ≻ j)
 * @throws ConfigError for options, DataError where the preference does not answer as it should, StoppedError
 * @example
 * for await (const cell of winRateMatrix({ sft, 'nash-md': trainer.deployable() }, o)) console.log(cell);
 */
export async function* winRateMatrix(
  contestants: Readonly<Record<string, Contestant>>,
  o: WinRateOptions,
): AsyncGenerator<CellResult, PlayedMatrix, undefined> {
  const { samplesPerCell: n, confidence = 0.95, bothOrders = true, retries = 2, preference, signal } = o;
  check(contestants, o);
  const names = Object.keys(contestants);
  const completions: Record<string, string[]> = {};
  for (const name of names) completions[name] = await completionsOf(name, contestants[name] as Contestant, o);
  const rows = Array.from({ length: n }, (_, k) => o.prompts[k % o.prompts.length] as Prompt);
  const prompts = rows.map((row) => (typeof row === 'string' ? row : row.prompt));
  const wins = new Float64Array(names.length ** 2);
  let [bias, cells] = [0, 0];
  for (const [i, a] of names.entries()) {
    for (const [j, b] of names.entries()) {
      if (j <= i) continue;
      await eventTurn();
      if (signal?.aborted) throw new StoppedError({ where: 'winRateMatrix', what: `stopped after ${cells} pairs` });
      const pairs = { prompts, a: completions[a] as string[], b: completions[b] as string[], rows };
      const { preferences, orderBias } = await askPreferences(preference, pairs, { bothOrders, retries });
      const won = preferences.reduce((total, p) => total + p, 0);
      wins[i * names.length + j] = won;
      wins[j * names.length + i] = n - won;
      bias += orderBias ?? 0;
      cells++;
      const [low, high] = clopperPearson(won, n, confidence);
      yield { a, b, rate: won / n, low, high, samples: n, ...(orderBias !== undefined && { orderBias }) };
    }
  }
  const matrix = winRatesFromCounts(names, wins, { confidence });
  return { ...matrix, completions, ...(bothOrders && { orderBias: bias / cells }) };
}

/** Drains `winRateMatrix`. */
export async function playMatrix(
  contestants: Readonly<Record<string, Contestant>>,
  o: WinRateOptions,
): Promise<PlayedMatrix> {
  const cells = winRateMatrix(contestants, o);
  for (;;) {
    const next = await cells.next();
    if (next.done) return next.value;
  }
}

async function completionsOf(name: string, contestant: Contestant, o: WinRateOptions): Promise<string[]> {
  const { policy, params, codec = o.codec } = contestant;
  const { samplesPerCell, batchSize = 32, maxNewTokens, temperature = 1, signal } = o;
  const stream = rng(o.seed).split('win-rates').split(name);
  const out: string[] = [];
  for (let at = 0; at < samplesPerCell; at += batchSize) {
    const size = Math.min(batchSize, samplesPerCell - at);
    const rows = Array.from({ length: size }, (_, k) => o.prompts[(at + k) % o.prompts.length] as Prompt);
    const prompts = codec.encode(rows.map((row) => (typeof row === 'string' ? row : row.prompt)));
    const drawn = await policy.sample(params, prompts, {
      ...{ maxNewTokens, temperature, rng: stream.split(at) },
      ...(signal && { signal }),
    });
    for (const text of codec.decode(drawn)) out.push(text);
  }
  return out;
}

const known: readonly string[] = [
  ...['codec', 'preference', 'prompts', 'maxNewTokens', 'samplesPerCell', 'confidence', 'batchSize', 'temperature'],
  ...['bothOrders', 'retries', 'seed', 'signal'],
];

function check(contestants: Readonly<Record<string, Contestant>>, o: WinRateOptions): void {
  checkKnown('winRateMatrix', o, known);
  const names = Object.keys(contestants).length;
  if (names < 2) {
    const wanted = 'at least two';
    throw new ConfigError({ where: 'winRateMatrix, contestants', what: 'nobody to compare', got: names, wanted });
  }
  if (o.prompts.length === 0)
    throw new ConfigError({ where: 'winRateMatrix, prompts', what: 'there are none', wanted: 'at least 1' });
  for (const key of ['samplesPerCell', 'maxNewTokens'] as const) checkCount(key, o[key]);
  // the same comparison counted twice would narrow the intervals
  if (o.temperature === 0 && o.samplesPerCell > o.prompts.length) {
    const what = 'at temperature 0 a prompt has one answer, and one comparison';
    const wanted = `at most ${o.prompts.length}, the number of prompts`;
    throw new ConfigError({ where: 'samplesPerCell', what, got: o.samplesPerCell, wanted });
  }
  checkCount('batchSize', o.batchSize ?? 32);
  checkCount('retries', o.retries ?? 2, 0);
  checkOpenShare('confidence', o.confidence ?? 0.95);
}
