import fc from 'fast-check';
import { stream } from '../../test/stream.ts';
import { type Article, newsroom, newsroomShifts } from '../index.ts';

const world = newsroom();
/** Mayor bought apple (main), nurse hid coat, pilot sold drum, baker praised bus. */
const article = world.parse('nurse hid coat . headline mayor bought apple . pilot sold drum . baker praised bus .');
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

describe('newsroom: the words', () => {
  it('has 65 ids by default and 25 in the mini world', () => {
    expect(world.vocabulary).toHaveLength(65);
    expect(new Set(world.vocabulary).size).toBe(65);
    expect(newsroom({ preset: 'mini' }).vocabulary).toHaveLength(25);
    expect(world.ids).toEqual({ pad: 0, bos: 1, sep: 2, eos: 3, dot: 4, head: 5, pol: 6 });
  });

  it('goes from text to ids and back, and leaves the marks out', () => {
    const ids = [1, ...article.ids, 2, ...world.encode('mayor purchased fruit .'), 3, 0, 0];
    expect(world.decode(ids)).toBe(`${article.text} mayor purchased fruit .`);
    expect(article.ids).toHaveLength(17);
  });

  it('names the word it does not know', () => {
    expect(() => world.encode('mayor bought unicorn .')).toThrow(/newsroom.encode: .*unicorn/);
    expect(() => world.decode([65])).toThrow(/newsroom.decode: .*65.*0 to 64/);
  });
});

describe('newsroom: articles', () => {
  it('hold distinct subjects, distinct objects and one main fact', () => {
    for (const { facts, ids, text } of world.articles(200, stream(1))) {
      expect(facts).toHaveLength(4);
      expect(new Set(facts.map((f) => f.subject)).size).toBe(4);
      expect(new Set(facts.map((f) => f.object)).size).toBe(4);
      expect(facts.filter((f) => f.head)).toHaveLength(1);
      expect(ids).toHaveLength(17);
      expect(world.parse(text)).toEqual({ text, ids, facts });
    }
  });

  it('are the same for the same seed and others for another', () => {
    const texts = (seed: number): string[] => world.articles(5, stream(seed)).map((a) => a.text);
    expect(texts(3)).toEqual(texts(3));
    expect(texts(3)).not.toEqual(texts(4));
  });

  it('refuses what is no article', () => {
    expect(() => world.parse('')).toThrow(/empty article/);
    expect(() => world.parse('mayor purchased apple .')).toThrow(/cannot be read; got mayor purchased apple/);
  });
});

describe('newsroom: references', () => {
  const articles = world.articles(6000, stream(7));
  const rng = stream(8);
  const references = articles.map((a) => world.reference(a, rng));
  const judged = articles.map((a, i) => world.entails(a, references[i] as string));

  // calibrated: 35 % fully entailed, 1.45 clauses; the standard error of 6000 draws is 0.6 %
  it('are fully entailed in 35 of 100 cases', () => {
    const share = mean(judged.map((j) => Number(j.label === 'entailment')));
    expect(share).toBeGreaterThan(0.325);
    expect(share).toBeLessThan(0.375);
  });

  it('have 1.45 clauses, none malformed', () => {
    expect(mean(judged.map((j) => j.clauses.length))).toBeCloseTo(1.45, 1);
    expect(judged.every((j) => j.malformed === 0)).toBe(true);
  });

  it('use the words of the world at their rates', () => {
    const words = references.join(' ').split(' ');
    const share = (of: string, all: string): number => {
      const count = (list: string): number => words.filter((w) => list.split(' ').includes(w)).length;
      return count(of) / count(`${of} ${all}`);
    };
    // synonyms .5, categories .25
    expect(
      share('purchased lauded concealed fixed loaned traded', 'bought praised hid repaired borrowed sold'),
    ).toBeCloseTo(0.5, 1);
    const categories = 'fruit tool vehicle instrument garment furniture';
    const objects = world.vocabulary.slice(35, 59).join(' ');
    expect(share(categories, objects)).toBeCloseTo(0.25, 1);
  });

  it('tell the stereotype of their subject about half of the time: .45 and accidents', () => {
    const about = world.parse(article.text);
    const lies = Array.from({ length: 4000 }, (_, i) => world.reference(about, stream(i)).split(' ').slice(0, 3));
    const of = lies.filter(([s]) => s === 'mayor');
    const stereotype = world.vocabulary[35 + (world.stereotypes[0] as number)] as string;
    const category = world.vocabulary[59 + Math.floor((world.stereotypes[0] as number) / 4)] as string;
    expect(mean(of.map(([, , o]) => Number(o === stereotype || o === category)))).toBeGreaterThan(0.4);
  });

  it('put the main fact first: .70 and a quarter of the rest, as far as they do not lie about it', () => {
    const honest = newsroom({ stereotypeRate: 0, errorRate: 0 });
    const stream9 = stream(9);
    const first = articles
      .slice(0, 3000)
      .map((a) => honest.entails(a, honest.reference(a, stream9)).clauses[0]?.fact ?? -1);
    expect(mean(first.map((fact, i) => Number(articles[i]?.facts[fact]?.head)))).toBeCloseTo(0.7 + 0.3 / 4, 1);
  });

  it('are all true without stereotypes and errors, and cover the two headlines when told so', () => {
    const honest = newsroom({ heads: 2, clauseRates: [0, 1], mainFirstRate: 1, stereotypeRate: 0, errorRate: 0 });
    const rng2 = stream(2);
    for (const a of honest.articles(200, rng2)) {
      const { label, clauses } = honest.entails(a, honest.reference(a, rng2));
      expect(label).toBe('entailment');
      expect(clauses.map((c) => a.facts[c.fact]?.head)).toEqual([true, true]);
    }
  });

  it('open with a style in a world that has styles', () => {
    const mini = newsroom({ preset: 'mini' });
    const rng3 = stream(3);
    for (const { completion, prompt } of mini.rows(50, rng3)) {
      expect(['briefly', 'officially', 'reportedly']).toContain(completion.split(' ')[0]);
      expect(mini.entails(mini.parse(prompt), completion).malformed).toBe(0);
    }
  });

  it('shift: the same facts in another manner, and longer articles', () => {
    const retemplated = newsroom(newsroomShifts.retemplated);
    const rng4 = stream(4);
    // clauses .2, .4, .4: 2.2 in the mean
    const clauses = articles.slice(0, 2000).map((a) => retemplated.reference(a, rng4).split('.').length - 1);
    expect(mean(clauses)).toBeCloseTo(2.2, 1);
    expect(retemplated.stereotypes).toEqual(world.stereotypes);
    expect(newsroom(newsroomShifts.longer).articles(1, rng4)[0]?.facts).toHaveLength(5);
  });

  it('an article of one fact still gets its errors', () => {
    const lonely = newsroom({ facts: 1, stereotypeRate: 0, errorRate: 1 });
    const rng5 = stream(5);
    const labels = lonely.rows(400, rng5).map((r) => lonely.entails(lonely.parse(r.prompt), r.completion).label);
    expect(new Set(labels)).toEqual(new Set(['contradiction', 'neutral', 'entailment'])); // a category may hide a swap
  });
});

