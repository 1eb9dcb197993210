import { checkEmbeddings, embeddingSpread } from './spread.ts';

const f32 = (...x: number[]): Float32Array => Float32Array.from(x);

test('the spread of vectors by hand', () => {
  // rows (3, 0) and (1, 2): means 2 and 1, deviations 1 and 1; both lie 1 from the mean; lengths 3 and √5
  const spread = embeddingSpread(f32(3, 0, 1, 2), 2);
  expect(spread).toEqual({ mean: [2, 1], std: [1, 1], farthest: 1, norms: [expect.closeTo(Math.sqrt(5), 12), 3] });
  // a coordinate that never varies still divides
  expect(embeddingSpread(f32(1, 0, 1, 1), 2).std[0]).toBe(1e-6);
});

test('says which vector is unlike those of training, by its length or its place, and how many more', () => {
  const said: string[] = [];
  const check = (...x: number[]): void =>
    checkEmbeddings(f32(...x), 2, embeddingSpread(f32(3, 0, 1, 2), 2), (message) => void said.push(message));
  check(3, 0, 1, 2);
  expect(said).toEqual([]);
  check(3, 0, 4, 0, 0.1, 0);
  expect(said.pop()).toMatch(
    /^vec2text: invert: row 1 has the length 4, and those of training 2.24 to 3, and 1 more are like it: /,
  );
  check(0, 2.5); // √((4 + 2.25) / 2) = 1.77 from the mean
  expect(said.pop()).toMatch(/row 0 lies 1.77 deviations from the mean, and the farthest of training 1: /);
  expect(said).toEqual([]);
  expect(() => check(3, 0, 0, 0)).toThrow('vec2text: invert: row 1 is a zero vector, which has no direction');
  checkEmbeddings(f32(9, 9), 2, undefined, () => said.push('no spread'));
  expect(said).toEqual([]);
});
