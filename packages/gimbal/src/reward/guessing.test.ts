import { shareOf } from '@gimbal/reward-models';
import { toldGuessing } from './guessing.ts';

test('a judge whose interval holds the share of a guess is told from none', () => {
  expect(toldGuessing(shareOf(14, 64), 3)).toMatch(/^not told from guessing, which is right on 33.3 ?% of 3 classes/);
  expect(toldGuessing(shareOf(60, 64), 3)).toBeUndefined();
  expect(toldGuessing(shareOf(60, 64), 2)).toBeUndefined();
});

test('so is a model of pairs whose interval holds a half; one that is surely below it has them the wrong way round', () => {
  expect(toldGuessing(shareOf(5, 8), 'pairs')).toMatch(/^not told from guessing, which is right on 50.0 ?% of pairs/);
  expect(toldGuessing(shareOf(0, 1), 'pairs')).toMatch(/^not told from guessing/);
  expect(toldGuessing(shareOf(4, 64), 'pairs')).toMatch(/^worse than guessing.*--columns/);
  expect(toldGuessing(shareOf(60, 64), 'pairs')).toBeUndefined();
});
