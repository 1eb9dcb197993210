// The words of Aish, an English of 8 slots (issue: sentences with known meaning). Every content word has two synonyms, of
// which neither means anything else, so that a sentence's meaning is known and its wording is free.

/** Two words, or two runs of words, for one thing. */
export type Synonyms = readonly [string, string];
/** Base, past and participle. */
export type VerbForms = readonly [base: string, past: string, participle: string];

/** The words of one variant, by slot. */
export interface AishLexicon {
  readonly agents: readonly Synonyms[];
  readonly patients: readonly Synonyms[];
  readonly agentAdjectives: readonly Synonyms[];
  readonly patientAdjectives: readonly Synonyms[];
  readonly verbs: readonly (readonly [VerbForms, VerbForms])[];
  readonly places: readonly Synonyms[];
  readonly times: readonly Synonyms[];
}

/** `box/crate lamp/lantern` → pairs. */
const pairs = (text: string): Synonyms[] => text.split(' ').map((pair) => pair.split('/') as unknown as Synonyms);

/** `see/saw/seen=spot find/found=locate` → pairs of forms; what is left out is regular. */
const verbs = (text: string): (readonly [VerbForms, VerbForms])[] =>
  text.split(' ').map((pair) => pair.split('=').map(forms) as unknown as readonly [VerbForms, VerbForms]);

function forms(text: string): VerbForms {
  const [base, past = regular(base as string), participle = past] = text.split('/');
  return [base as string, past, participle];
}

/** push → pushed, chase → chased, spot → spotted */
function regular(base: string): string {
  if (base.endsWith('e')) return `${base}d`;
  return doubled.has(base) ? `${base}${base.at(-1)}ed` : `${base}ed`;
}
const doubled = new Set(['spot', 'grab']);

const places: Synonyms[] = [
  ['in the forest', 'in the woods'],
  ['at the shop', 'at the store'],
  ['near the sea', 'near the ocean'],
  ['on the road', 'on the street'],
  ['in the house', 'in the home'],
];

const times: Synonyms[] = [
  ['yesterday', 'the day before'],
  ['this morning', 'earlier today'],
  ['at night', 'after dark'],
];

const persons = pairs(
  'boy/lad girl/lass doctor/physician teacher/instructor farmer/grower king/monarch thief/robber child/kid baker/breadmaker sailor/seaman',
);

const typed: AishLexicon = {
  agents: persons,
  patients: pairs(
    'box/crate lamp/lantern stone/rock coat/jacket picture/painting cup/mug bag/sack boat/ship hat/cap rug/carpet',
  ),
  agentAdjectives: pairs('angry/furious happy/glad smart/clever brave/bold quiet/silent rich/wealthy'),
  patientAdjectives: pairs('big/large small/little old/ancient clean/spotless broken/damaged heavy/weighty'),
  verbs: verbs(
    'see/saw/seen=spot find/found=locate push=shove draw/drew/drawn=sketch hide/hid/hidden=conceal hit/hit=strike/struck fix=repair take/took/taken=grab',
  ),
  places,
  times,
};

const nouns = [...pairs('dog/hound cat/feline'), ...persons.slice(0, 8)];
const adjectives = pairs('big/large small/little angry/furious happy/glad old/aged smart/clever');

const reversible: AishLexicon = {
  agents: nouns,
  patients: nouns,
  agentAdjectives: adjectives,
  patientAdjectives: adjectives,
  verbs: verbs(
    'see/saw/seen=spot help=assist chase=pursue hit/hit=strike/struck praise=commend find/found=locate push=shove scare=frighten',
  ),
  places,
  times,
};

/** The lexicon of each variant. */
export const aishLexicons = { typed, reversible } as const;
