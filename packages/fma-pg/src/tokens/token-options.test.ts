import { disposeTree, useBackend } from '@gimbal/tensor-core';
import { ones, tokenOptions as options } from '../../test/fixtures/token-options.ts';
import { tokenTable } from '../../test/fixtures/token-table.ts';
import {
  type Surrogate,
  type SurrogateResult,
  surrogates,
  type TokenPolicyOptions,
  TokenPolicyTrainer,
  tokenPresets,
} from '../index.ts';

beforeAll(() => useBackend('auto'));

test('options that make no sense are refused by name', () => {
  const of = (o: Partial<TokenPolicyOptions>): unknown => new TokenPolicyTrainer(options(o));
  expect(() => of({ temperature: 0 })).toThrow('temperature: out of range; got 0');
  expect(() => of({ klMixing: 'convex', klCoef: 2 })).toThrow(
    'klCoef: out of range; got 2, wanted a number from 0 to 1',
  );
  expect(() => of({ batchSize: 9, samplesPerPrompt: 2 })).toThrow(
    'batchSize: out of range; got 9, wanted a multiple of samplesPerPrompt = 2',
  );
  expect(() => of({ baseline: 'group' })).toThrow("baseline: 'group' needs others to compare with; got 1");
  expect(() => of({ batchSize: 1, baseline: 'batch' })).toThrow("baseline: 'batch' needs others");
  expect(() => of({ prompts: [] })).toThrow('prompts: there are none');
  expect(() => of({ klCoeff: 0.1 } as never)).toThrow(
    /TokenPolicyTrainer: unknown option klCoeff; .*Did you mean klCoef\?/s,
  );
  expect(() => of({ checkpointEvery: 3 })).toThrow('checkpointEvery: there is nowhere to save');
  expect(() => of({ learningRate: Number.NaN })).toThrow('learningRate: out of range');
  expect(() => of({ value: { learningRate: -1 } })).toThrow('value.learningRate: out of range');
  expect(() => of({ policyWarmup: { steps: 2, mode: 'frozen' as 'freeze' } })).toThrow(/policyWarmup.mode: .*freeze/);
  expect(() => of({ policyWarmup: { steps: 0, mode: 'lr' } })).toThrow('policyWarmup.steps: out of range');
  expect(() => of({ normalizeAdvantage: 'groups' as 'group' })).toThrow(/normalizeAdvantage: .*Did you mean group\?/);
  expect(() => of({ normalizeAdvantage: 'group' })).toThrow(
    "normalizeAdvantage: 'group' divides by the spread among the completions of one prompt; got 1",
  );
  expect(() => of({ missingEos: { penalty: -1 } })).toThrow('missingEos.penalty: out of range');
  expect(() => of({ missingEos: { reward: Number.NaN } })).toThrow('missingEos.reward: out of range');
  expect(() => of({ reward: [] })).toThrow('reward: there are none');
  const twice = { name: 'style', weight: 1, fn: ones };
  expect(() => of({ reward: [twice, twice] })).toThrow('reward: two have one name; got "style"');
  expect(() => of({ anchor: 'ema' as 'fixed' })).toThrow('anchor: no such choice; got "ema"');
  expect(() => of({ anchor: { emarate: 0.9 } as never })).toThrow(
    /anchor: unknown option emarate; .*Did you mean emaRate/s,
  );
  expect(() => of({ baseline: 'value', value: { learningRate: 1, gaeLamda: 0.5 } as never })).toThrow(
    /value: unknown option gaeLamda; .*Did you mean gaeLambda/s,
  );
  expect(() => of({ policyWarmup: { steps: 2, mode: 'lr', step: 3 } as never })).toThrow(
    'policyWarmup: unknown option',
  );
  expect(() => of({ missingEos: { reward: 1, penalty: 2 } as never })).toThrow('missingEos: unknown option penalty');
  expect(() => of({ baseline: 'value', credit: 'sequence' })).toThrow("credit: 'sequence' has no use for values");
  expect(() => of({ surrogate: surrogates.mpo(), accumulate: 2 })).toThrow(
    'accumulate: mpo weighs completions against',
  );
  expect(() => surrogates.mpo({ aggregate: 'row-mean' })).toThrow('mpo.aggregate: its weights sum to 1');
  expect(() => of({ surrogate: 'ppo' as never })).toThrow('surrogate: no surrogate; got "ppo"');
  expect(() => of({ reward: undefined as never })).toThrow('reward: no reward; got "undefined"');
  expect(() => of({ reward: [{ name: 'a', weight: 1 }] as never })).toThrow('reward a, fn: it is needed');
  expect(() => of({ reward: [{ name: 'a', wieght: 1, fn: ones }] as never })).toThrow('reward a, weight: it is needed');
  const other = tokenTable({ vocabulary: 5, length: 3 }).init();
  expect(() => of({ anchor: { params: other } })).toThrow(/anchor.params: 'logits' has another shape/);
  disposeTree(other);
});

