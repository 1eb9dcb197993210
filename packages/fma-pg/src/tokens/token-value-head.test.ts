import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flatten, type Params, type Prompt, rng, useBackend } from '@gimbal/tensor-core';
import {
  gather,
  reshape,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  tensor1d,
  tidy,
  zeros,
} from '@tensorflow/tfjs-core';
import { tokenTable } from '../../test/fixtures/token-table.ts';
import { TokenPolicyTrainer, tokenRollout } from '../index.ts';
import { type ResolvedTokenOptions, resolveTokenOptions } from './token-options.ts';
import { TokenValueHead } from './token-value-head.ts';

beforeAll(() => useBackend('auto'));

// a policy whose hidden states are its logits: three numbers for each of 13 prefixes, which no linear head can tell apart
const table = tokenTable({ vocabulary: 3, length: 3 });
const policy = {
  ...table,
  hidden: (
    params: Params,
    _: unknown,
    { ids, width, lengths }: { ids: Int32Array; width: number; lengths: Int32Array },
  ) => ({
    states: tidy(() => {
      const rows = Array.from(ids, (_, i) => table.prefixOf([...ids.subarray(i - (i % width), i)]));
      return reshape(gather(params.logits as Tensor, tensor1d(rows, 'int32')), [lengths.length, width, 3]) as Tensor3D;
    }),
    head: zeros([3, 3]) as Tensor2D,
  }),
};
const params = (): Params => ({ logits: rng(5).normalTensor([13, 3]) });
const options = (trunk: 'policy' | 'own', own: Params): ResolvedTokenOptions =>
  resolveTokenOptions({
    policy,
    params: own,
    codec: table.codec,
    prompts: ['p'] as Prompt[],
    reward: (_, c) => c.map((text) => Number(text.startsWith('2'))),
    baseline: 'value',
    value: { learningRate: 0.05, trunk },
    batchSize: 64,
    maxNewTokens: 3,
    learningRate: 0.1,
    seed: 0,
  });

test('a head on the policy’s states leaves the policy as it is; a trunk of its own learns what the states do not tell', async () => {
  const error: Record<string, number> = {};
  for (const trunk of ['policy', 'own'] as const) {
    const own = params();
    const head = new TokenValueHead(options(trunk, own));
    const before = flatten(own).map(([, leaf]) => [...leaf.dataSync()]);
    const rollout = await tokenRollout(policy, own, table.codec.encode(Array(64).fill('p')), {
      samplesPerPrompt: 1,
      temperature: 1,
      maxNewTokens: 3,
      rng: rng(1),
    });
    const { ids, width } = rollout.completions;
    // the value of a prefix: 1 where exactly one of its tokens is a 2
    const targets = Float32Array.from(ids, (_, i) =>
      Number([...ids.subarray(i - (i % width), i)].filter((t) => t === 2).length === 1),
    );
    for (let k = 0; k < 300; k++) error[trunk] = head.update(own, rollout, targets, rollout.mask);
    expect(flatten(own).map(([, leaf]) => [...leaf.dataSync()])).toEqual(before);
    const off = [...head.values(own, rollout)].map((v, i) => (v - (targets[i] as number)) ** 2);
    expect(off.reduce((a, b) => a + b, 0) / off.length).toBeCloseTo(error[trunk] as number, 2);
    head.dispose();
  }
  expect(error.own).toBeLessThan(0.01);
  expect(error.policy).toBeGreaterThan(0.05);
});

test('resumed, a run with a trunk of its own goes on as the run that was never stopped', async () => {
  const out = await mkdtemp(join(tmpdir(), 'value-trunk-'));
  try {
    const own = params();
    using whole = new TokenPolicyTrainer(options('own', own));
    const expected = await whole.run({ steps: 4 });
    using first = new TokenPolicyTrainer({ ...options('own', own), out });
    await first.run({ steps: 2 });
    using resumed = await TokenPolicyTrainer.resume(out, { ...options('own', own), out });
    expect(await resumed.run({ steps: 4 })).toEqual(expected);
  } finally {
    await rm(out, { recursive: true });
  }
});

test('without a rate of its own the head learns at 1e-3: Adam’s first step is as long', async () => {
  const own = params();
  const { value: _, ...rest } = options('policy', own);
  const head = new TokenValueHead(rest);
  const rollout = await tokenRollout(policy, own, table.codec.encode(['p']), {
    ...{ samplesPerPrompt: 1, temperature: 1, maxNewTokens: 3, rng: rng(1) },
  });
  head.update(
    own,
    rollout,
    rollout.mask.map(() => 5),
    rollout.mask,
  );
  expect((head.params.bias as Tensor).dataSync()[0]).toBeCloseTo(1e-3, 7);
  head.dispose();
});

test('its error is a mean over the tokens that count, not over padding', async () => {
  const own = params();
  const head = new TokenValueHead(options('policy', own));
  const rollout = await tokenRollout(policy, own, table.codec.encode(['p', 'p']), {
    ...{ samplesPerPrompt: 1, temperature: 1, maxNewTokens: 3, rng: rng(1) },
  });
  // V is 0 before the first update: 5² at each of 1 + 3 tokens
  const counted = Float32Array.of(1, 0, 0, 1, 1, 1);
  const returns = Float32Array.of(5, 9, 9, 5, 5, 5);
  expect(head.update(own, rollout, returns, counted)).toBeCloseTo(25, 5);
  head.dispose();
});

test('an unknown trunk is refused', () => {
  expect(() =>
    resolveTokenOptions({ ...options('own', params()), value: { learningRate: 1, trunk: 'mine' as 'own' } }),
  ).toThrow(/value\.trunk: .*"mine"/);
});
