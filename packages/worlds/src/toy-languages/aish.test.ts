import { isDeepStrictEqual } from 'node:util';
import { stream } from '../../test/stream.ts';
import { toyLanguages } from '../index.ts';
import { aishBits, aishSlots, applies } from './aish-meaning.ts';

const variants = ['typed', 'reversible'] as const;
/** Whether two records hold the same, in any order; expect() is too slow for thousands of them. */
const same = (a: unknown, b: unknown): boolean => isDeepStrictEqual(a, b);
const zero = Object.fromEntries(aishSlots.map((slot) => [slot, 0])) as never;
const plain = Object.fromEntries(aishBits.map((bit) => [bit, 0])) as never;

describe.each(variants)('toyLanguages: preset %s', (preset) => {
  const { aish, bex, cor } = toyLanguages({ preset });

  it('has the words that were counted, each once', () => {
    expect(aish.words).toHaveLength(preset === 'typed' ? 128 : 93); // and four marks: 132 and 97
    for (const { words } of [aish, bex, cor]) expect(new Set(words).size).toBe(words.length);
  });

  it('reads what it writes, in at most 16 words of its own, 10.4 on average', () => {
    const rng = stream(1);
    const known = new Set(aish.words);
    let words = 0;
    for (let i = 0; i < 4000; i++) {
      const { meaning, surface } = aish.generate(rng);
      const text = aish.realise(meaning, surface);
      if (!same(aish.parse(text), { meaning, surface })) throw new Error(text);
      const list = text.split(' ');
      words += list.length;
      if (list.length > 16 || !list.every((word) => known.has(word))) throw new Error(text);
      const read = [bex.parse(bex.realise(meaning, {})), ...cor.readings(cor.realise(meaning, {}))];
      const good = same(read[0], { meaning, surface: {} }) && read.slice(1).some((m) => same(m, meaning));
      if (!good) throw new Error(text);
    }
    expect(Math.abs(words / 4000 - 10.45)).toBeLessThan(0.1);
  });

  it('spends 7.42 bits on the wording of a sentence', () => {
    const rng = stream(2);
    let bits = 0;
    for (let i = 0; i < 4000; i++) {
      const { meaning } = aish.generate(rng);
      bits += aishBits.filter((bit) => applies(bit, meaning)).length;
    }
    expect(Math.abs(bits / 4000 - 7.417)).toBeLessThan(0.1); // standard error .03
  });

  it('comes back from Bex with its meaning in a fresh wording, and from Cor as derived', () => {
    const rng = stream(3);
    const n = 4000;
    let [altered, kept, counted] = [0, 0, 0];
    for (let i = 0; i < n; i++) {
      const { meaning, surface } = aish.generate(rng);
      const text = aish.realise(meaning, surface);
      const back = aish.parse(bex.roundTrip(text, rng).text);
      if (!same(back?.meaning, meaning)) throw new Error(text);
      for (const bit of aishBits.filter((name) => applies(name, meaning))) {
        counted++;
        kept += Number(back?.surface[bit] === surface[bit]);
      }
      altered += Number(aish.agree(aish.sem(cor.roundTrip(text, rng).text) as never, meaning) < 1);
    }
    expect(Math.abs(kept / counted - 0.5)).toBeLessThan(0.015);
    // .1 by the adjective (of agents; of either where there is one set), .117 by the place
    expect(Math.abs(altered / n - (preset === 'typed' ? 0.205 : 0.285))).toBeLessThan(0.025);
  });

  it('changes one of agent, verb and patient for an edit, and only words for a paraphrase', () => {
    const rng = stream(4);
    for (let i = 0; i < 500; i++) {
      const { meaning, surface } = aish.generate(rng);
      const text = aish.realise(meaning, surface);
      const edit = aish.parse(aish.edit(text, rng) as string);
      const good = same(edit?.surface, surface) && aish.agree(edit?.meaning as never, meaning) === 7 / 8;
      if (!good || !same(aish.sem(aish.paraphrase(text, rng) as string), meaning)) throw new Error(text);
    }
  });

  it('draws sentences of other meanings than those left out', () => {
    const heldOut = aish.sentences(300, stream(5));
    const known = new Set(heldOut.map((text) => JSON.stringify(aish.sem(text))));
    const drawn = aish.sentences(300, stream(5), { except: heldOut });
    expect(drawn.filter((text) => known.has(JSON.stringify(aish.sem(text))))).toEqual([]);
  });
});

