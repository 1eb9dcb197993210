import { shareOf } from '@gimbal/reward-models';
import { toldGuessing } from './guessing.ts';

test('a judge whose interval holds the share of a guess is told from none', () => {
  expect(toldGuessing(shareOf(14, 64), 3)).toMatch(/^not told from guessing, which is right on 33.3 ?% of 3 classes/);
  expect(toldGuessing(shareOf(60, 64), 3)).toBeUndefined();
  expect(toldGuessing(shareOf(60, 64), 2)).toBeUndefined();
});
