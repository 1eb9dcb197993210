// What an Aish sentence means, and how it may be worded: eight slots and ten bits.
import { drawOther } from '../internal/draw.ts';
import type { Rng } from '../rng.ts';

/** The slots whose value is a word or a phrase, in order: each has two synonyms. */
export const wordSlots = ['agent', 'verb', 'patient', 'agentAdjective', 'patientAdjective', 'place', 'time'] as const;

/** Those that a sentence may leave out. */
export const optionalSlots = ['agentAdjective', 'patientAdjective', 'place', 'time'] as const;

/** The slots of a meaning, in order. */
export const aishSlots = [...wordSlots, 'negated'] as const;

/** A slot's name. */
export type AishSlot = (typeof aishSlots)[number];

/** Values by slot, from 0; for adjectives, place and time 0 is none, and for `negated` it is no. */
export type AishMeaning = Readonly<Record<AishSlot, number>>;

/** The bits of a wording, in order: which synonym of seven slots, voice, what stands in front. */
export const aishBits = [...wordSlots, 'passive', 'placeFirst', 'timeFirst'] as const;

/** A bit's name. */
export type AishBit = (typeof aishBits)[number];

/** 0 or 1 by bit; 0 where it says nothing, as the place's bits of a sentence without a place. */
export type AishSurface = Readonly<Record<AishBit, number>>;

/** How many values each slot has: 10, 8, 10, 7, 7, 6, 4, 2. */
export const slotSizes: Readonly<Record<AishSlot, number>> = {
  agent: 10,
  verb: 8,
  patient: 10,
  agentAdjective: 7,
  patientAdjective: 7,
  place: 6,
  time: 4,
  negated: 2,
};

/** Slots uniform, then each optional one none with .3, negated with .3. */
export function drawMeaning(rng: Rng, distinct: boolean): AishMeaning {
  const m = {} as Record<AishSlot, number>;
  for (const slot of aishSlots) m[slot] = rng.int(slotSizes[slot]);
  if (distinct) m.patient = drawOther(slotSizes.patient, m.agent, rng);
  for (const slot of optionalSlots) if (rng.uniform() < 0.3) m[slot] = 0;
  m.negated = Number(rng.uniform() < 0.3);
  return m;
}

/** Whether a bit says something about a sentence of this meaning. */
export function applies(bit: AishBit, m: AishMeaning): boolean {
  if (bit === 'agentAdjective' || bit === 'patientAdjective') return m[bit] > 0;
  if (bit === 'place' || bit === 'placeFirst') return m.place > 0;
  if (bit === 'time' || bit === 'timeFirst') return m.time > 0;
  return true;
}

/** The bits that apply as they are asked for, the others 0. */
export const surfaceOf = (m: AishMeaning, bit: (name: AishBit) => number): AishSurface => {
  const s = {} as Record<AishBit, number>;
  for (const name of aishBits) s[name] = applies(name, m) ? bit(name) : 0;
  return s;
};

/** Every bit by a fair coin, whether or not it will apply. */
export const drawSurface = (rng: Rng): AishSurface => {
  const s = {} as Record<AishBit, number>;
  const coins = rng.int(1 << aishBits.length);
  for (const [i, name] of aishBits.entries()) s[name] = (coins >> i) & 1;
  return s;
};

/** Share of equal slots. */
export const agreement = (a: AishMeaning, b: AishMeaning): number =>
  aishSlots.filter((slot) => a[slot] === b[slot]).length / aishSlots.length;
