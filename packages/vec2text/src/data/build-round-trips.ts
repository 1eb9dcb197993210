// The pipeline of round trips: sentences → pivot language → back, filtered, and kept on disk batch by batch, so that a stopped
// build goes on where it was.

import { optionNames, type Rng, rng, StoppedError } from '@gimbal/tensor-core';
import { checkKnown } from '../internal/check-names.ts';
import { checkSignal } from '../internal/check-signal.ts';
import { refusal } from '../internal/refuse.ts';
import { untilAborted } from '../internal/until-aborted.ts';
import { checkSize, checkThat } from '../space/check-size.ts';
import { beginningOf } from '../text/text-rows.ts';
import { type BuiltBatch, checkBatch, noCounts, type PivotCounts } from './built-batch.ts';
import type { RoundTrip, Translator } from './round-trip.ts';
import { halfCharacter, normalised, textId, wordEdits, wordOverlap, wordsOf } from './similarity.ts';

/** A language to go through: there and back. */
export interface Pivot {
  /** Its name, in rows and reports. */
  readonly name: string;
  /** From the sentences' language. */
  readonly forward: Translator;
  /** Into it. */
  readonly back: Translator;
}

/** Where finished batches are kept. */
export interface RoundTripCache {
  /** The batches of an earlier build with the same settings, from the first without a gap. */
  load(settings: object): Promise<BuiltBatch[]>;
  /** Keeps the next one. */
  append(batch: BuiltBatch): Promise<void>;
}

/** How round trips are built. */
export interface RoundTripOptions {
  /** The languages to go through. */
  pivots: readonly Pivot[];
  /** How many of them each sentence goes through, drawn by its text (1). */
  pivotsPerSentence?: number;
  /** Round trips through each of them (1). */
  tripsPerPivot?: number;
  /** Of the translators (1). */
  temperature?: number;
  /** Of the streams. */
  seed: number;
  /** Sentences translated at a time (32). */
  batchSize?: number;
  /** Longest sentence and round trip in words (none). */
  maxWords?: number;
  /** Least similarity of sentence and round trip (0). */
  minSimilarity?: number;
  /** How they are compared, in [0, 1] (F1 of their words). */
  similarity?: (source: string, rtt: string) => number;
  /** Leave out round trips that are the sentence itself (false: such rows teach what an autoencoder learns). */
  dropIdentical?: boolean;
  /** Where finished batches are kept; `roundTripFile(path)` in Node. */
  cache?: RoundTripCache;
  /** Stops between two batches, or where a translator does not answer, with a StoppedError. */
  signal?: AbortSignal;
}

const names = optionNames<RoundTripOptions>({
  ...{ pivots: true, pivotsPerSentence: true, tripsPerPivot: true, temperature: true, seed: true, batchSize: true },
  ...{ maxWords: true, minSimilarity: true, similarity: true, dropIdentical: true, cache: true, signal: true },
});

/** What a build did. */
export interface RoundTripReport {
  /** Sentences that were translated. */
  readonly sentences: number;
  /** Sentences that had come before. */
  readonly duplicates: number;
  /** Sentences longer than `maxWords`. */
  readonly overflow: number;
  /** By pivot; with the share of identical ones and the mean of word edits, of those kept, and the share left out. */
  readonly pivots: Readonly<
    Record<string, PivotCounts & { identicalShare: number; meanEdits: number; droppedShare: number }>
  >;
}

/**
 * Round trips of sentences. The same sentences, translators and seed give the same rows, stopped in between or not.
 * @param corpus a sentence each; repeated ones are taken once
 * @returns yields rows; its return value is the report
 * @throws DataError: `ROUND_TRIP` where a translator gives another number of texts than it got, `NO_DATA` where no row is left,
 * with the counts; ConfigError (`CONFIG`); StoppedError
 */
export async function* buildRoundTrips(
  corpus: AsyncIterable<string> | Iterable<string>,
  options: RoundTripOptions,
): AsyncGenerator<RoundTrip, RoundTripReport, undefined> {
  checkKnown('buildRoundTrips', options, names);
  const o = resolve(options);
  const known = await (options.cache?.load(settingsOf(o)) ?? []);
  const totals: Record<string, PivotCounts> = Object.fromEntries(o.pivots.map(({ name }) => [name, noCounts]));
  const counters = { sentences: 0, duplicates: 0, overflow: 0 };
  let batch = 0;
  for await (const sentences of batches(corpus, o, counters)) {
    if (options.signal?.aborted)
      throw new StoppedError({ where: 'buildRoundTrips', what: `stopped by its signal after ${batch} batches` });
    const kept = known[batch];
    if (kept) checkSame(kept, sentences, batch);
    const built = kept ?? (await buildBatch(batch, sentences, o, options.signal));
    if (kept === undefined) await options.cache?.append(built);
    batch++;
    for (const [name, counts] of Object.entries(built.counts)) totals[name] = added(totals[name] ?? noCounts, counts);
    yield* built.rows;
  }
  const pivots = Object.fromEntries(
    Object.entries(totals).map(([name, t]) => {
      const of = (x: number, n: number): number => (n === 0 ? 0 : x / n);
      const shares = {
        identicalShare: of(t.identical, t.kept),
        meanEdits: of(t.edits, t.kept),
        droppedShare: of(t.made - t.kept, t.made),
      };
      return [name, { ...t, ...shares }];
    }),
  );
  const report = { ...counters, pivots };
  if (Object.values(totals).every(({ kept }) => kept === 0)) {
    const what = counters.sentences === 0 ? 'there is no sentence' : 'the filters leave no round trip';
    const fix = 'Look at the counts: lower minSimilarity, raise maxWords, or use another translator';
    throw refusal('NO_DATA', { where: 'buildRoundTrips', what, got: report, fix });
  }
  return report;
}

