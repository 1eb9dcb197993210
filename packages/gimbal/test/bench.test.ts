import { existsSync } from 'node:fs';
import { addRows } from '../src/bench/add-rows.ts';
import { Peer } from '../src/bench/peer.ts';
import { known } from '../src/bench/row.ts';
import { median, ours, Sampler } from '../src/bench/sampler.ts';
import type { BenchRow } from '../src/bench/suite.ts';
import { cells, markdown, missed } from '../src/bench/table.ts';
import { machine } from '../src/run/machine.ts';

const fixtures = new URL('./fixtures/src/', import.meta.url); // peers/ lies beside it

describe('a peer', () => {
  test('answers timing requests and questions', async () => {
    using peer = await Peer.start(fixtures, 'echo.mjs', 1);
    expect(peer.versions).toEqual({ echo: '1' });
    expect(await peer.ask('argument', { x: [1, 2] })).toEqual([1, 2]);
    expect(await peer.contender('sleep', { ms: 1 }).seconds(3)).toBe(0.003);
  });

  test('passes its errors on and says when it ended', async () => {
    using peer = await Peer.start(fixtures, 'echo.mjs', 1);
    await expect(peer.ask('nothing')).rejects.toMatchObject({
      code: 'ERR_BACKEND',
      message: expect.stringContaining('no case nothing'),
    });
    await expect(peer.ask('die')).rejects.toThrow(/the peer ended/);
  });

  test('that does not start says what to do', async () => {
    await expect(Peer.start(fixtures, 'missing.mjs', 1)).rejects.toMatchObject({
      code: 'ERR_BACKEND',
      message: expect.stringMatching(/does not start.*Set PYTHON/s),
    });
    expect(existsSync(new URL('../peers/protocol.py', import.meta.url))).toBe(true);
  });
});

describe('the sampler', () => {
  test('alternates, and takes medians', async () => {
    const order: string[] = [];
    const side = (name: string, seconds: number) => ({
      seconds: async (calls: number) => {
        order.push(name);
        return calls * seconds;
      },
    });
    const timings = await new Sampler(1).interleave([side('a', 0.1), side('b', 0.2)], {
      rounds: 4,
      roundSeconds: 0.15,
    });
    expect(timings.map((t) => t.median)).toEqual([0.1, 0.2].map((x) => expect.closeTo(x, 12)));
    // each side warms up again before it is timed
    expect(order.slice(-16).join('')).toBe('aabbbbaaaabbbbaa');
  });

  test('repeats short work until a round is long enough', async () => {
    let most = 0;
    const work = (calls: number): void => {
      most = Math.max(most, calls);
    };
    await new Sampler(1).interleave([ours(work)], { rounds: 3, roundSeconds: 0.001 });
    expect(most).toBeGreaterThan(100);
  });

  test('ends at its next round when it is stopped', async () => {
    const stop = new AbortController();
    let calls = 0;
    const side = {
      seconds: async () => {
        if (++calls > 20) stop.abort();
        return 1;
      },
    };
    await expect(new Sampler(1, stop.signal).interleave([side], { rounds: 1000 })).rejects.toThrow('aborted');
    expect(calls).toBeLessThan(30);
  });

  test('runs every side as long as asked before it counts, however small the effort', async () => {
    const spent = [0, 0];
    const side = (which: number) => ({
      seconds: async (calls: number) => {
        const seconds = calls * 0.1;
        spent[which] = (spent[which] as number) + seconds;
        return seconds;
      },
    });
    const o = { rounds: 3, roundSeconds: 0.1, warmSeconds: 2 };
    const timings = await new Sampler(0.1).interleave([side(0), side(1)], o);
    const timed = 2 * 3 * 0.1; // each round once uncounted, once counted
    for (const [i, { samples }] of timings.entries()) {
      expect(samples).toHaveLength(3);
      expect((spent[i] as number) - timed).toBeGreaterThanOrEqual(2 - 1e-9);
    }
  });

  test('runs every side once where no effort is made', async () => {
    const asked: number[] = [];
    const side = { seconds: async (calls: number) => asked.push(calls) };
    const timings = await new Sampler(0).interleave([side, side], { rounds: 3, roundSeconds: 1, warmSeconds: 2 });
    expect(asked).toEqual([1, 1]);
    expect(timings).toEqual([
      { median: 1, samples: [1] },
      { median: 2, samples: [2] },
    ]);
    const stopped = new Sampler(0, AbortSignal.abort()).interleave([side]);
    await expect(stopped).rejects.toThrow('aborted');
  });

  test('the median of an even count is between its middle two', () => {
    expect([median([1, 2, 9]), median([1, 2, 4, 9])]).toEqual([2, 3]);
  });
});