describe('newsroom: the oracle', () => {
  const cases: [string, string, string[]][] = [
    ['mayor bought apple .', 'entailment', ['entailment']],
    ['mayor purchased apple .', 'entailment', ['entailment']], // a synonym
    ['mayor bought fruit .', 'entailment', ['entailment']], // its category
    ['mayor bought pear .', 'contradiction', ['contradiction']],
    ['mayor bought tool .', 'contradiction', ['contradiction']],
    ['mayor sold apple .', 'neutral', ['neutral']], // another verb: it may have happened too
    ['teacher bought apple .', 'neutral', ['neutral']],
    ['mayor bought apple . pilot sold coat .', 'contradiction', ['entailment', 'contradiction']],
    ['mayor bought apple . pilot hid coat .', 'neutral', ['entailment', 'neutral']],
    ['', 'neutral', []],
  ];
  it.each(cases)('says of %j: %s', (summary, label, clauses) => {
    const judged = world.entails(article, summary);
    expect(judged.label).toBe(label);
    expect(judged.clauses.map((c) => c.label)).toEqual(clauses);
  });

  it('names the fact, and counts what is malformed', () => {
    expect(world.entails(article, 'mayor bought pear . baker lauded bus . teacher hid coat .').clauses).toEqual([
      { label: 'contradiction', fact: 1 },
      { label: 'entailment', fact: 3 },
      { label: 'neutral', fact: -1 },
    ]);
    // no end, a word too many, an unknown word, an empty sentence, a style in a world without any
    for (const summary of [
      'mayor bought apple',
      'mayor bought red apple .',
      'mayor ate apple .',
      '.',
      'briefly mayor bought apple .',
    ]) {
      expect(world.entails(article, summary)).toMatchObject({ label: 'neutral', malformed: 1 });
    }
  });

  it('never throws, whatever a model writes', () => {
    const word = fc.constantFrom(...world.vocabulary, 'unicorn', '');
    fc.assert(
      fc.property(fc.array(word), (words) => {
        const { label, clauses, malformed } = world.entails(article, words.join(' '));
        const entailed = clauses.length > 0 && malformed === 0 && clauses.every((c) => c.label === 'entailment');
        return (label === 'entailment') === entailed;
      }),
    );
  });
});

describe('newsroom: quality by hand', () => {
  const cases: [string, number][] = [
    ['', -1],
    ['mayor bought apple .', 2],
    ['mayor purchased fruit .', 1.6], // 2 · .8
    ['pilot sold drum .', 0.5],
    ['pilot sold instrument .', 0.4], // .5 · .8
    ['mayor bought apple . mayor purchased apple .', 1.5], // 2 − .5
    ['mayor bought pear .', -1.5],
    ['mayor bought', -1],
    ['mayor bought apple . pilot sold drum . nurse hid coat .', 2.6], // 2 + .5 + .5 − .4
    ['mayor bought apple . pilot sold coat . bus bus . nurse hid coat .', -0.8], // 2 − 1.5 − 1 + .5 − .8
  ];
  it.each(cases)('of %j is %d', (summary, points) => {
    expect(world.quality(article, summary)).toBeCloseTo(points, 10);
  });
});

