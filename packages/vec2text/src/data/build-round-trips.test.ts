import type { Rng } from '@gimbal/tensor-core';
import { buildRoundTrips, type RoundTripOptions, type RoundTripReport } from './build-round-trips.ts';
import type { RoundTrip, Translator } from './round-trip.ts';
import { wordEdits, wordOverlap } from './similarity.ts';

/** Turns words round; its opposite again, with one word changed by chance. */
const reverse = (text: string): string => text.split(' ').reverse().join(' ');
const there: Translator = { name: 'turned', translate: async (batch) => batch.map(reverse) };
const noisy: Translator = {
  name: 'back',
  translate: async (batch, o = {}) =>
    batch.map((text, i) => {
      const words = reverse(text).split(' ');
      const stream = (o.rng as Rng).split(i);
      if ((o.temperature ?? 0) > 0 && stream.uniform() < 0.5) words[stream.int(words.length)] = 'thing';
      return words.join(' ');
    }),
};
const options = (o: Partial<RoundTripOptions> = {}): RoundTripOptions => ({
  pivots: [{ name: 'p', forward: there, back: noisy }],
  seed: 0,
  batchSize: 3,
  ...o,
});
const sentences = Array.from({ length: 20 }, (_, i) => `sentence number ${i} of these`);

async function build(
  o: RoundTripOptions,
  corpus: Iterable<string> = sentences,
): Promise<{ rows: RoundTrip[]; report: RoundTripReport }> {
  const rows: RoundTrip[] = [];
  const steps = buildRoundTrips(corpus, o);
  for (;;) {
    const step = await steps.next();
    if (step.done) return { rows, report: step.value };
    rows.push(step.value);
  }
}
const reasonOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'nothing thrown',
    (error) => (error as { reason?: string; code: string }).reason ?? (error as { code: string }).code,
  );

test('similarity by hand', () => {
  // shared: a, b; 2·2 / (3 + 4)
  expect(wordOverlap('a b c', 'b a x a')).toBeCloseTo(4 / 7, 12);
  expect(wordOverlap('a', '')).toBe(0);
  // a→x, c left out
  expect(wordEdits('a b c', 'x b')).toBe(2);
  expect(wordEdits('', 'a b')).toBe(2);
});

test('rows and report: every sentence once, counts by pivot that add up', async () => {
  const { rows, report } = await build(options(), [...sentences, ' sentence  number 3 of these ', '', 'a']);
  expect(report).toMatchObject({ sentences: 21, duplicates: 1, overflow: 0 });
  expect(rows).toHaveLength(21);
  expect(new Set(rows.map(({ id }) => id)).size).toBe(21);
  const p = report.pivots.p as RoundTripReport['pivots'][string];
  expect(p).toMatchObject({ made: 21, kept: 21, empty: 0, long: 0, different: 0, same: 0, droppedShare: 0 });
  expect(p.identical).toBe(rows.filter(({ source, rtt }) => source === rtt).length);
  expect(p.identicalShare).toBe(p.identical / 21);
  expect(p.edits).toBe(rows.filter(({ identical }) => !identical).length); // one word each
  for (const row of rows) {
    expect(row.pivotText).toBe(reverse(row.source));
    expect(row.identical).toBe(row.source === row.rtt);
    expect(row.similarity).toBeCloseTo(wordOverlap(row.source, row.rtt), 12);
  }
  expect(p.identical).toBeGreaterThan(3);
  expect(p.identical).toBeLessThan(18);
});

test('filters leave out what they say, and refuse to leave nothing', async () => {
  const all = (await build(options())).rows;
  const same = await build(options({ dropIdentical: true }));
  expect(same.rows).toEqual(all.filter(({ identical }) => !identical));
  const alike = await build(options({ minSimilarity: 0.9 }));
  expect(alike.rows).toEqual(all.filter(({ similarity }) => similarity >= 0.9));
  expect(alike.report.pivots.p?.different).toBe(all.length - alike.rows.length);
  // 5 of 20 are kept: 15 of 20 are not
  const five = (source: string): number => (/ [0-4] /.test(source) ? 1 : 0);
  const few = (await build(options({ similarity: five, minSimilarity: 0.5 }))).report.pivots.p;
  expect(few).toMatchObject({ made: 20, kept: 5, different: 15, droppedShare: 15 / 20 });
  expect((await build(options({ maxWords: 5 }), ['a b c d e f', ...sentences])).report.overflow).toBe(1);
  expect(await reasonOf(build(options({ similarity: () => 0, minSimilarity: 0.5 })))).toBe('NO_DATA');
  await expect(build(options({ similarity: () => 0, minSimilarity: 0.5 }))).rejects.toThrow('"different":20');
  expect(await reasonOf(build(options(), []))).toBe('NO_DATA');
  const silent = { name: 'silent', translate: async (batch: string[]) => batch.map(() => ' ') };
  expect(await reasonOf(build(options({ pivots: [{ name: 'q', forward: there, back: silent }] })))).toBe('NO_DATA');
});

