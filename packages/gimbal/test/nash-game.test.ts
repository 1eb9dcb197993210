// gimbal nash-md --game, from the sources.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GameResult } from '../src/nash/game-result.ts';
import { startCli } from './cli-process.ts';
import { runMain } from './run-main.ts';

const source = new URL('../src/', import.meta.url);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-nash-game-'));
});
afterAll(() => rm(folder, { recursive: true }));

let runs = 0;
const run = async (...argv: string[]) => {
  const out = join(folder, `run-${++runs}`);
  const { code, stdout, stderr } = await runMain(['nash-md', ...argv, '--json', '--out', out], source);
  return { code, stderr, out, result: stdout === '' ? undefined : (JSON.parse(stdout) as GameResult) };
};
const file = async (name: string, text: string): Promise<string> => {
  await writeFile(join(folder, name), text);
  return join(folder, name);
};
const rounded = (p: readonly number[] | null | undefined): number[] => (p ?? []).map((x) => Number(x.toFixed(4)));

test('the cyclic game: the equilibrium of an independent implementation, a curve and a page', async () => {
  const { result, out } = await run('--game', 'cyclic', '--reference', '0.7,0.2,0.1', '--steps', '5000');
  expect(result?.policy).toEqual([0.4172, 0.2113, 0.3715].map((p) => expect.closeTo(p, 3)));
  expect(rounded(result?.exact)).toEqual([0.4172, 0.2113, 0.3715]);
  expect(rounded(result?.nash)).toEqual([0.3333, 0.3333, 0.3333]);
  expect(result?.cyclicShare).toBeCloseTo(1, 12);
  expect(result?.curve.at(-1)?.t).toBe(5000);
  expect(result?.curve.length).toBeLessThanOrEqual(20);
  const whole = JSON.parse(await readFile(join(out, 'result.json'), 'utf8')) as GameResult;
  expect(whole.curve.length).toBe(201);
  expect(result?.gap).toBeLessThan(1e-6);
  const page = await readFile(join(out, 'report.html'), 'utf8');
  expect(page).toContain('Distance from equilibrium');
  expect(page).toContain('<svg');
});

test('the same game as JSON, counts, CSV with and without names, and TSV', async () => {
  const rows = [
    [0.5, 0.8, 0.3],
    [0.2, 0.5, 0.9],
    [0.7, 0.1, 0.5],
  ];
  const table = (s: string, names?: string[]): string =>
    [
      ...(names ? [['', ...names].join(s)] : []),
      ...rows.map((row, i) => [...(names ? [names[i]] : []), ...row].join(s)),
    ].join('\n');
  const files = [
    await file('a.json', JSON.stringify(rows)),
    await file('b.json', JSON.stringify({ preferences: rows, labels: ['x', 'y', 'z'], tau: 0.1 })),
    await file('c.json', JSON.stringify({ wins: rows.map((row, i) => row.map((p, j) => (i === j ? 0 : 100 * p))) })),
    await file('d.csv', `\uFEFF${table(',')}`),
    await file('e.csv', table(',', ['x', 'y', 'z'])),
    await file('f.tsv', table('\t', ['x', 'y', 'z'])),
  ];
  const all = await Promise.all(files.map((name) => run('--game', name)));
  for (const { result } of all) expect(rounded(result?.exact)).toEqual(rounded(all[0]?.result?.exact));
  expect(all.map(({ result }) => result?.labels[1])).toEqual(['response 2', 'y', 'response 2', 'response 2', 'y', 'y']);
});

test('without regularisation the solvers that have a meaning there run', async () => {
  const { result } = await run('--game', 'dice', '--kl-coef', '0', '--solver', 'extragradient', '--steps', '4000');
  expect(result?.exact).toBeNull();
  expect(result?.exploitability).toBeLessThan(0.02);
});

