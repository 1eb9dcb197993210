import { laterWork } from './later-work.ts';

const all = ['preferencePairs', 'learnSteps', 'nashSteps', 'distilSteps'] as const;

test('a fast machine does all there is to do, and no more in more time', () => {
  const most = { preferencePairs: 1000, learnSteps: 100, nashSteps: 100, distilSteps: 2500 };
  expect(laterWork(180, 0.0004, all)).toEqual(most);
  expect(laterWork(3600, 0.0004, all)).toEqual(most);
});

test('a slow one, and a short run, do what fits, in time as much as there is', () => {
  // 180 s at 7 ms a row: 54 s / 35 ms; 72 s / 3.57 s; 54 s / 3.15 s; 108 s / 0.63 s
  expect(laterWork(180, 0.007, all)).toEqual({
    preferencePairs: 1000,
    learnSteps: 20,
    nashSteps: 16,
    distilSteps: 170,
  });
  expect(laterWork(60, 0.007, all)).toEqual({ preferencePairs: 500, learnSteps: 6, nashSteps: 4, distilSteps: 50 });
  expect(laterWork(1, 0.007, all)).toEqual({ preferencePairs: 64, learnSteps: 4, nashSteps: 4, distilSteps: 20 });
});

test('only what the run has', () => {
  expect(laterWork(180, 0.007, ['distilSteps'])).toEqual({ distilSteps: 170 });
  expect(laterWork(180, 0.007, [])).toEqual({});
});
