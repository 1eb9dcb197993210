// Data that the main job cannot use, in a process of its own.
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backends, steps } from './align-job.ts';
import { runCli } from './cli-process.ts';

const timeoutMs = 180_000;

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'gimbal-align-'));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

describe('data that cannot be used', () => {
  const align = (...argv: string[]): ReturnType<typeof runCli> => runCli(['align', '--backend', 'cpu', ...argv], cwd);

  test.each([
    ['not JSON', '{"prompt": "a", "completion": "b"}\n{"prompt": \n', /rows\.jsonl:2: not JSON/],
    ['a number for a text', '{"prompt": 3, "completion": "b"}\n', /rows\.jsonl:1: column prompt must hold text; got 3/],
    ['no rows', '\n', /rows\.jsonl: there are no rows/],
    ['an empty file', '', /rows\.jsonl: there are no rows/],
    [
      'a column that only some rows have',
      '{"prompt": "a", "completion": "b"}\n{"prompt": "a"}\n',
      /rows\.jsonl:2: the row has no column completion/,
    ],
    ['other columns', '{"question": "a", "answer": "b"}\n', /rows\.jsonl:1.*--columns prompt=question/s],
    [
      'a column that no row has',
      '{"prompt": "a", "completion": "b"}\n',
      /rows\.jsonl: no row has the column nope, which columns names for prompt/,
      ['--columns', 'prompt=nope'],
    ],
  ] as [string, string, RegExp, string[]?][])(
    '%s',
    async (_name, text, message, more = []) => {
      await writeFile(join(cwd, 'rows.jsonl'), text);
      const { code, stderr, stdout } = await align('--data', 'rows.jsonl', ...more);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(message);
    },
    timeoutMs,
  );

  test(
    'rows that do not fit the context are refused before anything is trained',
    async () => {
      const row = (i: number): string => `{"prompt": "sine of ${i}", "completion": "${Math.sin(i + 1) ** 2}"}\n`;
      await writeFile(join(cwd, 'rows.jsonl'), Array.from({ length: 20 }, (_, i) => row(i)).join(''));
      const job = ['--data', 'rows.jsonl', '--size', 'tiny', '--context', '8', ...steps(1, 1)];
      job.push('--backend', backends[0] as string); // its speed is measured before: the cpu's takes long
      const { code, stderr } = await align(...job);
      expect([code, stderr]).toEqual([
        2,
        expect.stringMatching(/all 18 training rows are longer.*Give a --context of/),
      ]);
      expect(stderr).not.toMatch(/pretrain/);
      const strict = await align(...job, '--fine-tune-overflow', 'error');
      expect([strict.code, strict.stderr]).toEqual([
        2,
        expect.stringMatching(/rows\.jsonl:\d+: .*--fine-tune-overflow/),
      ]);
    },
    timeoutMs,
  );

  test(
    'single rows that do not fit are left out, counted and named by file and line, whatever part they were dealt to',
    async () => {
      const numbers = Array.from({ length: 200 }, (_, i) => (i * i * 7919) % 1000).join(' ');
      const isLong = (line: number): boolean => line % 4 === 0;
      const row = (line: number): string =>
        JSON.stringify({ prompt: `sum of ${line}`, completion: isLong(line) ? numbers : `${line % 7}` });
      const lines = Array.from({ length: 48 }, (_, i) => i + 1);
      await writeFile(join(cwd, 'rows.jsonl'), lines.map((line) => `${row(line)}\n`).join(''));
      const job = ['--data', 'rows.jsonl', '--size', 'tiny', '--context', '64', '--held-out', '16', ...steps(1, 1)];
      const rest = ['--evaluate-max-new-tokens', '2', '--no-distil', '--backend', backends[0] as string];
      const { code, stderr } = await runCli(['align', ...job, ...rest], cwd);
      const told = /(\d+) (\S+) rows? (?:is|are) longer than the context and (left out|not in the loss) \(([^)]*)\)/g;
      const parts = [...stderr.matchAll(told)].map(([, n, part, done, places = '']) => ({
        n: Number(n),
        part,
        done,
        places,
      }));
      expect([code, parts.map(({ part, done }) => `${part}: ${done}`)]).toEqual([
        0,
        ['validation: left out', 'training: left out', 'held-out: not in the loss'],
      ]);
      expect(parts.reduce((sum, { n }) => sum + n, 0)).toBe(lines.filter(isLong).length);
      for (const { n, places } of parts) {
        const named = places.split(', ').filter((place) => place !== '…');
        expect(named).toHaveLength(Math.min(n, 3));
        for (const place of named) expect(isLong(Number(/^rows\.jsonl:(\d+)$/.exec(place)?.[1]))).toBe(true);
      }
    },
    timeoutMs,
  );

  test(
    'a file that is not there, and columns without a file',
    async () => {
      expect(await align('--data', 'none.jsonl')).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('none.jsonl: no such file'),
      });
      expect(await align('--columns', 'prompt=q')).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('there is none'),
      });
      expect(await stat(join(cwd, 'runs'))).toBeDefined();
    },
    timeoutMs,
  );
});
