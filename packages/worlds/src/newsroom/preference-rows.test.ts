import { stream } from '../../test/stream.ts';
import { newsroom } from './newsroom.ts';
import { annotators } from './preference-rows.ts';

const world = newsroom();
const wrong = (o: object): number => {
  const rows = world.preferenceRows(1500, stream(4), o);
  return rows.filter((row) => row.qualityGap < 0).length / rows.length;
};

it('rows are pairs of one article with the truth beside the label', () => {
  for (const { prompt, chosen, rejected, qualityGap } of world.preferenceRows(50, stream(5))) {
    const article = world.parse(prompt);
    expect(world.quality(article, chosen) - world.quality(article, rejected)).toBeCloseTo(qualityGap, 12);
    expect(qualityGap).not.toBe(0);
  }
});

it('annotators are wrong as often as they say', () => {
  expect(wrong(annotators.oracle)).toBe(0);
  expect(Math.abs(wrong(annotators.noisy) - 0.25)).toBeLessThan(0.04);
  expect(Math.abs(wrong(annotators.random) - 0.5)).toBeLessThan(0.05);
  const [careful, inconsistent] = [wrong(annotators.careful), wrong(annotators.inconsistent)];
  expect(careful).toBeGreaterThan(0.04);
  expect(careful).toBeLessThan(inconsistent);
  expect(inconsistent).toBeLessThan(0.45);
  expect(() => world.preferenceRows(-1, stream(0))).toThrow(/n is out of range/);
  expect(() => world.preferenceRows(1, stream(0), { swap: 2 })).toThrow(/swap is no probability/);
});

it('a world whose references are all of one quality is refused, not searched for ever', () => {
  const options = { facts: 1, heads: 1, stereotypeRate: 0, errorRate: 0, categoryRate: 0 };
  const rows = (change: object) => newsroom({ ...options, ...change }).preferenceRows(1, stream(6));
  expect(() => rows({})).toThrow(
    expect.objectContaining({
      code: 'config',
      message:
        'newsroom.preferenceRows: the references of an article are all of one quality; got 10000 ties in a row, ' +
        'wanted pairs of different quality. Raise stereotypeRate, errorRate or categoryRate, or take more facts than heads.',
    }),
  );
  expect(newsroom(options).preferenceRows(0, stream(6))).toEqual([]);
  // each of the changes that the message names helps; a pair in fifty that differs is found
  for (const change of [{ stereotypeRate: 0.01 }, { errorRate: 0.01 }, { categoryRate: 0.01 }, { facts: 2 }])
    expect(rows(change)).toHaveLength(1);
});
