// What a user's codec, policy, reward or monitor gives wrongly is named where it is; nothing is learnt from it, and training
// can go on.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Prompt, type RewardFn, readMetrics, type TokenBatch, useBackend } from '@gimbal/tensor-core';
import { type Tensor, type Tensor2D, tensor2d } from '@tensorflow/tfjs-core';
import { ones, tokenOptions } from '../../test/fixtures/token-options.ts';
import { tokenTable } from '../../test/fixtures/token-table.ts';
import { type TokenPolicyOptions, type TokenPolicyStep, TokenPolicyTrainer } from '../index.ts';

beforeAll(() => useBackend('auto'));

const table = tokenTable({ vocabulary: 4, length: 3 });
const { codec } = table;
const weights = (t: TokenPolicyTrainer): number[] => [...(t.params.logits as Tensor).dataSync<'float32'>()];

async function steps(trainer: TokenPolicyTrainer, to: number): Promise<TokenPolicyStep[]> {
  const out: TokenPolicyStep[] = [];
  for await (const step of trainer.train({ steps: to })) out.push(step);
  return out;
}

/** A trainer of three prompts, 48 completions of 3 tokens. */
const failing = async (o: Partial<TokenPolicyOptions>): Promise<Error & { code?: string }> => {
  using trainer = new TokenPolicyTrainer(tokenOptions(o));
  const before = weights(trainer);
  const error = await trainer.run({ steps: 1 }).then(
    () => new Error('it was accepted'),
    (e) => e,
  );
  expect(trainer.step).toBe(0);
  expect(weights(trainer)).toEqual(before);
  return error;
};

test.each<[unknown, string]>([
  [undefined, 'codec.decode: it gave no list of texts; got "undefined", wanted 48 texts'],
  [['a', 'b'], 'codec.decode: it gave another number of texts; got 2, wanted 48'],
  [[...Array<string>(47).fill('a'), 7], 'codec.decode, row 47: no text; got "number", wanted a string'],
])('decode gives %j', async (texts, text) => {
  const error = await failing({ codec: { ...codec, decode: () => texts as string[] } });
  expect(error).toMatchObject({ code: 'ERR_DATA', message: expect.stringContaining(text) });
});

const none = { ids: new Int32Array(0), width: 1, lengths: new Int32Array(0) };
test.each<[string, (b: TokenBatch) => unknown, string]>([
  ['nothing', () => undefined, 'policy.sample: it gave no tokens; got "undefined", wanted { ids, width, lengths }'],
  ['no rows', () => none, 'policy.sample: it gave another number of rows; got 0, wanted 48'],
  [
    'long rows',
    (b) => ({ ...b, lengths: b.lengths.map((n, i) => (i === 5 ? 9 : n)) }),
    'policy.sample, row 5: its length is outside the row; got 9, wanted 0 to the width, 3',
  ],
  ['few ids', (b) => ({ ...b, ids: b.ids.slice(3) }), 'ids has another length; got 141, wanted 48 rows of width 3'],
  ['no ids', ({ ids: _, ...b }) => b, 'policy.sample: ids is no list; got "undefined"'],
  ['no lengths', ({ lengths: _, ...b }) => b, 'policy.sample: lengths is no list; got "undefined"'],
  ['half a width', (b) => ({ ...b, width: 1.5 }), 'policy.sample: width is no number of tokens; got 1.5'],
  ['an end of one', (b) => ({ ...b, ended: Uint8Array.of(1) }), 'ended is no list of as many; got 1, wanted 48'],
])('sample gives %s', async (_, change, text) => {
  const sample: typeof table.sample = async (...x) => change(await table.sample(...x)) as TokenBatch;
  const error = await failing({ policy: { ...table, sample } });
  expect(error).toMatchObject({ code: 'ERR_DATA', message: expect.stringContaining(text) });
});

test('encode gives another number of prompts, when a trainer is made and later', async () => {
  const one = { ...codec, encode: () => codec.encode(['a']) };
  expect(() => new TokenPolicyTrainer(tokenOptions({ codec: one }))).toThrow(
    'codec.encode: it gave another number of rows; got 1, wanted 3',
  );
  let calls = 0;
  const later = { ...codec, encode: (texts: readonly string[]) => codec.encode(++calls === 1 ? texts : ['a']) };
  expect((await failing({ codec: later })).message).toBe(
    'codec.encode: it gave another number of rows; got 1, wanted 48',
  );
});

