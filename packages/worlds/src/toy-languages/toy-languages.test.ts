import fc from 'fast-check';
import { stream } from '../../test/stream.ts';
import { toyLanguages } from '../index.ts';

const world = toyLanguages();
const { source, target, ids, promptLength } = world;
const prompt = 'big dog sees old wolf =';
const asked = world.encode(prompt);

/** Probabilities after the prompt and `written`, rounded. */
const next = (written: string, w = world): Float64Array =>
  w.next(Int32Array.from([...asked, ...w.encode(written)]), promptLength);
const at = (p: Float64Array, word: string): number => p[world.vocabulary.indexOf(word)] as number;

describe('toyLanguages: preset mini', () => {
  it('has 76 different ids, prompts of 6 and answers of 6', () => {
    expect(world.vocabulary).toHaveLength(76);
    expect(new Set(world.vocabulary).size).toBe(76);
    expect([promptLength, world.answerLength, asked.length]).toEqual([6, 6, 6]);
  });

  it('translates by hand: nouns first, adjectives agree, the verb last', () => {
    expect(world.translations(prompt)).toEqual(['kano grando loba vieja vide', 'kanon grandon loban viejan viden']);
    expect(world.check(prompt, ' kano grando loba vieja vide\n')).toBe(true);
    expect(world.check(prompt, 'kanon grandon loban viejan viden')).toBe(true);
    expect(world.check(prompt, 'kano grando loba vieja viden')).toBe(false); // mixes registers
    expect(world.check(prompt, 'kano grando loba viejo vide')).toBe(false); // does not agree
    expect(world.check(prompt, 'kano grando loba vieja')).toBe(false);
  });

  it.each([source, target])('$name reads what it writes', (language) => {
    const rng = stream(3);
    for (let i = 0; i < 2000; i++) {
      const { meaning, surface } = language.generate(rng);
      expect(language.parse(language.realise(meaning, surface as never))).toEqual({ meaning, surface });
    }
  });

  it('does not read what it would not write', () => {
    for (const text of ['', 'kano', 'kano grando loba viejo vide', 'kano grandon loba vieja vide', 'a b c d e']) {
      expect(target.parse(text)).toBeUndefined();
    }
    for (const text of ['', 'dog big sees old wolf', 'big dog sees old wolf cat']) {
      expect(source.parse(text)).toBeUndefined();
    }
    // a text of the right form in any order of the words is read only if writing it again gives it back
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...target.words), { minLength: 4, maxLength: 6 }), (words) => {
        const read = target.parse(words.join(' '));
        if (read) expect(target.realise(read.meaning, read.surface)).toBe(words.join(' '));
      }),
    );
  });

  it('draws different meanings, none of those to leave out, registers .6 and .4', () => {
    const train = world.rows(3000, stream(1));
    const except = new Set(train.map((row) => row.prompt));
    expect(except.size).toBe(3000);
    const fresh = world.rows(500, stream(1), { except });
    expect(fresh.some((row) => except.has(row.prompt))).toBe(false);
    for (const row of fresh) expect(world.check(row.prompt, row.completion)).toBe(true);
    const plain = train.filter((row) => target.parse(row.completion)?.surface.register === 0).length / 3000;
    expect(Math.abs(plain - 0.6)).toBeLessThan(0.03); // 3.4 standard errors
    expect(() => world.rows(15_001, stream(1))).toThrow(/toyLanguages.rows: .*wanted at most 15000/);
  });

  it('refuses another form, unknown words and wrong options', () => {
    expect(() => world.translations('big dog =')).toThrow(/wanted adjective noun verb adjective noun =/);
    expect(() => world.translations('big dog sees old wolf')).toThrow(/no prompt/);
    expect(() => world.encode('huge dog')).toThrow(/unknown word; got huge/);
    expect(() => world.decode([76])).toThrow(/wanted 0 to 75/);
    expect(() => toyLanguages({ preset: 'big' } as never)).toThrow(/unknown preset; got big, wanted mini/);
    expect(() => toyLanguages({ registerRates: [0.6, 0.6] })).toThrow(/does not sum to 1/);
    expect(() => toyLanguages({ smooth: 1 } as never)).toThrow(/Did you mean smoothing/);
    expect(() => world.next(asked, 5)).toThrow(/no whole prompt/);
  });
});

describe('toyLanguages: the teacher', () => {
  it('begins either way: .99 × .6 and .99 × .4, and .01 spread over all', () => {
    const p = next('');
    expect(at(p, 'kano')).toBeCloseTo(0.99 * 0.6 + 0.01 / 76, 12);
    expect(at(p, 'kanon')).toBeCloseTo(0.99 * 0.4 + 0.01 / 76, 12);
    expect(at(p, 'dog')).toBeCloseTo(0.01 / 76, 12);
  });

  it('goes on as the prefix began', () => {
    // P(plain | kano) = .6 (.99 + u) / (.6 (.99 + u) + .4 u), u = .01 / 76
    const u = 0.01 / 76;
    const plain = (0.6 * (0.99 + u)) / (0.6 * (0.99 + u) + 0.4 * u);
    expect(at(next('kano'), 'grando')).toBeCloseTo(0.99 * plain + u, 12);
    expect(at(next('kano'), 'grandon')).toBeCloseTo(0.99 * (1 - plain) + u, 12);
  });

  it('is undecided again after one word of each register, and ignores words of neither', () => {
    expect(at(next('kano grandon'), 'loba')).toBeCloseTo(0.99 * 0.6 + 0.01 / 76, 12);
    expect(at(next('dog dog'), 'loban')).toBeCloseTo(0.99 * 0.4 + 0.01 / 76, 12);
    const sharp = toyLanguages({ smoothing: 0 });
    expect(at(next('dog', sharp), 'grando')).toBeCloseTo(0.6, 12);
    expect(at(next('kano', sharp), 'grando')).toBe(1);
  });

  it('ends after five words, then pads', () => {
    expect(at(next('kano grando loba vieja vide'), '<eos>')).toBeCloseTo(0.99 + 0.01 / 76, 12);
    const after = world.next([...asked, ids.equals, ids.eos], promptLength);
    expect(after[ids.pad]).toBe(1);
  });

  it('is a distribution on any prefix, and is the writer that it says it is', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 75 }), { maxLength: 9 }), (written) => {
        const p = world.next([...asked, ...written], promptLength);
        expect(p.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
      }),
    );
    // the chain of conditionals is the mixture over registers, written out
    const written = world.encode('kano grandon loba dog vide');
    let chained = 1;
    for (let i = 0; i < written.length; i++) {
      chained *= world.next([...asked, ...written.slice(0, i)], promptLength)[written[i] as number] as number;
    }
    const [hit, miss] = [0.99 + 0.01 / 76, 0.01 / 76];
    expect(chained / (0.6 * hit ** 3 * miss ** 2 + 0.4 * hit * miss ** 4)).toBeCloseTo(1, 10);
  });
});
