import { shortOf } from './short-of.ts';

test.each([
  ['was still rising: more --steps', [0, 0.2, 0.4, 0.6]],
  ['was falling: a smaller step size', [0, 0.6, 0.5, 0.4]],
  ['hardly moved in its last 2 outer steps, as on a plateau: more --steps', [0, 0.5, 0.5, 0.5]],
])('a run that ended short %s', (way, returns) => {
  expect(shortOf(1, returns)).toEqual([expect.stringContaining(`short, and it ${way}`)]);
});

test('a few steps are not judged by the last one', () => {
  expect(shortOf(1, [0, 0.1, 0.2, 0.6, 0.6])).toEqual([expect.stringContaining('was still rising')]);
});

test('at the best there is nothing is said', () => expect(shortOf(1, [0, 0.995])).toEqual([]));
