import { rng } from '@gimbal/tensor-core';
import { corrupt, corruption } from './corrupt.ts';
import { checkedObjective, drawCandidate, exampler } from './objective.ts';

const tokens = { vocabSize: 20, padId: 0, bosId: 1, eosId: 2, maskId: 3 };
const ids = Int32Array.of(1, 4, 5, 6, 7, 8, 9, 10, 11, 2);
const words = (row: Int32Array): number[] => [...row.slice(1, -1)];
const reasonOf = (f: () => unknown): string => {
  try {
    f();
  } catch (error) {
    return (error as { reason?: string }).reason ?? String(error);
  }
  return 'nothing thrown';
};

test('each noise happens as often as asked for; BOS and EOS stay', () => {
  const n = 3000;
  const count = (noise: object, f: (row: Int32Array) => number): number => {
    let total = 0;
    for (let i = 0; i < n; i++) {
      const row = corrupt(ids, noise, rng(0).split(i), tokens);
      expect([row[0], row.at(-1)]).toEqual([1, 2]);
      total += f(row);
    }
    return total / (n * 8);
  };
  // standard error of a share of 24,000: .003
  expect(count({ drop: 0.3 }, (row) => 10 - row.length)).toBeCloseTo(0.3, 1.5);
  expect(count({ blank: 0.3 }, (row) => words(row).filter((id) => id === 3).length)).toBeCloseTo(0.3, 1.5);
  const changed = (row: Int32Array): number => words(row).filter((id, i) => id !== 4 + i).length;
  // a substitute is any of 16 words, the same one too
  expect(count({ substitute: 0.32 }, changed)).toBeCloseTo(0.3, 1.5);
  expect(count({}, changed)).toBe(0);
});

test('shuffling by k moves no word more than k places and loses none; substitutes are words', () => {
  let moved = 0;
  const seen = new Set<number>();
  for (let i = 0; i < 500; i++) {
    const row = words(corrupt(ids, { shuffle: 2 }, rng(1).split(i), tokens));
    expect([...row].sort((a, b) => a - b)).toEqual([4, 5, 6, 7, 8, 9, 10, 11]);
    row.forEach((id, at) => {
      moved = Math.max(moved, Math.abs(at - (id - 4)));
    });
    for (const id of words(corrupt(ids, { substitute: 1 }, rng(2).split(i), tokens))) seen.add(id);
  }
  expect(moved).toBe(2);
  expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, i) => 4 + i));
});

test('one word stays whatever is dropped, each as likely; rows without words stay as they are', () => {
  const short = Int32Array.of(4, 5, 2, 0, 0);
  const kept = new Set<number>();
  for (let i = 0; i < 200; i++) {
    const row = corrupt(short, { drop: 0.99 }, rng(3).split(i), tokens);
    expect(row.length).toBeGreaterThanOrEqual(4);
    kept.add(row[0] as number);
  }
  expect([...kept].sort()).toEqual([4, 5]);
  expect(corrupt(Int32Array.of(2, 0), { drop: 0.5 }, rng(0), tokens)).toEqual(Int32Array.of(2, 0));
});

test('noise and objectives out of range are refused', () => {
  for (const noise of [{ drop: 1 }, { drop: -0.1 }, { blank: 1.1 }, { substitute: Number.NaN }, { shuffle: -1 }])
    expect([noise, reasonOf(() => corrupt(ids, noise, rng(0), tokens))]).toEqual([noise, 'CONFIG']);
  // of special tokens alone there is no substitute
  const none = { ...tokens, vocabSize: 4 };
  expect(reasonOf(() => corrupt(Int32Array.of(1, 3, 2), { substitute: 1 }, rng(0), none))).toBe('CONFIG');
  expect(corrupt(Int32Array.of(1, 3, 2), { blank: 1 }, rng(0), none)).toEqual(Int32Array.of(1, 3, 2));
  expect(reasonOf(() => checkedObjective({ kind: 'mix', weights: { ae: 0, rtt: 0 } }))).toBe('CONFIG');
  expect(reasonOf(() => checkedObjective({ kind: 'mix', weights: { ae: -1, rtt: 2 } }))).toBe('CONFIG');
  expect(reasonOf(() => checkedObjective({ kind: 'dae', noise: { drop: 1 } }))).toBe('CONFIG');
  expect(() => checkedObjective({ kind: 'rt' } as never)).toThrow('Did you mean');
});

test('noise is looked at before any row, not with each', () => {
  let asked = 0;
  const noise = {
    get drop() {
      asked++;
      return 0.5;
    },
  };
  const corrupted = corruption(noise, tokens);
  const before = asked;
  for (let i = 0; i < 5; i++) corrupted(ids, rng(0).split(i));
  expect(asked).toBe(before);
  // a trainer asks for these before it trains: no batch has to find out
  const none = { ...tokens, vocabSize: 4 };
  for (const o of [
    { kind: 'dae', noise: { substitute: 1 } },
    { kind: 'mix', weights: { ae: 1, dae: 1 }, noise: { substitute: 1 } },
  ] as const)
    expect(reasonOf(() => exampler(o, none, drawCandidate))).toBe('CONFIG');
});

test('what goes in and what comes out of each objective', () => {
  const row = { text: 'a b', source: Int32Array.of(4, 5, 2), candidates: [Int32Array.of(6, 2), Int32Array.of(7, 2)] };
  const of = (o: object, i = 0) => exampler(checkedObjective(o as never), tokens, drawCandidate)(row, rng(0).split(i));
  expect(of({ kind: 'ae' })).toEqual({ input: row.source, target: row.source });
  const drawn = new Set(Array.from({ length: 20 }, (_, i) => of({ kind: 'rtt' }, i).input[0]));
  expect([...drawn].sort()).toEqual([6, 7]);
  expect(of({ kind: 'rtt' }).target).toEqual(row.source);
  expect(of({ kind: 'rtt-reverse' })).toMatchObject({ input: row.source });
  expect(row.candidates).toContainEqual(of({ kind: 'rtt-reverse' }).target);
  // a mixture of a quarter: 1000 draws, standard error .014
  const share = Array.from({ length: 1000 }, (_, i) => of({ kind: 'mix', weights: { ae: 1, rtt: 3 } }, i)).filter(
    ({ input }) => input === row.source,
  ).length;
  expect(Math.abs(share / 1000 - 0.25)).toBeLessThan(0.06);
  const returned = exampler({ kind: 'rtt' }, tokens, drawCandidate);
  expect(reasonOf(() => returned({ ...row, candidates: [] }, rng(0)))).toBe('ROUND_TRIP');
});
