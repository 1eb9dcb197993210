import { defaultRate } from './learning-rate.ts';

test('large models and their adapters get the customary rates, small ones up to a hundred times as much', () => {
  for (const large of [1e8, 1.35e8, 7e9]) expect([defaultRate(large, 0), defaultRate(large, 16)]).toEqual([1e-5, 1e-4]);
  for (const toy of [1e3, 1e5]) expect([defaultRate(toy, 0), defaultRate(toy, 8)]).toEqual([1e-3, 3e-3]);
  // 1e-5 · 10^(2/3), 1e-5 · 100^(2/3)
  expect([defaultRate(1e7, 0), defaultRate(1e6, 0), defaultRate(127_000, 0)]).toEqual([4.6e-5, 2.2e-4, 8.5e-4]);
  const sizes = [1e4, 1e5, 3e5, 1e6, 1e7, 5e7, 1e8];
  for (const lora of [0, 4]) {
    const rates = sizes.map((size) => defaultRate(size, lora));
    expect(rates).toEqual([...rates].sort((a, b) => b - a));
  }
});
