import { slotEntropies } from './diversity.ts';

it('measures the entropy of slots in nats', () => {
  const [same, even] = slotEntropies([
    [1, 'x'],
    [1, 'y'],
  ]);
  expect(same).toBe(0);
  expect(even).toBeCloseTo(Math.log(2), 12);
});
