import { useBackend } from '../index.ts';
import { fillNormal, fillUniform } from './fill.ts';
import { philoxBlock, type StreamId } from './philox.ts';
import { rng, rngFromState } from './rng.ts';
import { logUnit, normalPair } from './transforms.ts';

beforeAll(() => useBackend('cpu'));

const block = (counter: StreamId, key: readonly [number, number]): string[] => {
  const out = new Uint32Array(4);
  philoxBlock(out, 0, ...counter, ...key);
  return [...out].map((w) => w.toString(16).padStart(8, '0'));
};

describe('Philox 4x32-10', () => {
  // the known answers of Random123 (kat_vectors)
  test.each<[StreamId, [number, number], string]>([
    [[0, 0, 0, 0], [0, 0], '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    [[0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    [[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0], 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ])('known answer %#', (counter, key, wanted) => {
    expect(block(counter, key).join(' ')).toBe(wanted);
  });

  test('the stream of seed 0 is the sequence of blocks 0, 1, …', () => {
    const r = rng(0);
    expect(r.uniform()).toBe((0x6627e8d5 >>> 8) / 2 ** 24);
    expect(r.uniform()).toBe((0xe169c58d >>> 8) / 2 ** 24);
  });
});

describe('a stream', () => {
  test('gives the same numbers for the same seed and others for another', () => {
    const draw = (seed: number): number[] => {
      const r = rng(seed);
      return Array.from({ length: 8 }, () => r.uniform());
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect(draw(7)).not.toEqual(draw(7 + 2 ** 40));
  });

  test('goes on from its saved state, in numbers and in tensors', () => {
    const r = rng(3).split('data');
    for (let i = 0; i < 5; i++) r.uniform();
    const copy = rngFromState(JSON.parse(JSON.stringify(r.state())));
    expect(copy.normal()).toBe(r.normal());
    expect([...copy.normalTensor([7]).dataSync()]).toEqual([...r.normalTensor([7]).dataSync()]);
    expect(copy.int(1000)).toBe(r.int(1000));
    expect(copy.state()).toEqual(r.state());
  });

  test('splits by name, not by position', () => {
    const r = rng(1);
    const before = r.split('init').uniform();
    r.uniform();
    expect(r.split('init').uniform()).toBe(before);
    const firsts = [
      1,
      2,
      '1',
      '2',
      'a',
      'b',
      '',
      'a longer name than sixteen bytes',
      'a longer name than sixteen byteS',
    ].map((name) => r.split(name).uniform());
    expect(new Set([before, ...firsts]).size).toBe(firsts.length + 1);
    expect(r.split('a').split('b').uniform()).not.toBe(r.split('b').split('a').uniform());
  });

  test('refuses bad seeds, ranges and states', () => {
    for (const seed of [-1, 1.5, Number.NaN, 2 ** 53]) expect(() => rng(seed)).toThrow('rng: bad seed');
    for (const n of [0, -1, 1.5, 2 ** 33]) expect(() => rng(0).int(n)).toThrow('rng.int: bad range');
    expect(() => rng(0).choice([])).toThrow('nothing to choose from');
    expect(() => rngFromState({ algorithm: 'philox4x32-10', stream: [1, 2, 3], position: 0 })).toThrow('not the state');
    expect(() => rngFromState(undefined as never)).toThrow('not the state');
  });

  test('whole numbers are equally likely, also where 2³² is no multiple', () => {
    const r = rng(11);
    const n = 3 * 2 ** 30; // a quarter of all words is drawn again
    let below = 0;
    for (let i = 0; i < 20000; i++) below += r.int(n) < n / 3 ? 1 : 0;
    // binomial: 6667 ± 67, four deviations; without redrawing it would be 10000
    expect(Math.abs(below - 20000 / 3)).toBeLessThan(4 * 67);
    expect(r.int(1)).toBe(0);
    expect(r.int(2 ** 32)).toBeLessThan(2 ** 32);
  });

  test('shuffles a copy into each order equally often', () => {
    const r = rng(5);
    const counts = new Map<string, number>();
    const xs = [0, 1, 2];
    for (let i = 0; i < 6000; i++) {
      const order = r.shuffle(xs).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(xs).toEqual([0, 1, 2]);
    expect(counts.size).toBe(6);
    // 1000 ± 29 each
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(4 * 29);
  });
});

describe('the numbers', () => {
  test('the logarithm is right to 1e-14, from the smallest word to the largest', () => {
    for (const word of [0, 1, 2, 3, 0x7fffffff, 0x80000000, 0xb504f333, 0xfffffffe, 0xffffffff, 12345, 987654321]) {
      const wanted = Math.log1p((word + 0.5 - 2 ** 32) / 2 ** 32); // exact argument, accurate near 0
      expect(Math.abs(logUnit(word) / wanted - 1)).toBeLessThan(1e-14);
    }
  });

  test('the pair is a point on the circle of its radius, in every quadrant', () => {
    const pair = new Float64Array(2);
    for (const word of [0, 0x3fffffff, 0x40000000, 0x80000000, 0xc0000001, 0xffffffff, 0x12345678]) {
      normalPair(pair, 0, 0x80000000, word);
      const r = Math.sqrt(-2 * Math.log((0x80000000 + 0.5) / 2 ** 32));
      const angle = (((word >>> 30) + ((word & 0x3fffffff) + 0.5) / 2 ** 30 - 0.5) * Math.PI) / 2;
      expect(pair[0]).toBeCloseTo(r * Math.cos(angle), 10);
      expect(pair[1]).toBeCloseTo(r * Math.sin(angle), 10);
    }
  });

  test('moments and tails of 200,000 normal numbers', () => {
    const z = rng(2).normalTensor([200_000]).dataSync<'float32'>();
    const moment = (k: number): number => z.reduce((sum, x) => sum + x ** k, 0) / z.length;
    // standard errors: √(1/n) = 0.0022, √(2/n) = 0.0032, √(15/n) = 0.0087, √(96/n) = 0.022; five of each
    expect(Math.abs(moment(1))).toBeLessThan(0.011);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.016);
    expect(Math.abs(moment(3))).toBeLessThan(0.043);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.11);
    const beyond2 = z.filter((x) => Math.abs(x) > 2).length / z.length; // 0.0455 ± 0.00047
    expect(Math.abs(beyond2 - 0.0455)).toBeLessThan(0.0024);
  });

  test('mean and deviation, range and odd sizes', () => {
    const z = rng(4).normalTensor([3, 3], 5, 2);
    const same = rng(4).normalTensor([9]);
    expect(z.shape).toEqual([3, 3]);
    expect([...z.dataSync()]).toEqual([...same.dataSync()].map((x) => expect.closeTo(5 + 2 * x, 5)));
    const u = rng(4).uniformTensor([10_001], -1, 3).dataSync<'float32'>();
    expect(Math.min(...u)).toBeGreaterThanOrEqual(-1);
    expect(Math.max(...u)).toBeLessThan(3);
    expect(Math.abs(u.reduce((a, b) => a + b, 0) / u.length - 1)).toBeLessThan(5 * 0.0116);
    expect(rng(4).normalTensor([0, 3]).shape).toEqual([0, 3]);
    expect(rng(4).normalTensor([]).rank).toBe(0);
  });

  test('streams of one seed, of neighbouring seeds and of neighbouring names are uncorrelated', () => {
    const n = 50_000;
    const streams = [rng(1), rng(2), rng(1).split('a'), rng(1).split('b'), rng(1).split(0), rng(1).split(1)].map((r) =>
      r.normalTensor([n]).dataSync(),
    );
    for (const [i, a] of streams.entries()) {
      for (const b of streams.slice(i + 1)) {
        let dot = 0;
        for (let k = 0; k < n; k++) dot += (a[k] ?? 0) * (b[k] ?? 0);
        expect(Math.abs(dot / n)).toBeLessThan(5 / Math.sqrt(n));
      }
    }
  });
});

const { name: fastest } = await useBackend();
if (fastest !== 'native') console.warn(`skipped: ${fastest} does not fill its own memory`);

(fastest === 'native' ? describe : describe.skip)('a backend that fills its own memory', () => {
  // includes a block number whose lower word overflows within the tensor
  test.each([
    [1, 0],
    [3, 7],
    [1000, 2 ** 32 - 100],
    [100_003, 2 ** 40 + 5],
  ])("gives the host's numbers to the bit: %d from block %d", async (n, position) => {
    const id = [5, 0xfedcba98, 77, 0xffffffff] as const;
    const state = { algorithm: 'philox4x32-10' as const, stream: [...id], position: position * 4 };
    const wanted = { uniform: new Float32Array(n), normal: new Float32Array(n) };
    fillUniform(wanted.uniform, id, position, -0.3, 1.7);
    fillNormal(wanted.normal, id, position, 0.1, 2.3);
    await useBackend('native');
    expect(rngFromState(state).uniformTensor([n], -0.3, 1.7).dataSync()).toEqual(wanted.uniform);
    expect(rngFromState(state).normalTensor([n], 0.1, 2.3).dataSync()).toEqual(wanted.normal);
    await useBackend('cpu');
  });
});