type Resolved = ReturnType<typeof resolve>;

function resolve(o: RoundTripOptions) {
  const { pivots, pivotsPerSentence = 1, tripsPerPivot = 1, temperature = 1, batchSize = 32, seed } = o;
  const { maxWords = Number.POSITIVE_INFINITY, minSimilarity = 0, similarity = wordOverlap, dropIdentical = false } = o;
  const isPivot = (pivot: Pivot | undefined): boolean =>
    [pivot?.forward, pivot?.back].every((translator) => typeof translator?.translate === 'function');
  if (!Array.isArray(pivots) || !Array.from(pivots, isPivot).every(Boolean)) {
    const wanted = 'a list of { name, forward, back }, two translators each';
    throw refusal('CONFIG', { where: 'buildRoundTrips.pivots', what: 'no list of pivots', wanted });
  }
  const ofPivots = pivots.map(({ name }) => name);
  checkThat(
    'pivots',
    ofPivots.length > 0 && new Set(ofPivots).size === ofPivots.length,
    ofPivots,
    'one or more, of different names',
  );
  checkSize('pivotsPerSentence', pivotsPerSentence);
  checkThat('pivotsPerSentence', pivotsPerSentence <= pivots.length, pivotsPerSentence, `at most ${pivots.length}`);
  checkSize('tripsPerPivot', tripsPerPivot);
  checkSize('batchSize', batchSize);
  checkThat('temperature', Number.isFinite(temperature) && temperature >= 0, temperature, 'a number ≥ 0');
  checkThat('minSimilarity', minSimilarity >= 0 && minSimilarity <= 1, minSimilarity, 'a number from 0 to 1');
  checkThat('maxWords', maxWords >= 1, maxWords, 'a number ≥ 1');
  checkSignal('buildRoundTrips', o.signal);
  checkThat('similarity', typeof similarity === 'function', similarity, 'a function (source, rtt) => number');
  const isCache = typeof o.cache?.load === 'function' && typeof o.cache.append === 'function';
  checkThat('cache', o.cache === undefined || isCache, o.cache, '{ load, append }, such as roundTripFile(path)');
  const filter = { maxWords, minSimilarity, similarity, dropIdentical };
  return { pivots, pivotsPerSentence, tripsPerPivot, temperature, batchSize, seed, streams: rng(seed), ...filter };
}

/** What decides a build's rows, as JSON: a cache of other settings is no use. */
const settingsOf = ({ streams: _, pivots, similarity, ...o }: Resolved): object => ({
  ...o,
  maxWords: Number.isFinite(o.maxWords) ? o.maxWords : null,
  // by its source: what it closes over cannot be seen
  similarity: similarity === wordOverlap ? 'wordOverlap' : `own ${textId(String(similarity))}`,
  pivots: pivots.map(({ name, forward, back }) => [name, forward.name, back.name]),
});

/** Distinct sentences, so many at a time. */
async function* batches(
  corpus: AsyncIterable<string> | Iterable<string>,
  o: Resolved,
  counters: { sentences: number; duplicates: number; overflow: number },
): AsyncGenerator<string[]> {
  if (typeof corpus === 'string')
    throw refusal('CONFIG', {
      where: 'buildRoundTrips',
      what: 'the corpus is one text',
      wanted: 'a list of sentences',
    });
  if (corpus == null || !(Symbol.asyncIterator in Object(corpus) || Symbol.iterator in Object(corpus)))
    throw refusal('CONFIG', {
      where: 'buildRoundTrips',
      what: 'no corpus',
      got: corpus,
      wanted: 'a list of sentences',
    });
  const seen = new Set<string>();
  let some: string[] = [];
  let line = 0;
  for await (const raw of corpus) {
    const bad = typeof raw !== 'string' ? 'no text' : halfCharacter.test(raw) ? 'half a character in it' : undefined;
    if (bad) throw refusal('ROUND_TRIP', { where: `buildRoundTrips sentence ${line}`, what: bad, got: raw });
    line++;
    const text = normalised(raw);
    if (text === '') continue;
    const id = textId(text);
    if (seen.has(id)) {
      counters.duplicates++;
      continue;
    }
    seen.add(id);
    if (wordsOf(text).length > o.maxWords) {
      counters.overflow++;
      continue;
    }
    counters.sentences++;
    some.push(text);
    if (some.length === o.batchSize) {
      yield some;
      some = [];
    }
  }
  if (some.length > 0) yield some;
}

