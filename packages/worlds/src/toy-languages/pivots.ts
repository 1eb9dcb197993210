// The pivot languages of Aish: Bex, which keeps every meaning and no wording, and Cor, which also merges two pairs of
// meanings. One word a concept, made up; no synonyms, no voice, nothing to choose.
//
//   Bex: TIME PLACE AGENT-ka ADJ PATIENT-lo ADJ VERB(-ne if negated)        verb last
//   Cor: VERB(-mu if negated) AGENT ADJ PATIENT-s ADJ PLACE TIME            verb first
import { type AishMeaning, type AishSlot, drawMeaning, optionalSlots, slotSizes, wordSlots } from './aish-meaning.ts';
import type { ToyLanguage } from './language.ts';
import { splitWords } from './word-codec.ts';

/** A language of Aish's meanings in which there is nothing to choose. */
export interface PivotLanguage extends ToyLanguage<AishMeaning, Record<never, never>> {
  /** Every meaning that this text may have, the first the plainest; none where it is no sentence. */
  readings(text: string): AishMeaning[];
}

type WordSlot = (typeof wordSlots)[number];
const optional: ReadonlySet<AishSlot> = new Set(optionalSlots);

interface PivotRules {
  readonly name: string;
  /** consonants and vowels that its words are made of */
  readonly letters: readonly [string, string];
  readonly order: readonly WordSlot[];
  readonly suffixes: Readonly<Partial<Record<WordSlot, string>>>;
  readonly negation: string;
  /** values that share a word with another: slot → value → whose word it is */
  readonly merged: Readonly<Partial<Record<WordSlot, Readonly<Record<number, number>>>>>;
  /** whether agents and patients, and their adjectives, are the same words */
  readonly shared: boolean;
}

/** Bex: lossless, verb last. */
export const bexRules = (shared: boolean): PivotRules => ({
  name: 'bex',
  letters: ['bdgkmprtvz', 'aeiou'],
  order: ['time', 'place', 'agent', 'agentAdjective', 'patient', 'patientAdjective', 'verb'],
  suffixes: { agent: '-ka', patient: '-lo' },
  negation: '-ne',
  merged: {},
  shared,
});

/** Cor: verb first; the first two adjectives of agents and the first two places have one word. */
export const corRules = (shared: boolean): PivotRules => ({
  name: 'cor',
  letters: ['cfhjlnqswx', 'aeioy'],
  order: ['verb', 'agent', 'agentAdjective', 'patient', 'patientAdjective', 'place', 'time'],
  suffixes: { patient: '-s' },
  negation: '-mu',
  // with one set of adjectives the word means both, whoever has it
  merged: { agentAdjective: { 2: 1 }, place: { 2: 1 }, ...(shared && { patientAdjective: { 2: 1 } }) },
  shared,
});

/** Makes a pivot language of its rules. */
export function pivotLanguage(rules: PivotRules): PivotLanguage {
  const words = lexicon(rules);
  const mergedOf = (slot: WordSlot, value: number): number => rules.merged[slot]?.[value] ?? value;
  const wordOf = (m: AishMeaning, slot: WordSlot): string => {
    const value = m[slot];
    if (value === 0 && optional.has(slot)) return '';
    const stem = words[slot][mergedOf(slot, value)] as string;
    return `${stem}${rules.suffixes[slot] ?? ''}${slot === 'verb' && m.negated ? rules.negation : ''}`;
  };
  /** the values a word may stand for in a slot */
  const values = Object.fromEntries(
    wordSlots.map((slot) => {
      const found = new Map<string, number[]>();
      for (let value = optional.has(slot) ? 1 : 0; value < slotSizes[slot]; value++) {
        const stem = `${words[slot][mergedOf(slot, value)]}${rules.suffixes[slot] ?? ''}`;
        found.set(stem, [...(found.get(stem) ?? []), value]);
      }
      return [slot, found];
    }),
  ) as Record<WordSlot, Map<string, number[]>>;

  const readings = (text: string): AishMeaning[] => {
    const list = splitWords(text);
    let at = 0;
    const found: Record<string, number>[] = [{ negated: 0 }];
    for (const slot of rules.order) {
      let word = list[at] ?? '';
      if (slot === 'verb' && word.endsWith(rules.negation)) {
        word = word.slice(0, -rules.negation.length);
        for (const m of found) m.negated = 1;
      }
      const known = values[slot].get(word);
      if (known) at++;
      else if (!optional.has(slot)) return [];
      const [first = 0, ...others] = known ?? [];
      // an ambiguous word makes more readings of each
      for (const m of found.slice()) {
        for (const value of others) found.push({ ...m, [slot]: value });
        m[slot] = first;
      }
    }
    return at === list.length ? (found as unknown as AishMeaning[]) : [];
  };

  return {
    name: rules.name,
    words: [
      ...new Set(wordSlots.flatMap((slot) => [...values[slot].keys()])),
      ...[...values.verb.keys()].map((word) => `${word}${rules.negation}`),
    ],
    generate: (rng) => ({ meaning: drawMeaning(rng, rules.shared), surface: {} }),
    drawSurface: () => ({}),
    realise: (m) =>
      rules.order
        .map((slot) => wordOf(m, slot))
        .filter((word) => word !== '')
        .join(' '),
    parse(text) {
      const meaning = readings(text)[0];
      return meaning && { meaning, surface: {} };
    },
    readings,
  };
}

/** Stems by slot and value: two syllables, counted through the letters, so that no two are equal. */
function lexicon({ letters: [consonants, vowels], shared }: PivotRules): Record<WordSlot, string[]> {
  let made = 0;
  const stem = (): string => {
    const [c, v] = [consonants.length, vowels.length];
    const n = made++;
    // 7 is prime to 10 and 3 to 5: neighbours differ in every letter
    const at = (letters: string, i: number): string => letters[i % letters.length] as string;
    return `${at(consonants, n)}${at(vowels, Math.floor(n / c))}${at(consonants, 7 * n + Math.floor(n / c))}${at(vowels, 3 * n + Math.floor(n / (c * v)))}`;
  };
  const list = (slot: WordSlot): string[] => Array.from({ length: slotSizes[slot] }, stem);
  const [agent, agentAdjective] = [list('agent'), list('agentAdjective')];
  const [patient, patientAdjective] = shared ? [agent, agentAdjective] : [list('patient'), list('patientAdjective')];
  return {
    agent,
    agentAdjective,
    patient,
    patientAdjective,
    verb: list('verb'),
    place: list('place'),
    time: list('time'),
  };
}