it('writes by hand', () => {
  const { aish, bex } = toyLanguages({ preset: 'typed' });
  const m = { ...(zero as object), patientAdjective: 1, place: 2, time: 1, negated: 1 } as never;
  expect(aish.realise(zero, plain)).toBe('the boy saw the box');
  expect(aish.realise(m, plain)).toBe('the boy did not see the big box yesterday at the shop');
  const turned = { ...(plain as object), passive: 1, placeFirst: 1, verb: 1, time: 1 } as never;
  expect(aish.realise(m, turned)).toBe('at the shop the big box was not spotted by the boy the day before');
  expect(bex.realise(m, {}).split(' ')).toHaveLength(6);
  expect(bex.realise(m, {})).toMatch(/^\w+ \w+ \w+-ka \w+-lo \w+ \w+-ne$/);
});

it('does not read what it would not write', () => {
  const { aish, bex } = toyLanguages({ preset: 'typed' });
  const bad = ['', 'the boy', 'the box saw the boy', 'the boy saw the angry box', 'the boy did see the box'];
  bad.push('the boy saw the box yesterday yesterday', 'at the shop yesterday the boy saw the box', 'the boy saw box');
  for (const text of bad) {
    expect(aish.parse(text)).toBeUndefined();
    expect([aish.valid(text), aish.edit(text, stream(0)), aish.paraphrase(text, stream(0))]).toEqual([
      false,
      undefined,
      undefined,
    ]);
  }
  expect(toyLanguages({ preset: 'reversible' }).aish.parse('the dog saw the hound')).toBeUndefined();
  expect(bex.parse('x')).toBeUndefined();
  expect(() => bex.roundTrip('the box saw', stream(0))).toThrow(
    'toyLanguages bex: no sentence of Aish; got the box saw, wanted words in its order.',
  );
});

it('keeps bits of the wording, replaces slots, writes translationese, as asked', async () => {
  const rng = stream(6);
  const rate = (o: object, hit: (text: string, back: string) => boolean): number => {
    const { aish, bex } = toyLanguages({ preset: 'typed', ...o });
    const texts = aish.sentences(2000, rng);
    return texts.filter((text) => hit(text, bex.roundTrip(text, rng).text)).length / texts.length;
  };
  const { aish } = toyLanguages({ preset: 'typed' });
  expect(rate({ surfaceKeep: 1 }, (text, back) => text === back)).toBe(1);
  expect(
    Math.abs(rate({ slotNoise: 0.2 }, (a, b) => aish.agree(aish.sem(a) as never, aish.sem(b) as never) < 1) - 0.2),
  ).toBeLessThan(0.03);
  const isPlain = (_: string, back: string): boolean =>
    Object.values(aish.parse(back)?.surface ?? { bad: 1 }).every((bit) => bit === 0);
  expect(rate({ translationese: true }, isPlain)).toBe(1);

  const { bex } = toyLanguages({ preset: 'typed' });
  const texts = aish.sentences(5, rng);
  const there = await bex.forward.translate(texts, { rng });
  const back = await bex.back.translate(there, { rng });
  expect(back.map((text) => aish.sem(text))).toEqual(texts.map((text) => aish.sem(text)));
});

it('refuses options out of range, of another preset, misspelt', () => {
  expect(() => toyLanguages({ preset: 'typed', surfaceKeep: 2 })).toThrow('surfaceKeep is no probability');
  expect(() => toyLanguages({ preset: 'typed', surfaceKep: 0.5 } as never)).toThrow('Did you mean surfaceKeep?');
  expect(() => toyLanguages({ preset: 'aish' as never })).toThrow('unknown preset');
});
