import { EpochSampler, rng } from '@gimbal/tensor-core';
import { knownRows, NumberHash } from './known-rows.ts';

const source = () => new EpochSampler(7, { batchSize: 2, rng: rng(0) });
const name = (...lists: number[][]): string => {
  const hash = new NumberHash();
  for (const list of lists) hash.add(list);
  return hash.name;
};

it('goes on with its own rows and with a state that names none, and refuses those of others', () => {
  const first = knownRows(source(), 'a');
  for (let i = 0; i < 3; i++) first.next();
  const state = JSON.parse(JSON.stringify(first.state()));
  const wanted = first.next();
  const again = knownRows(source(), 'a');
  again.restore(state);
  expect(again.next()).toEqual(wanted);
  expect(() => knownRows(source(), 'b').restore(state)).toThrow(
    expect.objectContaining({ code: 'ERR_CHECKPOINT', message: expect.stringContaining('trained on other rows') }),
  );
  const old = source();
  for (let i = 0; i < 3; i++) old.next();
  const bare = knownRows(source(), 'b');
  bare.restore(old.state());
  expect(bare.next()).toEqual(wanted);
});

it('names lists by their numbers, their order and where one ends', () => {
  const names = [name([1, 2], [3]), name([1], [2, 3]), name([2, 1], [3]), name([1, 2], [3.5]), name([1, 2], [-3])];
  expect(new Set(names).size).toBe(names.length);
  expect(name([1, 2], [3])).toBe(names[0]);
  expect(names[0]).toMatch(/^[0-9a-f]{16}$/);
  // many lists of small numbers, as tokens are
  const many = Array.from({ length: 20_000 }, (_, i) => name([i % 100, Math.floor(i / 100)]));
  expect(new Set(many).size).toBe(many.length);
});