test('what is no game is refused, with the place, before a folder is made', async () => {
  const refused = async (...argv: string[]): Promise<string> => {
    const { code, stderr, out } = await run(...argv);
    expect(code).not.toBe(0);
    await expect(readFile(join(out, 'config.json'))).rejects.toThrow('ENOENT');
    return stderr;
  };
  expect(await refused('--game', 'cyclc')).toContain('Did you mean cyclic?');
  expect(await refused('--game', join(folder, 'none.json'))).toContain('there is no such file');
  expect(await refused('--game', await file('g.json', '[[0.5, 0.8], [0.3, 0.5]]'))).toContain('Add --symmetrise');
  expect(await refused('--game', await file('h.json', '[[0.5, 1.2], [-0.2, 0.5]]'))).toContain(
    'row 0, column 1: no probability; got 1.2',
  );
  expect(await refused('--game', await file('i.csv', '0.5,0.8\n0.2,half'))).toContain(
    'i.csv:2, column 2: no number; got "half"',
  );
  expect(await refused('--game', await file('j.json', '{"a": 1'))).toContain('no JSON');
  expect(await refused('--game', await file('k.json', '{"preferences": [[0.5]], "tua": 1}'))).toContain(
    'Did you mean tau?',
  );
  // what would be ignored
  expect(await refused('--game', 'cyclic', '--lora', '4')).toContain('--lora: with --game nothing is trained');
  expect(await refused('--model', folder, '--solver', 'mmd')).toContain('--solver: it is of --game');
  expect(await refused('--game', 'cyclic', '--kl-coef', '0')).toContain(
    'gimbal nash-md --kl-coef: out of range; got 0',
  );
  expect(await refused('--game', 'cyclic', '--eta', '30')).toContain('eta: out of range; got 30');
  expect(await refused('--game', 'cyclic', '--reference', '0.5,0.6,0.1')).toContain('do not sum to 1');
  expect(await refused('--game', 'cyclic', '--reference', '0.5,0.5')).toContain(
    'gimbal nash-md --reference: wrong length; got 2, wanted 3',
  );
  expect(await refused()).toContain('nothing to solve');
  const { result } = await run('--game', await file('g.json', '[[0.5, 0.8], [0.3, 0.5]]'), '--symmetrise');
  expect(result?.preferences[0]).toEqual([0.5, 0.75]);
});

test('as spreadsheets and Notepad write it: a mark in front, names with commas in quotes, six digits', async () => {
  const named = await run('--game', await file('l.csv', '\uFEFF"","x, y",b\n"x, y",0.5,0.8\nb,0.2,0.5\n'));
  expect(named.result?.labels).toEqual(['x, y', 'b']);
  const text =
    '{"preferences": [[0.5,0.8,0.3],[0.2,0.5,0.9],[0.7,0.1,0.5]], "reference": [0.333333,0.333333,0.333333]}';
  expect((await run('--game', await file('m.json', `\uFEFF${text}`))).code).toBe(0);
});

test('contradictions, counts in a .csv, sizes and numbers that mean nothing are refused, in the file’s words', async () => {
  const refused = async (...argv: string[]): Promise<string> => {
    const { code, stderr } = await run(...argv);
    expect(code).toBe(2);
    return stderr;
  };
  const json = async (name: string, value: object): Promise<string> => file(name, JSON.stringify(value));
  const [P, wins] = [
    [
      [0.5, 0.8],
      [0.2, 0.5],
    ],
    [
      [0, 8],
      [2, 0],
    ],
  ];
  expect(await refused('--game', await json('n.json', { preferences: P, wins }))).toContain(
    'both preferences and wins',
  );
  expect(await refused('--game', await json('o.json', { preferences: P, tau: -1 }))).toContain('o.json, tau');
  expect(await refused('--game', await json('p.json', { preferences: P, reference: [0.5, 0.6] }))).toContain(
    'p.json, reference: the probabilities do not sum to 1',
  );
  expect(await refused('--game', await json('q.json', { wins }), '--symmetrise')).toContain('--symmetrise');
  expect(await refused('--game', await file('r.csv', 'a,a\n0.5,0.8\n0.2,0.5'))).toContain('two responses of one name');
  expect(await refused('--game', await file('s.csv', '0,14\n6,0'))).toContain('Counts of wins go into a .json');
  expect(await refused('--game', 'random:100000000')).toContain(
    'too many responses; got 100000000, wanted at most 1000',
  );
  expect(await refused('--game', 'cyclic:0.9:5:7')).toContain('cyclic and at most 2');
  expect(await refused('--game', 'dice:99')).toContain('dice has no number of this place');
});

test('a yardstick that is not found does not fail the solver; what the numbers do not say is said', async () => {
  const small = await run('--game', 'random:10', '--solver', 'extragradient', '--kl-coef', '1e-6', '--steps', '50');
  expect(small.code).toBe(0);
  const told = async (...argv: string[]): Promise<string> =>
    (await runMain(['nash-md', ...argv, '--steps', '50', '--out', join(folder, `told-${++runs}`)], source)).stdout;
  const dice = await told('--game', 'dice');
  expect(dice).toContain('is the equilibrium already');
  expect(dice).toContain('gap 0, exploitability 0');
  expect(await told('--game', 'cyclic:0.9:4', '--solver', 'sppo')).toContain('its average is what counts');
});

test('Ctrl-C is heard while a game is solved', async () => {
  const out = join(folder, 'stopped');
  const argv = ['nash-md', '--game', 'random:100', '--steps', '1000000000', '--out', out];
  const { child, ended } = startCli(argv, folder);
  for (let tries = 0; tries < 600; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    if (await readFile(join(out, 'config.json')).catch(() => undefined)) break;
  }
  child.kill('SIGINT');
  const { code, stderr } = await ended;
  expect(stderr).toContain('of 1000000000 steps');
  expect(code).toBe(130);
});