/** @throws DataError (`ROUND_TRIP`) where a kept batch is of other sentences */
function checkSame(kept: BuiltBatch, sentences: readonly string[], batch: number): void {
  checkBatch('buildRoundTrips.cache', kept);
  if (kept.batch === batch && kept.of === idOf(sentences)) return;
  throw refusal('ROUND_TRIP', {
    where: 'buildRoundTrips.cache',
    what: `batch ${batch} was built of other sentences`,
    fix: 'Use another file for other sentences',
  });
}

const idOf = (sentences: readonly string[]): string => textId(sentences.join('\n'));

async function buildBatch(
  batch: number,
  sentences: readonly string[],
  o: Resolved,
  signal: AbortSignal | undefined,
): Promise<BuiltBatch> {
  const rows: RoundTrip[] = [];
  const counts = new Map<string, PivotCounts>(); // no object: a pivot may be named __proto__
  for (const pivot of o.pivots) {
    // a sentence's pivots follow from its text alone
    const mine = sentences.filter((text) => pivotsOf(text, o).includes(pivot));
    for (let trip = 0; mine.length > 0 && trip < o.tripsPerPivot; trip++) {
      const stream = o.streams.split(pivot.name).split(batch).split(trip);
      const there = await translated(pivot.name, pivot.forward, mine, o, stream.split('forward'), signal);
      const back = await translated(pivot.name, pivot.back, there, o, stream.split('back'), signal);
      mine.forEach((source, i) => {
        const { row, counted } = judged(source, pivot.name, there[i] as string, back[i] as string, trip, o);
        counts.set(pivot.name, added(counts.get(pivot.name) ?? noCounts, counted));
        if (row) rows.push(row);
      });
    }
  }
  return { batch, of: idOf(sentences), rows, counts: Object.fromEntries(counts) };
}

const pivotsOf = (text: string, o: Resolved): readonly Pivot[] =>
  o.pivots.length === o.pivotsPerSentence
    ? o.pivots
    : o.streams.split('pivots').split(textId(text)).shuffle(o.pivots).slice(0, o.pivotsPerSentence);

async function translated(
  pivot: string,
  translator: Translator,
  texts: readonly string[],
  { temperature }: Resolved,
  stream: Rng,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const where = `pivot ${pivot}, translator ${translator.name}`;
  const asked = translator.translate([...texts], { temperature, rng: stream, ...(signal && { signal }) });
  const out: unknown = await untilAborted(where, asked, signal);
  const first = beginningOf(texts[0] as string);
  if (!Array.isArray(out) || out.length !== texts.length)
    throw refusal('ROUND_TRIP', {
      where,
      what: `it gave another number of texts for ${first} and those after it`,
      got: Array.isArray(out) ? out.length : out === null ? 'null' : typeof out,
      wanted: `${texts.length} texts`,
    });
  // from: findIndex would give the holes of a list as undefined, and so does this
  const bad = Array.from(out).findIndex((text) => typeof text !== 'string' || halfCharacter.test(text));
  if (bad < 0) return out;
  const what = `what it gave for ${beginningOf(texts[bad] as string)}, text ${bad} of ${texts.length}, is no text`;
  throw refusal('ROUND_TRIP', { where, what, got: out[bad], wanted: 'a text without half a character' });
}

/** The row of a round trip, if it is kept, and what is counted of it. */
function judged(
  source: string,
  pivot: string,
  pivotText: string,
  raw: string,
  trip: number,
  o: Resolved,
): { row?: RoundTrip; counted: PivotCounts } {
  const one = { ...noCounts, made: 1 };
  const rtt = normalised(raw);
  if (rtt === '') return { counted: { ...one, empty: 1 } };
  if (wordsOf(rtt).length > o.maxWords) return { counted: { ...one, long: 1 } };
  const identical = rtt === source;
  if (identical && o.dropIdentical) return { counted: { ...one, same: 1 } };
  const answer = o.similarity(source, rtt);
  const similarity = Math.max(0, Math.min(1, answer));
  // of a cosine in single precision the last digit may be past the end
  if (typeof answer !== 'number' || !(Math.abs(answer - similarity) < 1e-6))
    throw refusal('NOT_FINITE', {
      where: 'buildRoundTrips.similarity',
      what: `of ‘${source}’ and ‘${rtt}’`,
      got: answer,
      wanted: 'a number from 0 to 1',
    });
  if (similarity < o.minSimilarity) return { counted: { ...one, different: 1 } };
  const id = `${textId(source)}-${pivot}-${trip}`;
  return {
    row: { id, source, pivot, pivotText, rtt, identical, similarity },
    counted: { ...one, kept: 1, identical: identical ? 1 : 0, edits: wordEdits(source, rtt) },
  };
}

const added = (a: PivotCounts, b: PivotCounts): PivotCounts =>
  Object.fromEntries(Object.entries(a).map(([name, n]) => [name, n + b[name as 'made']])) as unknown as PivotCounts;
