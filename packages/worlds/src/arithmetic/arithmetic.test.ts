import fc from 'fast-check';
import { stream } from '../../test/stream.ts';
import { arithmetic } from '../index.ts';

const world = arithmetic();
const prompt = '7 +1 +3 -1 -3 +1 =';
const ids = world.encode(prompt);
const digit = (d: number): number => world.vocabulary.indexOf(`${d}`);

/** The ids that have probability, with it. */
const support = (p: Float64Array): Record<string, number> =>
  Object.fromEntries(
    [...p.entries()].filter(([, q]) => q > 0).map(([id, q]) => [world.vocabulary[id], Math.round(q * 1e6) / 1e6]),
  );

describe('arithmetic: preset chain', () => {
  it('has 17 ids, prompts of 7 and answers of 6', () => {
    expect(world.vocabulary).toEqual(['<pad>', '<eos>', '=', ...'0123456789', '+1', '+3', '-1', '-3']);
    expect([world.promptLength, world.answerLength, ids.length]).toEqual([7, 6, 7]);
  });

  it('solves by hand: 7 → 8 → 11 = 1 → 0 → −3 = 7 → 8', () => {
    expect(world.answer(prompt)).toBe('8 1 0 7 8');
    expect(world.check(prompt, ' 8 1 0 7 8\n')).toBe(true);
    expect(world.check(prompt, '8 1 0 7 9')).toBe(false);
    expect(world.check(prompt, '8 1 0 7')).toBe(false);
    expect(world.decode([...ids, ...world.encode('8 1 0 7 8'), world.ids.eos])).toBe(`${prompt} 8 1 0 7 8`);
  });

  it('draws different problems, none of those to leave out', () => {
    const train = world.problems(100, stream(1));
    const except = new Set(train.map((p) => p.prompt));
    expect(except.size).toBe(100);
    const fresh = world.problems(500, stream(1), { except });
    expect(fresh.some((p) => except.has(p.prompt))).toBe(false);
    for (const p of fresh) expect(world.check(p.prompt, p.completion)).toBe(true);
    const small = arithmetic({ steps: 1 });
    expect(small.problems(40, stream(1))).toHaveLength(40);
    expect(() => small.problems(41, stream(1))).toThrow(/arithmetic.problems: .*got 41, wanted at most 40/);
  });

  it('refuses another form and unknown words', () => {
    expect(() => world.answer('7 +1 =')).toThrow(/wanted a digit, 5 operations and =/);
    expect(() => world.encode('7 +2')).toThrow(/unknown word; got \+2/);
    expect(() => arithmetic({ operations: [1, 1] })).toThrow(/bad operations/);
    expect(() => arithmetic({ step: 3 } as never)).toThrow(/Did you mean steps/);
  });
});

describe('arithmetic: the teacher', () => {
  const next = (...written: number[]): Record<string, number> =>
    support(world.next(Int32Array.from([...ids, ...written]), 7));

  it('gives .9 to the result and .05 to each neighbour', () => {
    expect(next()).toEqual({ 7: 0.05, 8: 0.9, 9: 0.05 });
    expect(next(digit(8))).toEqual({ 0: 0.05, 1: 0.9, 2: 0.05 });
  });

  it("goes on from the student's own result", () => {
    expect(next(digit(9))).toEqual({ 1: 0.05, 2: 0.9, 3: 0.05 }); // 9 + 3 = 12
    expect(next(digit(9), digit(2), digit(5))).toEqual({ 1: 0.05, 2: 0.9, 3: 0.05 }); // 5 − 3
  });

  it('counts on from the last digit where the student wrote something else', () => {
    const equals = world.ids.equals;
    expect(next(equals)).toEqual({ 0: 0.05, 1: 0.9, 2: 0.05 }); // 7 + 1 + 3
    expect(next(digit(9), equals, equals)).toEqual({ 7: 0.05, 8: 0.9, 9: 0.05 }); // 9 + 3 − 1 − 3
  });

  it('ends after five results, then pads', () => {
    const five = [8, 1, 0, 7, 8].map(digit);
    expect(next(...five)).toEqual({ '<eos>': 1 });
    expect(next(...five, world.ids.eos)).toEqual({ '<pad>': 1 });
  });

  it('is a distribution on any prefix, smoothed or not', () => {
    const smooth = arithmetic({ smoothing: 0.01 });
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 16 }), { maxLength: 9 }), (written) => {
        for (const w of [world, smooth]) {
          const p = w.next(Int32Array.from([...ids, ...written]), 7);
          expect(p.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
          if (w === smooth) expect(Math.min(...p)).toBeCloseTo(0.01 / 17, 12);
        }
      }),
    );
    expect(() => world.next(ids, 6)).toThrow(/arithmetic.next/);
  });
});