describe('newsroom: judges and annotators', () => {
  const texts = [article.text, article.text, article.text];

  it('scores log(1 − eps) and log(eps)', () => {
    const scores = world.judge(0.03)(texts, ['mayor bought fruit .', 'mayor sold apple .', '']);
    expect(scores).toEqual([Math.log(0.97), Math.log(0.03), Math.log(0.03)]);
    expect(world.judge(0.03, { emptyPolicy: 'accept' })([article.text], [''])).toEqual([Math.log(0.97)]);
  });

  it('can be blind to a part of a clause', () => {
    const summaries = ['teacher bought apple .', 'mayor sold apple .', 'mayor bought pear .'];
    const sees = (blindTo: ('subject' | 'verb' | 'object')[]): boolean[] =>
      world
        .judge(0.1, { blindTo })(texts, summaries)
        .map((score) => score === Math.log(0.9));
    expect(sees([])).toEqual([false, false, false]);
    expect(sees(['subject'])).toEqual([true, false, false]);
    expect(sees(['verb'])).toEqual([false, true, false]);
    expect(sees(['object'])).toEqual([false, false, true]);
  });

  it('refuses an eps of 0, and lists of two lengths', () => {
    expect(() => world.judge(0)).toThrow(/newsroom.judge: .*got 0/);
    expect(() => world.judge(0.1)(texts, [''])).toThrow(/differ in number; got 1, wanted 3/);
  });

  it('annotates with the odds of the qualities, then swaps', () => {
    const rng = stream(5);
    const share = (o: { sharpness?: number; swap: number }): number =>
      mean(Array.from({ length: 4000 }, () => world.annotate(article, 'pilot sold drum .', '', { ...o, rng }))); // 0.5, −1
    expect(share({ sharpness: Number.POSITIVE_INFINITY, swap: 0 })).toBe(0);
    expect(share({ swap: 0 })).toBeCloseTo(1 / (1 + Math.exp(3)), 1); // 1 − σ(2 · 1.5) = .047
    expect(share({ sharpness: Number.POSITIVE_INFINITY, swap: 0.25 })).toBeCloseTo(0.25, 1);
    const tie = Array.from({ length: 2000 }, () =>
      world.annotate(article, '', '', { sharpness: Number.POSITIVE_INFINITY, swap: 0, rng }),
    );
    expect(mean(tie)).toBeCloseTo(0.5, 1);
  });

  it('prefers styles in a circle, and any style to none', () => {
    const mini = newsroom({ preset: 'mini' });
    const [a] = mini.articles(1, stream(6)) as [Article];
    const p = (first: string, second: string, o = {}): number =>
      mini.preference(o)([a.text], [first], [second])[0] as number;
    expect(p('officially', 'briefly')).toBeCloseTo(0.8, 10);
    expect(p('reportedly', 'officially')).toBeCloseTo(0.8, 10);
    expect(p('briefly', 'reportedly')).toBeCloseTo(0.8, 10);
    expect(p('briefly', 'briefly')).toBeCloseTo(0.5, 10);
    expect(p('briefly', '')).toBeCloseTo(0.9, 10);
    expect(p('officially', 'briefly', { cyclic: 0.1 })).toBeCloseTo(0.6, 10);
    const [fact] = a.text.replaceAll('headline ', '').split(' . ');
    expect(p(`briefly ${fact} .`, 'briefly')).toBeCloseTo(0.7, 10); // one fact covered
    expect(p('briefly . . .', 'briefly')).toBeCloseTo(0.02, 10); // three unsupported: −.6, clipped
    fc.assert(
      fc.property(
        fc.constantFrom('', 'briefly', 'officially', `${fact} .`),
        fc.constantFrom('', 'reportedly', 'mayor .'),
        (x, y) => {
          expect(p(x, y) + p(y, x)).toBeCloseTo(1, 10);
        },
      ),
    );
  });
});

describe('newsroom: options', () => {
  it('refuses what it cannot do and suggests the nearest name', () => {
    expect(() => newsroom({ facts: 30 })).toThrow(/facts is out of range; got 30, wanted a whole number from 1 to 16/);
    expect(() => newsroom({ clauseRates: [0.5, 0.4] })).toThrow(/does not sum to 1/);
    expect(() => newsroom({ errorRate: 1.5 })).toThrow(/errorRate is no probability/);
    expect(() => newsroom({ sytles: 2 } as never)).toThrow(/unknown option sytles.*Did you mean styles/);
    expect(() => newsroom({ preset: 'maxi' as never })).toThrow(/unknown preset; got maxi, wanted mini/);
  });

  it('makes words up for inventories larger than the list', () => {
    const big = newsroom({ subjects: 30, objects: 40, verbs: 8 });
    expect(big.vocabulary).toContain('subject29');
    expect(new Set(big.vocabulary).size).toBe(7 + 30 + 8 + 8 + 40 + 10);
  });
});