test('several pivots: each sentence goes through as many as asked, by its text alone; several trips differ', async () => {
  const pivots = ['p', 'q', 'r'].map((name) => ({ name, forward: there, back: noisy }));
  const { rows } = await build(options({ pivots, pivotsPerSentence: 2 }));
  expect(rows).toHaveLength(40);
  const of = (source: string, list: RoundTrip[]): string[] =>
    list
      .filter((r) => r.source === source)
      .map((r) => r.pivot)
      .sort();
  for (const text of sentences) expect(new Set(of(text, rows)).size).toBe(2);
  const again = await build(options({ pivots, pivotsPerSentence: 2 }), sentences.toReversed());
  for (const text of sentences) expect(of(text, again.rows)).toEqual(of(text, rows));
  const trips = (await build(options({ tripsPerPivot: 3 }))).rows;
  expect(trips).toHaveLength(60);
  expect(new Set(trips.map(({ rtt }) => rtt)).size).toBeGreaterThan(25);
});

test('equal seeds give equal rows, other seeds others, temperature 0 none of the noise', async () => {
  const a = await build(options());
  expect(await build(options())).toEqual(a);
  expect((await build(options({ seed: 1 }))).rows).not.toEqual(a.rows);
  expect((await build(options({ temperature: 0 }))).rows.every(({ identical }) => identical)).toBe(true);
});

test('each batch, trip and translator has draws of its own', async () => {
  const draws: Translator = {
    name: 'draws',
    translate: async (batch, { rng } = {}) => batch.map(() => String((rng as Rng).uniform())),
  };
  const pivots = ['p', 'q'].map((name) => ({ name, forward: draws, back: draws }));
  const { rows } = await build(options({ pivots, pivotsPerSentence: 2, tripsPerPivot: 2, batchSize: 1 }), [
    'a',
    'b',
    'c',
  ]);
  // 3 sentences, 2 pivots, 2 trips, there and back
  expect(new Set(rows.flatMap(({ pivotText, rtt }) => [pivotText, rtt])).size).toBe(3 * 2 * 2 * 2);
});

test('a translator that loses a text, and options out of range, are refused by name', async () => {
  const loses = { name: 'loses', translate: async (batch: string[]) => batch.slice(1) };
  const broken = build(options({ pivots: [{ name: 'q', forward: there, back: loses }] }));
  await expect(broken).rejects.toThrow('pivot q, translator loses: it gave another number of texts');
  expect(await reasonOf(build(options({ pivots: [{ name: 'q', forward: loses, back: noisy }] })))).toBe('ROUND_TRIP');
  for (const o of [
    { pivots: [] },
    { pivotsPerSentence: 2 },
    { batchSize: 0 },
    { temperature: -1 },
    { minSimilarity: 2 },
    { tripsPerPivot: 0 },
  ])
    expect([o, await reasonOf(build(options(o)))]).toEqual([o, 'CONFIG']);
  expect(await reasonOf(build(options({ signal: AbortSignal.abort() })))).toBe('ERR_STOPPED');
});

test('a translator that answers with nothing, or no list, and a similarity that is none are refused', async () => {
  for (const answer of [undefined, null, 'text', 3, [1, 2, 3]]) {
    const back = { name: 'odd', translate: async () => answer as never };
    const built = build(options({ pivots: [{ name: 'q', forward: there, back }] }));
    expect([answer, await reasonOf(built)]).toEqual([answer, 'ROUND_TRIP']);
  }
  await expect(build(options({ similarity: () => Number.NaN }))).rejects.toThrow('buildRoundTrips.similarity');
});

test('a translator that never answers is left alone a while after the signal', async () => {
  const real = globalThis.setTimeout;
  // time goes a hundred times as fast
  globalThis.setTimeout = ((run: () => void, ms: number) => real(run, ms / 100)) as typeof setTimeout;
  try {
    const stop = new AbortController();
    const back = { name: 'silent', translate: () => new Promise<string[]>(() => {}) };
    const pivots = [{ name: 'q', forward: there, back }];
    setTimeout(() => stop.abort(), 1000);
    expect(await reasonOf(build(options({ pivots, signal: stop.signal })))).toBe('ERR_STOPPED');
  } finally {
    globalThis.setTimeout = real;
  }
}, 10_000);
