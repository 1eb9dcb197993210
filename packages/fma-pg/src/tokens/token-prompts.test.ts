import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { disposeTree, type Params, type Prompt, type TextCodec, useBackend } from '@gimbal/tensor-core';
import { ones } from '@tensorflow/tfjs-core';
import { tokenOptions } from '../../test/fixtures/token-options.ts';
import { type TokenTable, tokenTable } from '../../test/fixtures/token-table.ts';
import { type TokenPolicyOptions, TokenPolicyTrainer, tokenPresets } from '../index.ts';

beforeAll(() => useBackend('auto'));

const table = tokenTable({ vocabulary: 4, length: 3 });
/** A token for each letter, which the policy has no use for. */
const letters: TextCodec = {
  ...table.codec,
  encode: (texts) => {
    const width = Math.max(0, ...texts.map((text) => text.length));
    return {
      ids: new Int32Array(texts.length * width),
      width,
      lengths: Int32Array.from(texts, (text) => text.length),
    };
  },
};
/** A policy of 8 tokens of context, which 3 of a completion share; an encoder-decoder's have 8 of their own. */
const within = (whole = false): TokenTable =>
  ({ ...table, config: { contextLength: 8 }, ...(whole && { readsWholePrompts: true }) }) as TokenTable;
const trainer = (prompts: readonly Prompt[], o: Partial<TokenPolicyOptions> = {}): TokenPolicyTrainer =>
  new TokenPolicyTrainer(tokenOptions({ policy: within(), codec: letters, prompts, ...o }));

test('prompts without room for a completion are left out and counted, of evaluations too', async () => {
  const evalPrompts = ['xxxxxx', 'yyyyy'];
  const seen = new Set<string>();
  const reward: TokenPolicyOptions['reward'] = (prompts, texts) => {
    for (const prompt of prompts) seen.add(prompt);
    return texts.map(() => 0);
  };
  using some = trainer(['aaaaa', 'bbbbbb', { prompt: 'cccccccc' }, 'd'], { evalPrompts, reward });
  expect(some.overflow).toEqual({ rows: 3, where: ['prompts, row 1', 'prompts, row 2', 'evalPrompts, row 0'] });
  expect(some.options.prompts).toEqual(['aaaaa', 'd']);
  await some.run({ steps: 2 });
  expect([...seen].sort()).toEqual(['aaaaa', 'd', 'yyyyy']);
  using apart = trainer(['aaaaa', 'bbbbbb', 'cccccccc', 'ddddddddd'], { policy: within(true) });
  expect(apart.overflow).toEqual({ rows: 1, where: ['prompts, row 3'] });
  using unknown = trainer(['a'.repeat(100)], { policy: table });
  expect(unknown.overflow).toEqual({ rows: 0, where: [] });
});

test('they are refused by row where that is asked for, and where none is left', () => {
  expect(() => trainer(['a', 'bbbbbb'], { overflow: 'error' })).toThrow(
    expect.objectContaining({
      code: 'ERR_DATA',
      message: expect.stringMatching(
        /^prompts, row 1: the prompt leaves no room .*; got 6, wanted at most 5 tokens, 8 less maxNewTokens/,
      ),
    }),
  );
  expect(() => trainer(['a'], { evalPrompts: ['bbbbbb'] })).toThrow(/^evalPrompts: none of the 1 fits: of row 0 /);
  expect(() => trainer(['a'], { overflow: 'cut' as 'drop' })).toThrow(/^overflow: .*"cut", wanted one of drop, error/);
});

test('prompts that ask nothing, and what is no prompt, are refused by row', () => {
  expect(() => trainer(['a', { prompt: '' }])).toThrow(
    expect.objectContaining({
      code: 'ERR_DATA',
      message: expect.stringMatching(/^prompts, row 1: the prompt has no token/),
    }),
  );
  expect(() => trainer(['a'], { evalPrompts: [''] })).toThrow('evalPrompts, row 0: the prompt has no token');
  // a start token is something to go on from: the table's codec gives every text one
  trainer([''], { codec: table.codec }).dispose();
  expect(() => trainer('abc' as never)).toThrow('prompts: no list; got "string"');
  expect(() => trainer(['a', { question: 'b' }, 'c'] as never)).toThrow('prompts, row 1: no prompt; got "object"');
  expect(() => trainer(['a', null] as never)).toThrow('prompts, row 1: no prompt; got "null"');
});

test('a run goes on with its own prompts only, others of the same number are refused', async () => {
  const out = await mkdtemp(join(tmpdir(), 'fma-pg-'));
  try {
    using first = trainer(['ab', 'c'], { out });
    await first.run({ steps: 1 });
    const resume = (prompts: readonly Prompt[]) =>
      TokenPolicyTrainer.resume(out, tokenOptions({ policy: within(), codec: letters, prompts, out }));
    await expect(resume(['a', 'bc'])).rejects.toThrow(/another configuration: rows differs/);
    (await resume(['ab', 'c'])).dispose();
  } finally {
    await rm(out, { recursive: true });
  }
});

test('a run goes on with the reference it was given only', async () => {
  const out = await mkdtemp(join(tmpdir(), 'fma-pg-'));
  const [one, two] = [table.init(), { logits: ones([table.prefixes, 4]) }];
  try {
    const o = (params: Params) => tokenOptions({ anchor: { params }, out });
    using first = new TokenPolicyTrainer(o(one));
    await first.run({ steps: 1 });
    await expect(TokenPolicyTrainer.resume(out, o(two))).rejects.toThrow(/another configuration: anchorName differs/);
    (await TokenPolicyTrainer.resume(out, o(one))).dispose();
  } finally {
    await rm(out, { recursive: true });
    disposeTree(one);
    disposeTree(two);
  }
});

test('options of a value function without one are refused, and a preset leaves them out', () => {
  expect(() => trainer(['a'], { baseline: 'batch', value: { learningRate: 1e-3 } })).toThrow(
    "value: baseline 'batch' has no value function. Give baseline 'value', or leave value out",
  );
  expect(tokenPresets.ppo({ baseline: 'batch' }).value).toBeUndefined();
  trainer(['a'], tokenPresets.ppo({ baseline: 'batch' })).dispose();
});
