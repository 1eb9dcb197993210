import { onCores } from '../lib/cores.mjs';

interface Job {
  name: string;
  cores: number;
}
const jobs: Job[] = [
  { name: 'a', cores: 1 },
  { name: 'b', cores: 1 },
  { name: 'c', cores: 1 },
  { name: 'all', cores: 2 },
  { name: 'd', cores: 1 },
];

/** Runs them, each until it is told to end, in this order; after each step, what is running. */
async function steps(endings: [string, boolean | Error][], cores = 2): Promise<[string[], string[] | unknown]> {
  const ends = new Map<string, (ok: boolean | Error) => void>();
  const seen: string[] = [];
  const look = async (): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    seen.push([...ends.keys()].join(' '));
  };
  const left = onCores(jobs, cores, ({ name }) => {
    return new Promise<boolean>((resolve, reject) => {
      ends.set(name, (ok) => (typeof ok === 'boolean' ? resolve(ok) : reject(ok)));
    });
  }).catch((error: unknown) => error);
  await look();
  for (const [name, ok] of endings) {
    ends.get(name)?.(ok);
    ends.delete(name);
    await look();
  }
  const result = await left;
  return [seen, Array.isArray(result) ? result.map(({ name }) => name) : result];
}

test('as many run as there are cores, in their order; one that needs all cores has them alone', async () => {
  const endings = ['b', 'a', 'c', 'all', 'd'].map((name): [string, boolean] => [name, true]);
  expect(await steps(endings)).toEqual([['a b', 'a c', 'c', 'all', 'd', ''], []]);
});

test('on one core each runs alone', async () => {
  const endings = jobs.map(({ name }): [string, boolean] => [name, true]);
  expect(await steps(endings, 1)).toEqual([['a', 'b', 'c', 'all', 'd', ''], []]);
});

test('after a failure what runs is waited for and nothing more starts', async () => {
  const failed: [string, boolean][] = [
    ['a', false],
    ['b', true],
  ];
  expect(await steps(failed)).toEqual([
    ['a b', 'b', ''],
    ['c', 'all', 'd'],
  ]);
});

test('what a job throws is thrown at the end', async () => {
  const fault = new Error('broken');
  expect(
    await steps([
      ['a', fault],
      ['b', true],
    ]),
  ).toEqual([['a b', 'b', ''], fault]);
});
