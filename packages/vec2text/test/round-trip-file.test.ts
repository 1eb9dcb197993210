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
