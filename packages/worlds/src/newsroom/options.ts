// The newsroom's options: what an article holds, how a reference is written, how often it lies, and how many words
// there are. The numbers of the default are those of rlef's benchmark world.

import { WorldError } from '../errors.ts';
import { checkCount, checkDistribution, checkKnown, checkRate } from '../internal/check.ts';

/** What the world is like; all optional, with {@link newsroomDefaults}. */
export interface NewsroomOptions {
  /** `mini`: 2 facts, 4 subjects, 3 verbs, 8 objects, no synonyms or categories, 3 styles: 25 ids. */
  preset?: 'mini';
  /** Facts in an article (4). */
  facts?: number;
  /** How many of them are main facts, marked as headlines (1). */
  heads?: number;
  /** Style words; when there are any, one opens each reference (0). */
  styles?: number;
  /** Words that name who acts (16). */
  subjects?: number;
  /** Verbs of the articles (6). */
  verbs?: number;
  /** Whether each verb has a synonym that only summaries use (true). */
  synonyms?: boolean;
  /** Words that name what is acted on (24). */
  objects?: number;
  /** Objects in a category: object o is in category ⌊o / categorySize⌋; 0 = no category words (4). */
  categorySize?: number;
  /** P(1 clause), P(2), … of a reference, cut to the number of facts ([.60, .35, .05]). */
  clauseRates?: readonly number[];
  /** P(the main facts come first), else the facts come in random order (.70). */
  mainFirstRate?: number;
  /** P(a verb is written as its synonym) (.5). */
  synonymRate?: number;
  /** P(an object is written as its category) (.25). */
  categoryRate?: number;
  /** P(a clause takes the subject's stereotype as its object) (.45). */
  stereotypeRate?: number;
  /** P(another error | no stereotype), of four kinds alike (.25). */
  errorRate?: number;
  /** Seed of the stereotypes, which belong to the world and not to a run (12345). */
  worldSeed?: number;
}

/** The options with every default filled in. */
export type NewsroomSettings = Required<Omit<NewsroomOptions, 'preset'>>;

/** The defaults of {@link newsroom}: the world of rlef's experiments, 65 ids. */
export const newsroomDefaults: NewsroomSettings = {
  facts: 4,
  heads: 1,
  styles: 0,
  subjects: 16,
  verbs: 6,
  synonyms: true,
  objects: 24,
  categorySize: 4,
  clauseRates: [0.6, 0.35, 0.05],
  mainFirstRate: 0.7,
  synonymRate: 0.5,
  categoryRate: 0.25,
  stereotypeRate: 0.45,
  errorRate: 0.25,
  worldSeed: 12345,
};

/** Named worlds: the options that differ from {@link newsroomDefaults}. */
export const newsroomPresets = {
  mini: { facts: 2, subjects: 4, verbs: 3, synonyms: false, objects: 8, categorySize: 0, styles: 3 },
} as const satisfies Record<string, NewsroomOptions>;

/**
 * Shifted data for what was trained on the default world, each as options to add to yours: `retemplated` writes the
 * same facts in another manner, `longer` has five facts. The third shift, hot samples (T = 1.6), needs a model.
 */
export const newsroomShifts = {
  retemplated: { clauseRates: [0.2, 0.4, 0.4], categoryRate: 0.5, synonymRate: 0.2, mainFirstRate: 0.3 },
  longer: { facts: 5 },
} as const satisfies Record<string, NewsroomOptions>;

/**
 * Fills in the defaults and checks each option.
 * @throws WorldError (`config`) for an unknown or impossible option
 */
export function newsroomSettings({ preset, ...own }: NewsroomOptions = {}): NewsroomSettings {
  const where = 'newsroom';
  if (preset !== undefined && !Object.hasOwn(newsroomPresets, preset)) {
    const wanted = Object.keys(newsroomPresets).join(', ');
    throw new WorldError('config', { where, what: 'unknown preset', got: preset, wanted });
  }
  checkKnown(where, own, Object.keys(newsroomDefaults));
  const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
  const s: NewsroomSettings = { ...newsroomDefaults, ...(preset && newsroomPresets[preset]), ...given };

  checkCount(where, 'subjects', s.subjects, 2);
  checkCount(where, 'verbs', s.verbs, 2);
  checkCount(where, 'objects', s.objects, 3);
  // subjects and objects of an article are distinct, and an error needs one object that the article lacks
  checkCount(where, 'facts', s.facts, 1, Math.min(s.subjects, s.objects - 1));
  checkCount(where, 'heads', s.heads, 0, s.facts);
  checkCount(where, 'styles', s.styles, 0);
  checkCount(where, 'categorySize', s.categorySize, 0, s.objects);
  checkDistribution(where, 'clauseRates', s.clauseRates);
  for (const name of ['mainFirstRate', 'synonymRate', 'categoryRate', 'stereotypeRate', 'errorRate'] as const) {
    checkRate(where, name, s[name]);
  }
  checkCount(where, 'worldSeed', s.worldSeed, 0);
  return s;
}
