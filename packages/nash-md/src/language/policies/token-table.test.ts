import { disposeTree, rng, useBackend } from '@gimbal/tensor-core';
import { tokenTable } from './token-table.ts';

beforeAll(() => useBackend('auto'));

test('its probabilities in float64 are those of the policy, completion by completion, and sum to 1', () => {
  const table = tokenTable({ vocabulary: 3, length: 2 });
  expect(table.prefixes).toBe(4);
  expect(table.completions.slice(0, 4)).toEqual([[0, 0], [0, 1], [0, 2], [1, 0]]); // biome-ignore format: one a row
  const stream = rng(0);
  const logits = Float64Array.from({ length: 12 }, () => stream.normal());
  const exact = table.logProbabilities(logits);
  expect(exact.reduce((sum, l) => sum + Math.exp(l), 0)).toBeCloseTo(1, 12);
  // by hand: the second token after a first 2 is in row 1 + 2
  const normal = (row: number): number =>
    Math.log([0, 1, 2].reduce((s, v) => s + Math.exp(logits[row * 3 + v] as number), 0));
  expect(exact[7]).toBeCloseTo((logits[2] as number) - normal(0) + (logits[10] as number) - normal(3), 12);
  const params = table.params(logits);
  const n = table.completions.length;
  const batch = { ids: Int32Array.from(table.completions.flat()), width: 2, lengths: new Int32Array(n).fill(2) };
  const each = table.logProbs(params, table.codec.encode(new Array(n).fill('x')), batch);
  const tokens = each.dataSync<'float32'>();
  for (const [y, l] of exact.entries())
    expect((tokens[2 * y] as number) + (tokens[2 * y + 1] as number)).toBeCloseTo(l, 5);
  each.dispose();
  disposeTree(params);
});

test('what makes no table is refused', () => {
  expect(() => tokenTable({ vocabulary: 1, length: 2 })).toThrow('vocabulary: out of range; got 1');
  expect(() => tokenTable({ vocabulary: 3, length: 0 })).toThrow('length: out of range; got 0');
});
