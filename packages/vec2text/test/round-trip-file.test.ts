import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildRoundTrips, type RoundTrip, type RoundTripOptions, readRoundTrips, roundTripFile } from '../src/index.ts';

let folder: string;
let asked = 0;
const translator = {
  name: 'upper',
  translate: async (batch: string[]) => {
    asked += batch.length;
    return batch.map((text) => text.toUpperCase());
  },
};
const sentences = Array.from({ length: 10 }, (_, i) => `sentence ${i}`);
const options = (path: string): RoundTripOptions => ({
  pivots: [{ name: 'p', forward: translator, back: translator }],
  seed: 0,
  batchSize: 3,
  cache: roundTripFile(path),
});
const rowsOf = async (
  o: RoundTripOptions,
  most = Number.POSITIVE_INFINITY,
  corpus = sentences,
): Promise<RoundTrip[]> => {
  const rows: RoundTrip[] = [];
  for await (const row of buildRoundTrips(corpus, o)) {
    rows.push(row);
    if (rows.length === most) break;
  }
  return rows;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vec2text-rtt-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('a build that was stopped, or killed in the middle of a line, goes on where it was: the same rows, no text translated twice', async () => {
  const path = join(folder, 'rtt.jsonl');
  const whole = await rowsOf(options(join(folder, 'whole.jsonl')));
  expect(asked).toBe(20);
  asked = 0;
  expect(await rowsOf(options(path), 4)).toEqual(whole.slice(0, 4)); // two batches
  expect(asked).toBe(12);
  const complete = await readFile(path, 'utf8');
  await appendFile(path, '{"batch":2,"rows":[{"id":"');
  asked = 0;
  expect(await rowsOf(options(path))).toEqual(whole);
  expect(asked).toBe(8);
  expect((await readFile(path, 'utf8')).startsWith(complete)).toBe(true);
  expect(await readRoundTrips(path)).toEqual(whole);
  asked = 0;
  expect(await rowsOf(options(path))).toEqual(whole);
  expect(asked).toBe(0);
});

test('files of other settings or sentences, and what is no JSON, are refused', async () => {
  const path = join(folder, 'other.jsonl');
  await rowsOf(options(path));
  await expect(rowsOf({ ...options(path), seed: 1 })).rejects.toThrow('seed differs; got 1, wanted 0');
  await expect(rowsOf(options(path), 99, ['another', ...sentences])).rejects.toThrow(
    'batch 0 was built of other sentences',
  );
  await writeFile(path, '{"seed":0}\nnonsense\n');
  await expect(rowsOf(options(path))).rejects.toThrow('other.jsonl:2: no JSON');
  await writeFile(path, '{"source":"a","rtt":"b"}\n{"source":"c","rtt":"d"}\n');
  await expect(readRoundTrips(path)).rejects.toThrow('other.jsonl:2: the line is no batch of round trips');
  await expect(readRoundTrips(join(folder, 'none.jsonl'))).rejects.toThrow('the file holds no round trips');
});

test('a file is looked at before it is believed: rows, counts, bytes; one that was never ours stays as it is', async () => {
  const path = join(folder, 'hostile.jsonl');
  const wanted = await rowsOf(options(path));
  const good = await readFile(path, 'utf8');
  const [settings, first, ...rest] = good.split('\n') as [string, string, ...string[]];
  const batch = JSON.parse(first) as { rows: Record<string, unknown>[]; counts: object };
  const [row] = batch.rows as [Record<string, unknown>];
  const damages: Record<string, unknown> = {
    null: null,
    list: [],
    'no rows': { ...batch, rows: undefined },
    'empty rows': { ...batch, rows: [{}] },
    'rtt 5': { ...batch, rows: [{ ...row, rtt: 5 }] },
    'no similarity': { ...batch, rows: [{ ...row, similarity: null }] },
    'no counts': { ...batch, counts: undefined },
    'counts of nothing': { ...batch, counts: { p: {} } },
  };
  for (const [name, bad] of Object.entries(damages)) {
    await writeFile(path, [settings, JSON.stringify(bad), ...rest].join('\n'));
    const message = expect.stringMatching(
      /hostile\.jsonl:2: (?:the line is no batch|its row 0 is no round trip|of pivot p)/,
    );
    const wantedError = expect.objectContaining({ reason: 'ROUND_TRIP', message });
    expect([name, await rowsOf(options(path)).catch((e: unknown) => e)]).toEqual([name, wantedError]);
    expect([name, await readRoundTrips(path).catch((e: unknown) => e)]).toEqual([name, wantedError]);
  }
  const bytes = Buffer.from(good);
  await writeFile(path, Buffer.concat([bytes.subarray(0, 20), Buffer.of(0xff, 0xfe), bytes.subarray(20)]));
  await expect(rowsOf(options(path))).rejects.toMatchObject({ reason: 'ROUND_TRIP' });
  await writeFile(path, 'my only sentence');
  await expect(rowsOf(options(path))).rejects.toMatchObject({ reason: 'ROUND_TRIP' });
  expect(await readFile(path, 'utf8')).toBe('my only sentence');
  // another cache than a file’s is no more believed
  const cache = { load: async () => [{ ...batch, rows: [{}] }] as never, append: async () => undefined };
  await expect(rowsOf({ ...options(path), cache })).rejects.toMatchObject({ reason: 'ROUND_TRIP' });
  // a line that is there twice is taken once
  await writeFile(path, [settings, first, first, ...rest].join('\n'));
  expect(await rowsOf(options(path))).toEqual(wanted);
  expect(await readFile(path, 'utf8')).toBe(good);
});

test('of two builds into one file the one that comes second is told, and what is there is of use', async () => {
  const path = join(folder, 'twice.jsonl');
  const whole = await rowsOf(options(join(folder, 'alone.jsonl')));
  const slow = { name: 'upper', translate: async (batch: string[]) => batch.map((text) => text.toUpperCase()) };
  const after = (wait: () => Promise<unknown>) => ({
    ...slow,
    translate: async (batch: string[]) => {
      await wait();
      return slow.translate(batch);
    },
  });
  const build = (back: typeof slow) => rowsOf({ ...options(path), pivots: [{ name: 'p', forward: slow, back }] });
  // the first waits until the second has read the file, the second until the first is done
  let begin = (): void => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const first = build(after(() => begun));
  const second = build(
    after(async () => {
      begin();
      await first;
    }),
  );
  const both = await Promise.allSettled([first, second]);
  expect(both[0]).toEqual({ status: 'fulfilled', value: whole });
  expect(both[1]).toMatchObject({ status: 'rejected', reason: { reason: 'ROUND_TRIP' } });
  expect(await rowsOf(options(path))).toEqual(whole);
});

test('another similarity is another build, and a pivot may have any name', async () => {
  const path = join(folder, 'similarity.jsonl');
  const rows = await rowsOf({ ...options(path), similarity: (a, b) => Number(a === b) });
  expect(await rowsOf({ ...options(path), similarity: (a, b) => Number(a === b) })).toEqual(rows);
  await expect(rowsOf({ ...options(path), similarity: () => 1 })).rejects.toMatchObject({ code: 'ERR_CHECKPOINT' });
  // a cosine in single precision
  const near = await rowsOf({ ...options(join(folder, 'near.jsonl')), similarity: () => Math.fround(1.0000001) });
  expect(near.every(({ similarity }) => similarity === 1)).toBe(true);
  const pivots = [{ name: '__proto__', forward: translator, back: translator }];
  const build = buildRoundTrips(sentences, { ...options(join(folder, 'proto.jsonl')), pivots });
  let next = await build.next();
  while (!next.done) next = await build.next();
  expect(Object.entries(next.value.pivots)).toMatchObject([['__proto__', { made: 10, kept: 10 }]]);
});

test('of what a translator gives, the first that is no text is named', async () => {
  const back = { name: 'odd', translate: async (b: string[]) => b.map((x, i) => (i < 2 ? x : null)) as string[] };
  await expect(rowsOf({ pivots: [{ name: 'p', forward: translator, back }], seed: 0 })).rejects.toThrow(
    'pivot p, translator odd: what it gave for ‘SENTENCE 2’, text 2 of 10, is no text; got null',
  );
});

test('what is no text is refused by its place, and what is no similarity', async () => {
  const o = { pivots: [{ name: 'p', forward: translator, back: translator }], seed: 0 };
  for (const bad of [null, 5, 'a \ud800 b'])
    await expect(rowsOf(o, 9, ['fine', bad as string])).rejects.toMatchObject({
      reason: 'ROUND_TRIP',
      message: expect.stringContaining('sentence 1'),
    });
  for (const pivots of [undefined, 'p', [undefined], [{ name: 'p', forward: translator }]])
    await expect(rowsOf({ ...o, pivots: pivots as never })).rejects.toMatchObject({ reason: 'CONFIG' });
  await expect(rowsOf(options(join(folder, 'nowhere', 'x.jsonl')))).rejects.toMatchObject({ reason: 'ROUND_TRIP' });
  await expect(rowsOf(o, 9, 'abc' as never)).rejects.toMatchObject({ reason: 'CONFIG' });
  for (const answer of [(b: string[]) => new Array(b.length), (b: string[]) => b.map((text) => `${text} \udc00`)]) {
    const back = { name: 'odd', translate: async (b: string[]) => answer(b) as string[] };
    await expect(rowsOf({ ...o, pivots: [{ name: 'p', forward: translator, back }] })).rejects.toMatchObject({
      reason: 'ROUND_TRIP',
    });
  }
  for (const similarity of [() => undefined, () => 'x', () => Number.NaN, () => null, () => true, () => 2, () => -0.1])
    await expect(rowsOf({ ...o, similarity: similarity as never })).rejects.toMatchObject({ reason: 'NOT_FINITE' });
});
