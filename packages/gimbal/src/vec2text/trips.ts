// Round trips of the user's sentences: given, made by translators, or made by the telegraph style.
import { join } from 'node:path';
import { DataError, disposeTree, type Params } from '@gimbal/tensor-core';
import type { Pivot, RoundTrip, TrainingRow, Translator } from '@gimbal/vec2text';
import { Progress } from '../cli/progress.ts';
import { hubOptions } from '../run/hub.ts';
import { modelPath } from '../run/model-path.ts';
import type { RunFolder } from '../run/run-folder.ts';
import type { Vec2TextContext, Vec2TextFlags } from './options.ts';
import { type Pair, readPairs, withoutHeld } from './pairs.ts';
import type { SentenceRow } from './sentences.ts';

/**
 * Rows to train on: round trips of --pairs, those that the rows have, or made here.
 * @throws DataError where some rows have one and others none; StoppedError while they are made
 */
export async function withTrips(
  o: Vec2TextFlags,
  { train, held }: Record<'train' | 'held', readonly SentenceRow[]>,
  { output, signal }: Vec2TextContext,
  run: RunFolder,
): Promise<TrainingRow[]> {
  const v = await import('@gimbal/vec2text');
  if (o.pairs !== undefined) {
    const pairs = await withoutHeld(await readPairs(o.pairs), held, o.pairs);
    sayTrips(pairs.map(judged(v.tokenF1)), output, given.pairs);
    return v.gatherRoundTrips(pairs);
  }
  const have = train.filter(({ rtt }) => rtt !== undefined).length;
  if (have > 0 && have < train.length)
    throw new DataError({
      where: o.data as string,
      what: 'some rows have a round trip and others have none',
      got: `${have} of ${train.length} with rtt`,
      wanted: 'rtt in every row, or in none',
    });
  if (have > 0) {
    const pairs = train.map(({ text, rtt }) => ({ source: text, rtt: rtt as string }));
    sayTrips(pairs.map(judged(v.tokenF1)), output, given.rtt);
    return pairs.map(({ source, rtt }) => ({ source, candidates: [rtt] }));
  }
  const texts = train.map(({ text }) => text);
  const { pivots, close } = await pivotsOf(o, texts, output, signal);
  const cache = v.roundTripFile(join(run.path, 'round-trips.jsonl'));
  const build = v.buildRoundTrips(texts, {
    pivots,
    pivotsPerSentence: o.pivotsPerSentence,
    tripsPerPivot: o.tripsPerPivot,
    temperature: o.tripTemperature,
    minSimilarity: o.minSimilarity,
    dropIdentical: o.dropIdentical,
    seed: o.seed,
    cache,
    signal,
  });
  const progress = new Progress(output, 'round trips');
  const trips: RoundTrip[] = [];
  try {
    for (;;) {
      const next = await build.next();
      if (next.done) {
        for (const [name, { identicalShare, meanEdits, droppedShare }] of Object.entries(next.value.pivots))
          progress.done(
            `${name}: ${(100 * identicalShare).toFixed(0)} % come back as they were, ${meanEdits.toFixed(1)} words differ, ${(100 * droppedShare).toFixed(0)} % left out`,
          );
        break;
      }
      trips.push(next.value);
      progress.update({ step: trips.length, total: o.pivotsPerSentence * o.tripsPerPivot * texts.length });
    }
  } finally {
    close();
  }
  sayTrips(trips, output, 'More sentences, a higher --min-similarity, --translators, or --objective ae or mix');
  return v.gatherRoundTrips(trips);
}

/** below it, round trips on the mean say something else */
const low = 0.5;

/** What is asked of a round trip, made or given. */
type Judged = Pick<RoundTrip, 'source' | 'rtt' | 'similarity' | 'identical'>;

/** A round trip that was given, judged as one that is made. */
const judged =
  (overlap: (a: string, b: string) => number) =>
  ({ source, rtt }: Pair): Judged => ({
    ...{ source, rtt },
    similarity: overlap(source, rtt),
    identical: source === rtt,
  });

/** What may help where given ones say something else. */
const given = {
  pairs: 'Look at the rows of --pairs, or take --objective ae or mix',
  rtt: 'Look at the column rtt, or take --objective ae or mix',
};

