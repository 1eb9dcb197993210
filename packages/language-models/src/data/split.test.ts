import { rng } from '@gimbal/tensor-core';
import { dataset, splitDataset } from '../index.ts';

describe('splitDataset', () => {
  it('sets rows aside by seed, keeps their places and leaves none out', () => {
    const data = dataset(Array.from({ length: 10 }, (_, i) => ({ text: `${i}` })));
    const { train, heldOut } = splitDataset(data, 0.2, rng(1));
    expect([train.rows.length, heldOut.rows.length]).toEqual([8, 2]);
    expect(new Set([...train.rows, ...heldOut.rows]).size).toBe(10);
    expect(heldOut.where(0)).toBe(`row ${heldOut.rows[0]?.text}`);
    expect(splitDataset(data, 0.2, rng(1)).heldOut.rows).toEqual(heldOut.rows);
    expect(splitDataset(data, 0.2, rng(2)).heldOut.rows).not.toEqual(heldOut.rows);
    expect(() => splitDataset(dataset([{ text: 'a' }]), 0.1, rng(1))).toThrow(
      /both parts need at least one row; got "1 row in all", wanted at least 2 rows/,
    );
  });
});

describe('splitDataset with equal rows', () => {
  it('puts equal rows on one side and counts them, whatever the seed', () => {
    // 40 rows of 8 different pairs; a carried column does not make rows different
    const pairs = Array.from({ length: 40 }, (_, i) => ({ prompt: `p ${i % 8}`, completion: `c ${i % 4}`, id: i }));
    for (let seed = 0; seed < 20; seed++) {
      const { train, heldOut, duplicates } = splitDataset(dataset(pairs), 11, rng(seed));
      expect(duplicates).toBe(32);
      // two of the groups of five
      expect([train.rows.length, heldOut.rows.length]).toEqual([30, 10]);
      const trained = new Set(train.rows.map((row) => row.prompt));
      expect(heldOut.rows.filter((row) => trained.has(row.prompt))).toEqual([]);
    }
  });

  it('holds out the smallest part of equal rows where all are larger than what was asked for, and refuses one row', () => {
    const texts = ['a', 'b', 'a', 'b', 'a'].map((text) => ({ text }));
    const { heldOut, duplicates } = splitDataset(dataset(texts), 1, rng(0));
    expect([heldOut.rows, duplicates]).toEqual([[{ text: 'b' }, { text: 'b' }], 3]);
    const same = dataset([{ text: 'a' }, { text: 'a' }]);
    expect(() => splitDataset(same, 1, rng(0))).toThrow(/all 2 rows are equal/);
  });
});
