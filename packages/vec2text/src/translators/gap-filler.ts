// What stood between two words once function words are left out: counted in texts, and put back by chance.
import type { Rng } from '@gimbal/tensor-core';
import { wordsOf } from '../data/similarity.ts';

/** How often each filling stood at a place: function words parted by spaces, or nothing. */
class Counts {
  total = 0;
  readonly of = new Map<string, number>();

  add(filling: string): void {
    this.total++;
    this.of.set(filling, (this.of.get(filling) ?? 0) + 1);
  }

  /** Chance by Witten and Bell (1991): what was not seen here has the share of the distinct ones, as `otherwise` parts it. */
  chance(filling: string, otherwise: number): number {
    const distinct = this.of.size;
    if (distinct === 0) return otherwise;
    return ((this.of.get(filling) ?? 0) + distinct * otherwise) / (this.total + distinct);
  }
}

/** before the first word and after the last */
const edge = '\n';
const none = new Counts();

/**
 * Learns what stands between two words.
 * @param isDropped which words are left out
 * @returns puts them between kept ones: the likeliest at temperature 0, else by chance, one draw a gap from the stream
 */
export function gapFiller(
  texts: Iterable<string>,
  isDropped: (word: string) => boolean,
): (kept: readonly string[], temperature: number, stream: Rng) => string {
  const all = new Counts();
  const places = new Map<string, Counts>();
  const keysOf = (left: string, right: string): [string, string, string] => [
    `${left} `,
    ` ${right}`,
    `${left} ${right}`,
  ];
  const learn = (left: string, filling: string, right: string): void => {
    all.add(filling);
    for (const key of keysOf(left, right)) {
      const counts = places.get(key) ?? new Counts();
      counts.add(filling);
      places.set(key, counts);
    }
  };
  for (const text of texts) {
    let [left, filling] = [edge, [] as string[]];
    for (const word of wordsOf(text)) {
      if (isDropped(word)) filling.push(word);
      else {
        learn(left, filling.join(' '), word.toLowerCase());
        [left, filling] = [word.toLowerCase(), []];
      }
    }
    learn(left, filling.join(' '), edge);
  }

  /** Fillings that stood beside one of the two, each with its chance; any that was seen where neither is known. */
  const chancesOf = (left: string, right: string): [filling: string, chance: number][] => {
    const [after, before, between] = keysOf(left, right).map((key) => places.get(key) ?? none) as [
      Counts,
      Counts,
      Counts,
    ];
    const seen = new Set([...after.of.keys(), ...before.of.keys()]);
    const fillings = [...(seen.size > 0 ? seen : all.of.keys())];
    // both words speak for a filling, its frequency counts once
    const weights = fillings.map((filling) => {
      const frequency = (all.of.get(filling) as number) / all.total;
      return (after.chance(filling, frequency) * before.chance(filling, frequency)) / frequency;
    });
    const sum = weights.reduce((a, b) => a + b, 0);
    return fillings.map((filling, i) => [filling, between.chance(filling, (weights[i] as number) / sum)]);
  };
  return (kept, temperature, stream) => {
    const words = ['', ...kept, ''];
    const parts: string[] = [];
    for (let i = 1; i < words.length; i++) {
      const [left, right] = [words[i - 1] as string, words[i] as string];
      parts.push(left, drawn(chancesOf(left.toLowerCase() || edge, right.toLowerCase() || edge), temperature, stream));
    }
    return parts.filter((part) => part !== '').join(' ');
  };
}

/** One of them, by chance to the power of 1/temperature; the likeliest at 0, of equal ones the first. */
function drawn(chances: readonly (readonly [string, number])[], temperature: number, stream: Rng): string {
  const most = Math.max(...chances.map(([, chance]) => chance));
  const first = chances.find(([, chance]) => chance === most) as readonly [string, number];
  if (temperature === 0) return first[0];
  // shares of the likeliest, so that no low temperature makes all of them 0
  const weights = chances.map(([, chance]) => (chance / most) ** (1 / temperature));
  let left = stream.uniform() * weights.reduce((a, b) => a + b, 0);
  for (const [i, [filling]] of chances.entries()) {
    left -= weights[i] as number;
    if (left < 0) return filling;
  }
  return first[0];
}