/** How near they come to their sentences, with two that differ; a warning where that is not near. @param fix what may help */
function sayTrips(trips: readonly Judged[], output: Vec2TextContext['output'], fix: string): void {
  const mean = trips.reduce((sum, { similarity }) => sum + similarity, 0) / trips.length;
  output.note(`round trips share ${mean.toFixed(2)} of their words with their sentences (F1), as`);
  for (const { source, rtt } of trips.filter(({ identical }) => !identical).slice(0, 2))
    output.note(`  ${source}  →  ${rtt}`);
  if (mean < low) output.note(`that is little: what is trained on them will not keep what a sentence says. ${fix}`);
}

/** The languages to go through, and what frees the models that translate. */
interface Pivots {
  pivots: Pivot[];
  close(): void;
}

/** The user's translators, or the telegraph style, of which the run says that it stands in for them. */
async function pivotsOf(
  o: Vec2TextFlags,
  texts: readonly string[],
  output: Vec2TextContext['output'],
  signal: AbortSignal,
): Promise<Pivots> {
  return o.translators === undefined
    ? { pivots: [await telegraphOf(o, texts, output)], close: () => {} }
    : translatorsOf(o.translators, o.translatorPrefixes, output, signal);
}

async function telegraphOf(
  o: Vec2TextFlags,
  texts: readonly string[],
  output: Vec2TextContext['output'],
): Promise<Pivot> {
  const { telegraphPivot } = await import('@gimbal/vec2text');
  const dropped = await droppedOf(o.telegraph, texts);
  output.note(
    `no --translators: round trips go through a telegraph style, without ${dropped === undefined ? 'English function words' : `the most frequent words (${dropped.slice(0, 8).join(', ')}${dropped.length > 8 ? ', …' : ''})`}, and back as these sentences have them`,
  );
  return telegraphPivot(texts, dropped && { dropped });
}

/** English where so many of the running words are function words; of an English text they are a third and more. */
const english = 0.1;

/** The words to leave out; undefined for the function words of English. */
async function droppedOf(which: Vec2TextFlags['telegraph'], texts: readonly string[]): Promise<string[] | undefined> {
  const { frequentWords, functionWords } = await import('@gimbal/vec2text');
  if (which === 'english') return undefined;
  if (which === 'auto') {
    const known = new Set(functionWords);
    const words = texts.flatMap((text) => text.toLowerCase().split(/[\s\p{P}]+/u)).filter((word) => word !== '');
    if (words.filter((word) => known.has(word)).length >= english * words.length) return undefined;
  }
  return frequentWords(texts);
}

/** @param folders one into each language, and one back */
async function translatorsOf(
  folders: readonly string[],
  prefixes: readonly string[] | undefined,
  output: Vec2TextContext['output'],
  signal: AbortSignal,
): Promise<Pivots> {
  const v = await import('@gimbal/vec2text');
  const { loadSeq2Seq } = await import('@gimbal/language-models');
  const opened: { translator: Translator; params: Params }[] = [];
  const close = (): void => {
    for (const { params } of opened) disposeTree(params);
  };
  const where = 'gimbal vec2text train --translators';
  try {
    for (const [i, folder] of folders.entries()) {
      const path = await modelPath(folder, where, hubOptions(output, signal));
      const { model, params, tokenizer } = await loadSeq2Seq(path);
      const prefix = prefixes?.[i] ?? '';
      if (tokenizer === undefined) {
        disposeTree(params);
        throw new DataError({ where, what: 'it has no tokenizer', got: folder });
      }
      opened.push({ translator: v.seq2seqTranslator({ name: folder, model, params, tokenizer, prefix }), params });
    }
  } catch (error) {
    close();
    throw error;
  }
  const pivots = Array.from({ length: folders.length / 2 }, (_, i): Pivot => {
    const [forward, back] = opened.slice(2 * i).map(({ translator }) => translator) as [Translator, Translator];
    return { name: folders.length === 2 ? 'translators' : `translators ${i + 1}`, forward, back };
  });
  return { pivots, close };
}