test('a completion of one token is a policy of its own, but not where what has no end is told apart', () => {
  const of = (o: Partial<TokenPolicyOptions>): TokenPolicyTrainer =>
    new TokenPolicyTrainer(options({ maxNewTokens: 1, ...o }));
  of({}).dispose();
  of({ missingEos: 'mask', maxNewTokens: 2 }).dispose();
  for (const missingEos of ['mask', { reward: 0 }, { penalty: 1 }] as const)
    expect(() => of({ missingEos })).toThrow(
      'maxNewTokens: one token leaves no room for an end, and missingEos tells apart what has none; got 1, wanted at least 2',
    );
});

test('a weight of a reward that is no number is named with its step', async () => {
  const weight = (step: number): number => (step < 1 ? 1 : Number.NaN);
  using trainer = new TokenPolicyTrainer(options({ reward: [{ name: 'style', weight, fn: ones }] }));
  await expect(trainer.run({ steps: 3 })).rejects.toThrow('reward style, weight: no number at step 1; got "NaN"');
  expect(trainer.step).toBe(1);
});

test('one ratio a completion wants one advantage a completion', () => {
  const surrogate = surrogates.ppoClip({ ratioLevel: 'geometric' });
  const of = (o: Partial<TokenPolicyOptions>): unknown => new TokenPolicyTrainer(options(o));
  expect(() => of({ surrogate })).toThrow(
    'credit: a ratio \'geometric\' is of the whole completion, and so is its advantage; got "token"',
  );
  expect(() => of({ surrogate, credit: 'sequence', baseline: 'batch' })).not.toThrow();
  expect(tokenPresets.rloo({ credit: 'token' }).surrogate?.options).toEqual({ aggregate: 'row-mean' });
});

test('a preset without its brackets is told from options', () => {
  expect(() => new TokenPolicyTrainer(options({ ...tokenPresets.rloo }))).toThrow(
    'TokenPolicyTrainer: tokenPresets.rloo is a function: spread what it gives. Write ...tokenPresets.rloo()',
  );
});

test('a surrogate of one’s own is looked at, and so is what it gives', async () => {
  const plain = surrogates.ppoClip();
  const mine = (change: (r: SurrogateResult) => unknown): Surrogate =>
    Object.assign(((x) => change(plain(x))) as typeof plain, { surrogate: 'mine', options: {} });
  const bare = Object.assign(((x) => plain(x)) as typeof plain, { surrogate: 'mine' }) as Surrogate;
  expect(() => new TokenPolicyTrainer(options({ surrogate: bare }))).toThrow('surrogate mine: it has no options');
  expect(() => new TokenPolicyTrainer(options({ surrogate: null as never }))).toThrow('surrogate: no surrogate');
  for (const [change, message] of [
    [({ loss }) => ({ loss }), 'surrogate mine: it gave no stats.klForward'],
    [async (r) => r, 'surrogate mine: it gave a promise'],
  ] as [(r: SurrogateResult) => unknown, string][]) {
    using trainer = new TokenPolicyTrainer(options({ surrogate: mine(change) }));
    await expect(trainer.run({ steps: 1 })).rejects.toThrow(message);
    expect(trainer.step).toBe(0);
  }
});
