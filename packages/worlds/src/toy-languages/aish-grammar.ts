// Aish as text: what writes a meaning, and the recursive descent that reads it back.
//
//   sentence = [time] [place] core [place] [time]       each at most once; in front, time comes before place
//   active   = the [adj] AGENT (did not BASE | PAST) the [adj] PATIENT
//   passive  = the [adj] PATIENT was [not] PARTICIPLE by the [adj] AGENT
import type { AishLexicon, Synonyms, VerbForms } from './aish-lexicon.ts';
import type { AishMeaning, AishSurface } from './aish-meaning.ts';
import type { Utterance } from './language.ts';
import { splitWords } from './word-codec.ts';

/** Writes a meaning in these words. */
export function realiseAish(l: AishLexicon, m: AishMeaning, s: AishSurface): string {
  const noun = (adjectives: readonly Synonyms[], adjective: readonly [number, number], word: string): string => {
    const [value, bit] = adjective;
    return value === 0 ? `the ${word}` : `the ${adjectives[value - 1]?.[bit]} ${word}`;
  };
  const agent = noun(l.agentAdjectives, [m.agentAdjective, s.agentAdjective], l.agents[m.agent]?.[s.agent] as string);
  const patient = noun(
    l.patientAdjectives,
    [m.patientAdjective, s.patientAdjective],
    l.patients[m.patient]?.[s.patient] as string,
  );
  const [base, past, participle] = (l.verbs[m.verb] as readonly VerbForms[])[s.verb] as VerbForms;
  const core = s.passive
    ? `${patient} was ${m.negated ? 'not ' : ''}${participle} by ${agent}`
    : `${agent} ${m.negated ? `did not ${base}` : past} ${patient}`;
  const place = m.place === 0 ? '' : (l.places[m.place - 1]?.[s.place] as string);
  const time = m.time === 0 ? '' : (l.times[m.time - 1]?.[s.time] as string);
  const parts = [
    s.timeFirst ? time : '',
    s.placeFirst ? place : '',
    core,
    s.timeFirst ? '' : time,
    s.placeFirst ? '' : place,
  ];
  return parts.filter((part) => part !== '').join(' ');
}

/** Which entry and which of its synonyms. */
type Place = readonly [entry: number, synonym: number];

/** Words by what they are, for reading. */
interface Index {
  readonly agents: ReadonlyMap<string, Place>;
  readonly patients: ReadonlyMap<string, Place>;
  readonly agentAdjectives: ReadonlyMap<string, Place>;
  readonly patientAdjectives: ReadonlyMap<string, Place>;
  readonly bases: ReadonlyMap<string, Place>;
  readonly pasts: ReadonlyMap<string, Place>;
  readonly participles: ReadonlyMap<string, Place>;
  readonly places: readonly (readonly [words: readonly string[], place: Place])[];
  readonly times: readonly (readonly [words: readonly string[], place: Place])[];
}

const byWord = (entries: readonly (readonly [string, string])[]): ReadonlyMap<string, Place> =>
  new Map(entries.flatMap((pair, entry) => pair.map((word, synonym): [string, Place] => [word, [entry, synonym]])));

const byWords = (entries: readonly Synonyms[]): Index['places'] =>
  entries.flatMap((pair, entry) => pair.map((text, synonym) => [text.split(' '), [entry, synonym] as const] as const));

/** Makes the reader of a lexicon: undefined for a text that is no sentence of it. */
export function aishParser(
  l: AishLexicon,
  distinct: boolean,
): (text: string) => Utterance<AishMeaning, AishSurface> | undefined {
  const form = (k: 0 | 1 | 2) => byWord(l.verbs.map(([a, b]) => [(a as VerbForms)[k], (b as VerbForms)[k]] as const));
  const index: Index = {
    agents: byWord(l.agents),
    patients: byWord(l.patients),
    agentAdjectives: byWord(l.agentAdjectives),
    patientAdjectives: byWord(l.patientAdjectives),
    bases: form(0),
    pasts: form(1),
    participles: form(2),
    places: byWords(l.places),
    times: byWords(l.times),
  };
  return (text) => {
    const found = new Reader(index, splitWords(text)).sentence();
    return distinct && found?.meaning.agent === found?.meaning.patient ? undefined : found;
  };
}

