// Beam search: the likeliest completions of each prompt, found by going on with several at a time. The same search, step
// by step, as transformers 5 (`_beam_search` in generation/utils.py), so that the tokens are the same.
//
//   score = Σ log p(token) / lengthᵃ, a the length penalty; the end token counts in the length
import {
  ConfigError,
  eventTurn,
  type LogitPolicy,
  type Params,
  StoppedError,
  type TokenBatch,
} from '@gimbal/tensor-core';
import { logSoftmax, tidy } from '@tensorflow/tfjs-core';
import { type Beam, candidates, type Hypothesis, insertBeam } from './beam-candidates.ts';
import { begunRows, noProbabilities, type Steps } from './decode-tokens.ts';
import { type LogitsProcessor, repetitionPenalty as penalise } from './logits-processors.ts';
import { processRow } from './process-logits.ts';

/** How a beam search runs. */
export interface BeamSearchOptions {
  /** Completions that go on at a time, ≥ 2. */
  beams: number;
  /** Most tokens a completion gets, ≥ 1. */
  maxNewTokens: number;
  /** Tokens that end a completion; the one that did is part of it. */
  eosIds?: readonly number[];
  /** How much longer completions are preferred: scores are divided by length to this power (1). */
  lengthPenalty?: number;
  /**
   * When a prompt is done: as soon as `beams` completions have ended (true), when the best that goes on scores less than
   * the worst of them (false), or when it cannot reach it at any length (`never`); (false).
   */
  earlyStopping?: boolean | 'never';
  /** Makes tokens that stand in the row already less likely; 1 = not (1). */
  repetitionPenalty?: number;
  /** Change the log-probabilities of each row, after the repetition penalty. */
  logitsProcessors?: readonly LogitsProcessor[];
  /** Called with the tokens of a completion that goes on; true ends it there (stop strings). */
  stop?: (prompt: number, ids: readonly number[]) => boolean;
  /** Stops it between two tokens, with a StoppedError. */
  signal?: AbortSignal;
}

/**
 * Searches. Deterministic: nothing is drawn.
 * @param policy one whose rows can be selected, such as every model of this package
 * @returns for each prompt its `beams` best completions, the best first
 * @throws ConfigError for options out of range; StoppedError when the signal asks for it
 */
export async function beamSearch(
  policy: LogitPolicy & Pick<Steps, 'select'> & Partial<Steps>,
  params: Params,
  prompts: TokenBatch,
  o: BeamSearchOptions,
): Promise<Beam[][]> {
  const { beams, maxNewTokens, eosIds = [], lengthPenalty = 1, earlyStopping = false, repetitionPenalty = 1 } = o;
  if (!(Number.isSafeInteger(beams) && beams >= 2)) refuse('beams', beams, 'a whole number ≥ 2');
  if (!Number.isFinite(lengthPenalty)) refuse('lengthPenalty', lengthPenalty, 'a finite number');
  const batch = prompts.lengths.length;
  const ends = new Set(eosIds);
  const processors = [...(repetitionPenalty === 1 ? [] : [penalise(repetitionPenalty)]), ...(o.logitsProcessors ?? [])];
  const begun = begunRows(policy, prompts);
  const searches = Array.from({ length: batch }, () => new Search());

  using _packed = policy.pack?.(params);
  using state = policy.begin(params, prompts, { maxNewTokens });
  // before the first token each prompt is one row; after it, `beams` of them
  let append: Int32Array | undefined;
  for (let length = 1; length <= maxNewTokens; length++) {
    await eventTurn();
    if (o.signal?.aborted) {
      throw new StoppedError({ where: 'beamSearch', what: `stopped by its signal after ${length - 1} tokens` });
    }
    const logProbs = tidy(() => logSoftmax(policy.next(params, state, append)));
    const values = (await logProbs.data()) as Float32Array;
    const classes = logProbs.shape[1] as number;
    logProbs.dispose();
    const parents: number[] = [];
    let first = 0; // of a prompt's rows
    for (const [prompt, search] of searches.entries()) {
      const written = begun[prompt] as Int32Array;
      const from = first;
      first += search.running.length;
      const scored = search.running.map(({ ids }, row): { raw: Float32Array; scores: Float32Array } => {
        const raw = values.subarray((from + row) * classes, (from + row + 1) * classes);
        // a NaN among the logits makes all of the row's log-probabilities NaN
        if (Number.isNaN(raw[0])) throw noProbabilities(prompt, length - 1);
        const scores = processors.length === 0 ? raw : raw.slice();
        processRow(scores, processors, prompt, processors.length === 0 ? [] : [...written, ...ids]);
        return { raw, scores };
      });
      const found = candidates(search.running, scored, Math.max(2, 1 + ends.size) * beams);
      const isEnd = found.map(
        ({ ids }) => length === maxNewTokens || ends.has(ids.at(-1) as number) || o.stop?.(prompt, ids) === true,
      );
      // of the best `beams` those that end here are completions; the rest of the candidates are there to go on instead
      found.slice(0, beams).forEach(({ ids, logProbs: each, sum }, i) => {
        const end = ends.has(ids.at(-1) as number) ? 'eos' : length === maxNewTokens ? 'length' : 'stop';
        const beam: Beam = { ids, logProbs: each, score: sum / length ** lengthPenalty, end };
        if (isEnd[i]) insertBeam(search.finished, beam, beams);
      });
      search.running = found.filter((_, i) => !isEnd[i]).slice(0, beams);
      const reach = earlyStopping === 'never' && lengthPenalty > 0 ? maxNewTokens : length;
      const full = search.finished.length === beams;
      // full, and what goes on may not become better: nothing goes on
      if (full && (earlyStopping === true || !search.mayImprove(reach ** lengthPenalty))) search.running = [];
      parents.push(...search.running.map(({ parent }) => from + parent));
    }
    if (parents.length === 0) break;
    policy.select(state, Int32Array.from(parents));
    append = Int32Array.from(searches.flatMap(({ running }) => running.map(({ ids }) => ids.at(-1) as number)));
  }
  return searches.map(({ finished }) => finished);
}

/** One prompt's search. */
class Search {
  /** What goes on, the best first; before the first token one empty row, and nothing when the search is done. */
  running: readonly Hypothesis[] = [{ ids: [], logProbs: [], sum: 0, parent: 0 }];
  /** The best that have ended, the best first. */
  readonly finished: Beam[] = [];
  /** @param divisor the length, to the power of the penalty, at which the best that goes on is scored */
  mayImprove(divisor: number): boolean {
    const best = (this.running[0]?.sum ?? Number.NEGATIVE_INFINITY) / divisor;
    return best > (this.finished.at(-1) as Beam).score;
  }
}

const refuse = (name: string, got: unknown, wanted: string): never => {
  throw new ConfigError({ where: `beamSearch.${name}`, what: 'out of range', got, wanted });
};
