import { stream } from '../../test/stream.ts';
import { cue } from './cue.ts';
import { cueShifts } from './shifts.ts';

const world = cue();

it('has the oracle worked out by hand', () => {
  const u = new Float64Array(24);
  u.set([1, 1, 1, 1, 2, 3, 1, -2, 0, 0, 0, 0]);
  // 1 + .8 + .6 + .5 + .5·6 − .6 − .5 (2 − 1) − .15 (1 + 1 + 1 + 1 + 4 + 9 + 1 + 4 − 12) = 4.8 − 1.5
  const [first, zero] = world.quality(u);
  expect(first).toBeCloseTo(3.3, 12);
  expect(zero).toBeCloseTo(1.8, 12); // −.15 (0 − 12)
});

it('is the same world for everyone, and another for another seed', () => {
  const a = world.draw(4, stream(1));
  expect(cue().draw(4, stream(1))).toEqual(a);
  expect(cue({ worldSeed: 1 }).draw(4, stream(1)).observations).not.toEqual(a.observations);
  expect(world.targets(a.latents)).toHaveLength(4 * 24);
  expect(Math.max(...world.targets(a.latents).map(Math.abs))).toBeLessThanOrEqual(1);
});

it('plants a cue in training that is gone out of distribution', () => {
  const correlation = (shift: (typeof cueShifts)[keyof typeof cueShifts]): number => {
    const n = 4000;
    const { latents, qualities } = world.draw(n, stream(2), shift);
    const mean = qualities.reduce((a, b) => a + b, 0) / n;
    let [xy, xx, yy, xm] = [0, 0, 0, 0];
    for (let i = 0; i < n; i++) xm += (latents[i * 12 + 11] as number) / n;
    for (let i = 0; i < n; i++) {
      const [x, y] = [(latents[i * 12 + 11] as number) - xm, (qualities[i] as number) - mean];
      xy += x * y;
      xx += x * x;
      yy += y * y;
    }
    return xy / Math.sqrt(xx * yy);
  };
  expect(correlation(cueShifts.id)).toBeGreaterThan(0.5);
  expect(Math.abs(correlation(cueShifts.ood))).toBeLessThan(0.06);
});

it('labels pairs by quality and turns as many round as asked', () => {
  const { chosen, rejected, swapped } = cue({ noise: 0 }).pairs(4000, stream(3), { swap: 0.25 });
  const share = swapped.reduce((a, b) => a + b, 0) / 4000;
  expect(share).toBeGreaterThan(0.23);
  expect(share).toBeLessThan(0.27);
  expect(chosen).toHaveLength(4000 * 64);
  // the same draws without noise in the labels: exactly the swapped ones change sides
  const clean = cue({ noise: 0 }).pairs(4000, stream(3), { swap: 0 });
  for (let i = 0; i < 4000; i++) expect(clean.chosen[i * 64] === chosen[i * 64]).toBe(swapped[i] === 0);
  expect(rejected[0]).not.toBe(chosen[0]);
});

it('refuses what makes no sense', () => {
  expect(() => cue({ seed: 1 } as never)).toThrow(/unknown option seed/);
  expect(() => cue({ noise: -1 })).toThrow(/noise is out of range/);
  expect(() => world.draw(0, stream(0))).toThrow(/n is out of range/);
  expect(() => world.draw(1, stream(0), { scale: 0, correlation: 0 })).toThrow(/scale is out of range/);
  expect(() => world.draw(1, stream(0), { scale: 1, correlation: 2 })).toThrow(/correlation is no probability/);
  expect(() => world.pairs(1, stream(0), { swap: 0.5 })).toThrow(/swap is out of range/);
  expect(() => world.quality([1, 2])).toThrow(/latent vectors of another length/);
});
