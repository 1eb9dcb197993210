// What is exactly known of Aish: entropies of the generator, and what no model can beat.
import { type AishSlot, slotSizes } from '@gimbal/worlds';

/** P(none) of an optional slot: drawn so, or made so with .3. */
const absent = (slot: AishSlot): number => 0.3 + 0.7 / slotSizes[slot];
const present = (slot: AishSlot): number => 1 - absent(slot);

const optional = ['agentAdjective', 'patientAdjective', 'place', 'time'] as const;
const entropy = (p: number): number => -p * Math.log(p);

/** H(meaning) in nats, of the typed variant. */
export const meaningNats =
  2 * Math.log(10) +
  Math.log(8) +
  optional.reduce((h, slot) => {
    const values = slotSizes[slot] - 1;
    return h + entropy(absent(slot)) + values * entropy(present(slot) / values);
  }, 0) +
  entropy(0.3) +
  entropy(0.7);

/** Bits of a wording: three synonyms and the voice always, one for an adjective, two for a place and a time. */
export const surfaceBits =
  4 + present('agentAdjective') + present('patientAdjective') + 2 * (present('place') + present('time'));

/** E[2^−bits]: nobody can guess the wording from the meaning. */
export const exactMatchCeiling =
  2 ** -4 *
  optional.reduce((e, slot) => {
    const bits = slot === 'place' || slot === 'time' ? 2 : 1;
    return e * (absent(slot) + present(slot) * 2 ** -bits);
  }, 1);

/** Mean tokens of a sentence with its EOS, counted over the generator's rules. */
export function meanTokens(): number {
  // the … VERB the …: 5 words, 'was … by' in half of all; a word by each adjective; 'did not' or 'not' where negated
  const core = 5 + 0.5 * 2 + 0.3 * (0.5 * 2 + 0.5 * 1) + present('agentAdjective') + present('patientAdjective');
  // every place has three words; times have 1, 3, 2, 2, 2 and 2
  return core + 3 * present('place') + 2 * present('time') + 1;
}

/** Cross-entropy floors in nats a token. */
export const floors = {
  rtt: (surfaceBits * Math.log(2)) / meanTokens(),
  lm: (surfaceBits * Math.log(2) + meaningNats) / meanTokens(),
};
