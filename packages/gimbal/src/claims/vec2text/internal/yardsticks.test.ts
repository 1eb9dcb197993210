// What is exactly known of Aish, against numbers worked out apart from the code.
import { exactMatchCeiling, floors, meaningNats, meanTokens, surfaceBits } from './yardsticks.ts';

test('entropies, tokens and ceilings of the generator', () => {
  expect(meaningNats).toBeCloseTo(13.678, 3);
  expect(surfaceBits).toBeCloseTo(7.417, 3);
  expect(meanTokens()).toBeCloseTo(11.45, 2);
  expect(exactMatchCeiling).toBeCloseTo(0.01044, 5);
  expect(floors.rtt).toBeCloseTo(0.449, 4);
  expect(floors.lm).toBeCloseTo(1.6436, 4);
});