test('log-probabilities of another shape, or none', async () => {
  const of = (logProbs: () => unknown) => failing({ policy: { ...table, logProbs: logProbs as () => Tensor2D } });
  expect(await of(() => tensor2d([[1]]))).toMatchObject({
    code: 'ERR_SHAPE',
    message: 'policy.logProbs: it gave another shape than the completions have; got [1,1], wanted [48,3]',
  });
  expect((await of(() => undefined)).message).toMatch(/^policy: logProbs is missing/);
});

test('a reward that throws is named; an error that names itself goes through', async () => {
  const boo: RewardFn = () => {
    throw new Error('boo');
  };
  expect(await failing({ reward: boo })).toMatchObject({ code: 'ERR_DATA', message: 'reward reward: it threw: boo' });
  const reward = [
    { name: 'fine', weight: 1, fn: ones },
    { name: 'style', weight: 1, fn: () => Promise.reject('boo') },
  ];
  expect((await failing({ reward })).message).toBe('reward style: it threw: boo');
  const own = Object.assign(new Error('judge, row 3: no room'), { code: 'ERR_DATA', where: 'judge, row 3' });
  expect(await failing({ reward: () => Promise.reject(own) })).toBe(own);
});

test('a monitor that is none is refused at once, and one that answers wrongly before anything is learnt', async () => {
  expect(() => new TokenPolicyTrainer(tokenOptions({ monitor: {} as never }))).toThrow(
    'monitor: it has no function check; got "object", wanted { check(step, prompts, completions) }',
  );
  for (const [alerts, got] of [
    [5, '5'],
    [[5], '5'],
  ] as const) {
    const error = await failing({ monitor: { check: async () => alerts as never } });
    expect(error).toMatchObject({ code: 'ERR_DATA' });
    expect(error.message).toContain(`monitor.check: it gave no list of alerts; got ${got}, wanted a list of alerts`);
  }
  // gone on with, the same prompts are sampled, and the average is as it was
  using whole = new TokenPolicyTrainer(tokenOptions({ baseline: 'moving-average' }));
  let calls = 0;
  const check = async () => (++calls === 2 ? (5 as never) : []);
  using trainer = new TokenPolicyTrainer(tokenOptions({ baseline: 'moving-average', monitor: { check } }));
  await expect(trainer.run({ steps: 4 })).rejects.toThrow('monitor.check');
  expect(trainer.step).toBe(1);
  expect(await steps(trainer, 4)).toEqual((await steps(whole, 4)).slice(1));
});

test('an evaluation that failed is made when the run goes on, saved in between or not: no step is lost', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'fma-pg-'));
  try {
    const evalPrompts: Prompt[] = [{ prompt: 'h', held: true }];
    const failsOnce = (at: number): RewardFn => {
      let calls = 0;
      return (prompts, texts, rows) => {
        if ((rows?.[0] as { held?: boolean } | undefined)?.held && ++calls === at) throw new Error('the judge is away');
        return ones(prompts, texts);
      };
    };
    const o = (at: number, out: string) => tokenOptions({ evalPrompts, evalEvery: 1, reward: failsOnce(at), out });
    using whole = new TokenPolicyTrainer(o(0, join(dir, 'whole')));
    const expected = await steps(whole, 4);
    const log = await readMetrics(join(dir, 'whole'));
    const numbers = (rows: readonly object[]): object[] => rows.map((row) => ({ ...row, time: 0 }));
    for (const at of [2, 4]) {
      const out = join(dir, `at${at}`);
      using trainer = new TokenPolicyTrainer(o(at, out));
      await expect(trainer.run({ steps: 4 })).rejects.toThrow('the judge is away');
      expect(trainer.step).toBe(at - 1);
      await trainer.save(join(dir, `saved${at}`));
      expect(await steps(trainer, 4)).toEqual(expected.slice(at - 1));
      expect(trainer.best).toEqual(whole.best);
      expect(numbers(await readMetrics(out))).toEqual(numbers(log));
      using resumed = await TokenPolicyTrainer.resume(join(dir, `saved${at}`), o(0, join(dir, `again${at}`)));
      expect(resumed.step).toBe(at - 1);
      expect(await steps(resumed, 4)).toEqual(expected.slice(at - 1));
    }
  } finally {
    await rm(dir, { recursive: true });
  }
});
