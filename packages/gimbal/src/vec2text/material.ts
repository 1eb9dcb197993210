// What a model is trained on and measured by: sentences of a generated language, or the user's.
import { ConfigError, DataError, type Rng, rng } from '@gimbal/tensor-core';
import type { MeasuredRow, Oracles, TrainingRow } from '@gimbal/vec2text';
import { toyLanguages } from '@gimbal/worlds';
import { counted } from '../cli/format.ts';
import { checkHeldOut } from '../options/held-out.ts';
import type { RunFolder } from '../run/run-folder.ts';
import { needsTrips } from './objective.ts';
import { usualWorld, type Vec2TextContext, type Vec2TextFlags } from './options.ts';
import {
  type Attributes,
  languageAttributes,
  languageOracles,
  languageRows,
  languageTerms,
  lengthAttributes,
  type Terms,
  wordOracles,
  wordPairs,
  wordTerms,
} from './oracles.ts';
import { readSentences, repeatedRows } from './sentences.ts';
import { withTrips } from './trips.ts';

/** What is learnt from, and what is asked of the model. */
export interface Material {
  rows: TrainingRow[];
  held: MeasuredRow[];
  oracles: Oracles<unknown>;
  /** what the page calls what they find */
  terms: Terms;
  attributes: Attributes;
  /** of words, where they decide what is valid */
  pairs?: ReadonlySet<string>;
  roundTrip?: (source: string, stream: Rng) => string;
  /** its words, where they are all known; else a tokenizer is learnt */
  words?: readonly string[];
}

/** Sentences of the generated language; round trips through its lossless pivot are drawn anew at every step. */
export function ofLanguage(o: Vec2TextFlags): Material {
  const { world = usualWorld } = o;
  const { aish, bex } = toyLanguages({ preset: world });
  const held = languageRows(world, o.rows, rng(o.seed));
  const texts = aish.sentences(o.sentences, rng(o.seed).split('training'), { except: held.map(({ text }) => text) });
  return {
    rows: texts.map((source) => ({ source })),
    held,
    oracles: languageOracles(world) as Oracles<unknown>,
    terms: languageTerms,
    attributes: languageAttributes(world),
    words: aish.words,
    ...(needsTrips(o) && { roundTrip: (source, stream) => bex.roundTrip(source, stream).text }),
  };
}

/**
 * The user's sentences, with round trips that are given, made by translators, or made by the telegraph style.
 * @param enough refuses what is held out, before round trips are made
 */
export async function ofFile(
  o: Vec2TextFlags,
  context: Vec2TextContext,
  run: RunFolder,
  enough: (held: readonly string[]) => void,
): Promise<Material> {
  const { output } = context;
  const read = await readSentences(o.data as string, o.columns);
  const unique = [...new Map(read.map((row) => [row.text, row])).values()];
  const count = heldOutCount(o.heldOut, unique.length, read.length);
  const order = rng(o.seed).split('held out').shuffle(unique);
  const [held, train] = [order.slice(0, count), order.slice(count)];
  const repeated = repeatedRows(read.length, unique.length);
  output.note(`${counted(train.length, 'sentence')}, ${held.length} held out${repeated}`);
  enough(held.map(({ text }) => text));
  const rows = needsTrips(o)
    ? await withTrips(o, { train, held }, context, run)
    : train.map(({ text }) => ({ source: text }));
  const pairs = wordPairs(unique.map(({ text }) => text));
  const oracles = wordOracles(pairs) as Oracles<unknown>;
  const attributes = lengthAttributes(held.map(({ text }) => text));
  return { rows, held, oracles, terms: wordTerms, attributes, pairs };
}

/** sentences that can be measured, and that statistics can be made of */
const least = 2;

/**
 * How many sentences are held out of `n` different ones: a fiftieth, of few a tenth up to 20, unless --held-out says it.
 * @param rows of the file, of which some may be equal
 * @throws ConfigError, DataError where too few are left on either side
 */
function heldOutCount(asked: number | undefined, n: number, rows: number): number {
  if (asked === 1)
    throw new ConfigError({
      where: 'gimbal vec2text train --held-out',
      what: 'too few to measure on',
      got: asked,
      wanted: `a share below 1, or ${least} sentences or more`,
    });
  if (n >= 2 * least) checkHeldOut('vec2text train', asked, n);
  const usual = Math.min(1000, Math.max(n / 50, Math.min(20, n / 10)));
  const count = asked !== undefined && asked > 1 ? asked : Math.max(least, Math.round((asked ?? 0) * n || usual));
  if (n - count >= least) return count;
  throw new DataError({
    where: 'gimbal vec2text train --data',
    what: 'too few different sentences',
    got: n === rows ? n : `${n} in ${rows} rows`,
    wanted: `${count + least} or more: ${count} are held out to measure on, and ${least} or more are learnt from`,
    fix: `Give more sentences${asked === undefined ? '' : ', or a smaller --held-out'}`,
  });
}