type Noun = { entry: Place; adjective: Place | undefined };

class Reader {
  #at = 0;

  constructor(
    readonly index: Index,
    readonly words: readonly string[],
  ) {}

  sentence(): Utterance<AishMeaning, AishSurface> | undefined {
    const { index } = this;
    const timeFirst = this.#phrase(index.times);
    const placeFirst = this.#phrase(index.places);
    const core = this.#active() ?? this.#passive();
    if (core === undefined) return undefined;
    const time = timeFirst ?? this.#phrase(index.times);
    const place = placeFirst ?? this.#phrase(index.places);
    if (this.#at !== this.words.length) return undefined;
    const { agent, verb, patient, negated, passive } = core;
    return {
      meaning: {
        agent: agent.entry[0],
        verb: verb[0],
        patient: patient.entry[0],
        agentAdjective: agent.adjective ? agent.adjective[0] + 1 : 0,
        patientAdjective: patient.adjective ? patient.adjective[0] + 1 : 0,
        place: place ? place[0] + 1 : 0,
        time: time ? time[0] + 1 : 0,
        negated: Number(negated),
      },
      surface: {
        agent: agent.entry[1],
        verb: verb[1],
        patient: patient.entry[1],
        agentAdjective: agent.adjective?.[1] ?? 0,
        patientAdjective: patient.adjective?.[1] ?? 0,
        place: place?.[1] ?? 0,
        time: time?.[1] ?? 0,
        passive: Number(passive),
        placeFirst: Number(placeFirst !== undefined),
        timeFirst: Number(timeFirst !== undefined),
      },
    };
  }

  #active() {
    return this.#attempt(() => {
      const agent = this.#agent();
      if (agent === undefined) return undefined;
      const negated = this.#word('did');
      if (negated && !this.#word('not')) return undefined;
      const verb = this.#entry(negated ? this.index.bases : this.index.pasts);
      const patient = verb && this.#patient();
      return patient && { agent, verb, patient, negated, passive: false };
    });
  }

  #passive() {
    return this.#attempt(() => {
      const patient = this.#patient();
      if (patient === undefined || !this.#word('was')) return undefined;
      const negated = this.#word('not');
      const verb = this.#entry(this.index.participles);
      const agent = verb && this.#word('by') ? this.#agent() : undefined;
      return agent && verb && { agent, verb, patient, negated, passive: true };
    });
  }

  #agent(): Noun | undefined {
    return this.#noun(this.index.agentAdjectives, this.index.agents);
  }

  #patient(): Noun | undefined {
    return this.#noun(this.index.patientAdjectives, this.index.patients);
  }

  #noun(adjectives: ReadonlyMap<string, Place>, nouns: ReadonlyMap<string, Place>): Noun | undefined {
    if (!this.#word('the')) return undefined;
    const adjective = this.#entry(adjectives);
    const entry = this.#entry(nouns);
    return entry && { entry, adjective };
  }

  /** What was read, or undefined with nothing consumed. */
  #attempt<T>(read: () => T | undefined): T | undefined {
    const before = this.#at;
    const found = read();
    if (found === undefined) this.#at = before;
    return found;
  }

  #word(word: string): boolean {
    if (this.words[this.#at] !== word) return false;
    this.#at++;
    return true;
  }

  #entry(entries: ReadonlyMap<string, Place>): Place | undefined {
    const found = entries.get(this.words[this.#at] ?? '');
    if (found) this.#at++;
    return found;
  }

  #phrase(phrases: Index['places']): Place | undefined {
    for (const [words, place] of phrases) {
      if (!words.every((word, i) => this.words[this.#at + i] === word)) continue;
      this.#at += words.length;
      return place;
    }
    return undefined;
  }
}