describe('the table', () => {
  const row: BenchRow = {
    name: 'gemm: 128³',
    unit: 'GFLOP/s',
    ours: 180.4,
    peer: 150,
    ratio: 1.2027,
    goal: 1,
    hostKernels: 0,
  };

  test('ratios above 1 are better whatever the unit', () => {
    expect(known({ name: 'm', unit: 'MB', ours: 50, peer: 100, hostKernels: 0 }).ratio).toBe(2);
    expect(known({ name: 'm', unit: 'tokens/s', ours: 50, peer: 100, more: true, hostKernels: 0 }).ratio).toBe(0.5);
    expect(known({ name: 'm', unit: 'MB', ours: 50, peer: null, hostKernels: 0 }).ratio).toBeNull();
  });

  test('marks goals that are met and missed', () => {
    expect(cells(row)).toEqual(['gemm: 128³', 'GFLOP/s', '180', '150', '1.20 ✓', '≥ 1', '0']);
    expect(cells({ ...row, ratio: 0.9 })[4]).toBe('0.90 ✗');
    expect(missed([row, { ...row, ratio: 0.9 }, { ...row, ratio: null }])).toHaveLength(1);
  });

  test('is a page with machine, versions and the command', () => {
    const report = {
      machine: { ...machine(), backend: 'native', threads: 2, isa: 'avx2' },
      versions: { node: 'v20' },
      rows: [row],
    };
    const page = markdown(report, 'npx gimbal bench gemm --peer', 'abc');
    expect(page).toContain('| gemm: 128³ | GFLOP/s | 180 | 150 | 1.20 ✓ | ≥ 1 | 0 |');
    expect(page).toContain('native (avx2), 2 threads');
    expect(page).toContain('npx gimbal bench gemm --peer');
  });

  test('grows by the rows of a later run', () => {
    const report = { machine: { ...machine(), backend: 'native', threads: 2 }, versions: { node: 'v20' } };
    const other = { ...row, name: 'gemm: 256³' };
    const first = markdown({ ...report, rows: [row, other] }, 'npx gimbal bench gemm', 'abc');
    const again = { ...row, ours: 150, ratio: 1 };
    const second = markdown(
      { ...report, rows: [again, { ...row, name: 'new' }] },
      'npx gimbal bench gemm --add',
      'def',
    );
    const page = addRows(first, second, 'page.md');
    expect(
      page
        .split('\n')
        .filter((line) => line.startsWith('| '))
        .slice(2),
    ).toEqual([again, other, { ...row, name: 'new' }].map((r) => `| ${cells(r).join(' | ')} |`));
    expect(page).toContain('- Commit: abc, def\n');
    expect(page).toContain('npx gimbal bench gemm\nnpx gimbal bench gemm --add\n```');
    expect(addRows(page, second, 'page.md')).toBe(page); // once more changes nothing
    const elsewhere = markdown({ ...report, versions: { node: 'v22' }, rows: [row] }, 'npx gimbal bench gemm', 'abc');
    expect(() => addRows(first, elsewhere, 'page.md')).toThrow(/measured on one machine.*v22.*v20/s);
    expect(() => addRows('# Notes', second, 'notes.md')).toThrow(/no table of results.*notes\.md/s);
  });
});
